"""`python -m adminapi --config FILE --data DIR`: the management program on its own (DESIGN 2).

The law: the address is taken before anything else starts, so a taken port is one sentence and not a traceback; the first
SIGTERM or SIGINT stops accepting, gives requests in flight `graceful_seconds`, and ends 0. It prints nothing on stdout;
the log, one line an event, goes to stderr. It needs the broker for almost everything and starts without it.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import trio

from adminapi.app import build
from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit
from adminapi.control import Channel
from adminapi.desk import services
from adminapi.dialect import Dialect
from adminapi.dialects.hisihi import Hisihi
from adminapi.dialects.jmessage import JMessage
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.maxleap import MaxLeap
from adminapi.dialects.native import Native
from adminapi.dialects.parley import Parley
from adminapi.door import Door, listening
from adminapi.files import Files, expire_hourly
from adminapi.metrics import Metrics
from adminapi.passwords import Passwords
from adminapi.repeats.calls import Repeats
from adminapi.settings import Place, load
from adminapi.shared import Shared
from adminapi.translator.endpoints import with_translator
from protocol.clients import logs
from protocol.clients.manager import Manager
from protocol.codec import allow_depth
from protocol.settings import BadSettings

log = logging.getLogger("adminapi")

BAD_SETTINGS = 78
"""EX_CONFIG of sysexits.h, which systemd shows by that name."""
FORCE_SECONDS = 0.3
"""Beyond `graceful_seconds`; together below the 2 s that `parley up` promises."""


def dialects(place: Place, metrics: Metrics, shared: Shared, audit: Audit, repeats: Repeats) -> Sequence[Dialect]:
    """Every dialect this program serves."""
    passwords = Passwords()  # one bound for all of them
    found = [
        Native(),
        JMessage(passwords.hash),
        LeanCloud(place.sockets),
        Hisihi(place.hisihi.app),
        MaxLeap(),
        Parley(services(place, passwords, metrics, shared, audit, repeats)),
    ]
    return with_translator(found, repeats)


FEED_SECONDS = 3.0


async def feed(manager: Manager, channel: Channel) -> None:
    """Tell the service manager that this program turns, and whether the broker is there."""
    watchdog = manager.watchdog_seconds
    while True:
        manager.alive(channel.fault or "the broker is there")
        await trio.sleep(FEED_SECONDS if watchdog is None else min(FEED_SECONDS, watchdog / 3))


async def serve(place: Place, sock: socket.socket) -> None:
    """Until told to stop."""
    manager = Manager()
    channel, files, metrics = (
        Channel(place.control, calls=place.calls, calls_per_app=place.calls_per_app),
        Files(place.files, free_bytes=place.admin.free_bytes),
        Metrics(),
    )
    audit = Audit(AuditLog(place.audit, days=place.admin.audit_days))
    shared, repeats = Shared(), Repeats(place.repeats)
    served = dialects(place, metrics, shared, audit, repeats)
    app: Any = build(
        channel,
        served,
        files,
        settings=place.admin,
        audit=audit,
        repeats=repeats,
        sockets=place.sockets,
        count=metrics.count,
    )
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        log.info("listening address=%s:%d control=%s", *sock.getsockname()[:2], place.control)
        door = Door(sock, place.admin, metrics)
        nursery.start_soon(watch_signals, stop, door.renew)
        nursery.start_soon(end_by_force, stop, place.admin.graceful_seconds + FORCE_SECONDS)
        nursery.start_soon(channel.run)
        nursery.start_soon(expire_hourly, files, channel)
        nursery.start_soon(feed, manager, channel)
        nursery.start_soon(audit.keep_synced)
        manager.ready(channel.fault)
        await door.serve(app, partial(told_to_stop, stop, manager, shared))
        nursery.cancel_scope.cancel()
    repeats.close()
    log.info("stopped")


async def told_to_stop(stop: trio.Event, manager: Manager, shared: Shared) -> None:
    await stop.wait()
    shared.end()
    manager.stopping("requests in flight are answered")


async def end_by_force(stop: trio.Event, seconds: float) -> None:
    """Hypercorn shields its sends, so a client that reads nothing would keep this program from ever ending. What it owns is
    on the disk; nothing is lost by leaving."""
    await stop.wait()
    await trio.sleep(seconds)
    log.warning("stopped by force: somebody does not read his answer")
    logging.shutdown()
    os._exit(0)


async def watch_signals(stop: trio.Event, renew: Callable[[], object]) -> None:
    """The first signal sets `stop`; later ones change nothing. SIGHUP takes a renewed certificate; the apps come from the
    broker."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for received in signals:
            if received == signal.SIGHUP:
                try:
                    renew()
                except OSError as error:
                    log.error("certificate not renewed error=%s", error)
                continue
            if not stop.is_set():
                log.info("stopping signal=%s", signal.Signals(received).name)
            stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="adminapi", description="The management APIs of Parley.")
    parser.add_argument("--config", metavar="FILE", help="settings file (TOML)")
    parser.add_argument("--data", metavar="DIR", help="data directory")
    given = parser.parse_args(arguments)
    try:
        place = load(given.config, given.data)
        sock = listening(place.admin.listen)
    except BadSettings as error:
        print(f"parley admin: {error}", file=sys.stderr)
        return BAD_SETTINGS
    logs.start(place.log)
    allow_depth(place.nesting)
    trio.run(partial(serve, place, sock))
    return 0


if __name__ == "__main__":
    sys.exit(main())
