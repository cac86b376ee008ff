"""The broker as a whole: what is opened in which order, the task tree, and how it ends (DESIGN 2.5).

Lifetimes are nested: listeners are gone first, then connections and fetches, then the writer, the journal last. Long-lived
nurseries are opened here and nowhere else.
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import trio
import trio.lowlevel

from broker import collector
from broker.clock import Clock
from broker.commits import CommitFailed, Commits
from broker.dispatcher import Dispatcher
from broker.gateway.control import bind_control, control_door, unlink_control
from broker.gateway.framing import LengthFraming
from broker.gateway.limits import public, trusted
from broker.gateway.listeners import Door, address_of, adopt, bind_tcp, framed_door, websocket_door
from broker.gateway.reactor import Reactor
from broker.gateway.statistics import WORDS
from broker.gateway.tls import in_turn, serve_tls, server_context
from broker.gateway.upgrade import Upgrade
from broker.histogram import SIZES, Histogram
from broker.housekeeping import keep_house
from broker.hub.effects import Effect
from broker.hub.housekeeping import Housekeeping
from broker.hub.hub import Hub
from broker.hub.rows import Image
from broker.inspection import Inspection
from broker.persistence.images import encode
from broker.recovery import Recovered, recover
from broker.samples import Reading, Samples
from broker.settings import Settings, load
from broker.upkeep import Upkeep
from broker.vitals import Vitals
from broker.work import COMPARERS, ERRANDS, FETCHERS, Work
from protocol.clients import logs
from protocol.clients.manager import Manager, take_sockets
from protocol.commands import Command, InspectConnection, InspectSessions, ListSamples, Reply, sample
from protocol.errors import CloseReason, Reason
from protocol.ids import time_of
from protocol.settings import BadSettings, address
from protocol.wires.control import ControlWire
from protocol.wires.leancloud.wire import SUBPROTOCOLS, LeanCloudWire
from protocol.wires.native import NativeWire
from protocol.wires.wire import Ending, Wire

log = logging.getLogger("parley.server")

SWITCH_SECONDS = 0.0005
"""Of the interpreter: with the default 5 ms a commit beside a busy reactor takes 8 ms instead of 0.8 (DESIGN 2.4)."""
DISK_SECONDS = 1.0
SETTLE_SECONDS = 0.5
"""For what is uncommitted at SIGTERM."""
FAREWELL_SECONDS = 0.7
WRITER_SECONDS = 0.3
"""What the writer has left by then stays in the journal."""
FAREWELLS = 500
"""Sessions told to leave at once; the next ones after a turn."""
LOGINS_PER_SECOND = 2_000
"""At which sessions are told to come back after a restart."""
LEAST_RETRY_MS = 500


class DirectoryInUse(Exception):
    """Another broker has the data directory."""


class Unusable(Exception):
    """A file or an address that cannot be had at the start. The text is for the operator."""


class Server:
    """One broker. Made and run once."""

    def __init__(self, settings: Settings, recovered: Recovered, data: Path, config: str | None, manager: Manager) -> None:
        self._settings = settings
        self._data = data
        self._config = config
        self._recovered = recovered
        self._journal = journal = recovered.journal
        self._targets = recovered.targets
        self._work = Work(recovered.targets, recovered.tails)
        outgoing: deque[Effect] = deque()
        self._batches = Histogram(SIZES)
        self._commits = Commits(journal, encode, self._landed, recovered.position + 1, outgoing, time.monotonic)
        newest_ms = time_of(recovered.mint.last) if recovered.mint.last else 0
        self._clock = Clock(not_before_ms=newest_ms)
        self._dispatcher = Dispatcher(
            recovered.apps,
            self._commits,
            self._clock,
            self._work.start,
            (journal.fileno(),),
            self._figures,
        )
        self._upkeep = Upkeep(recovered.store, recovered.remote, recovered.targets.writers, self._commits)
        self._reactor = Reactor(self._dispatcher, settings.sockets)
        self._inspection = Inspection(self._dispatcher, self._reactor.table, lambda: journal.in_flight_since)
        self._samples = Samples(self._read, journal.commit_seconds)
        self._control_path = Path(settings.control.path or data / "control.sock")
        self._manager = manager
        self._vitals = Vitals(manager, self._reactor.call, lambda: journal.in_flight_since, self._status)
        self._tls: list[socket.socket] = []
        self._started = time.monotonic()
        self._told = trio.Event()
        """To stop."""

    def _open(self) -> None:
        """Bind everything. Unusable and BadSettings name what cannot be had."""
        try:
            self._bind()
        except (OSError, UnicodeError) as error:
            raise Unusable(str(error)) from error

    def _bind(self) -> None:
        sockets, control = self._settings.sockets, self._settings.control
        limits, passed = public(sockets), take_sockets()
        if unknown := sorted(set(passed) - {"sockets", "tcp", "tls"}):
            raise Unusable(f"the service manager passed a socket named {unknown[0]}; sockets, tcp and tls are known here")
        tls = passed.get("tls") or (bind_tcp(*address(sockets.tls_listen)) if sockets.tls_listen else [])
        if tls:
            self._tls_context = server_context(sockets.tls_cert, sockets.tls_key)
            self._tls = [adopt(sock) for sock in tls]
            for sock in self._tls:
                log.info("listening door=tls address=%s:%s", *address_of(sock))
        self._listen(passed.get("sockets"), sockets.listen, websocket_door(limits, choose_wire))
        framed = framed_door("tcp", limits, partial(begin_framed, limits.first_frame_bytes))
        self._listen(passed.get("tcp"), sockets.tcp_listen, framed)
        epoch = self._recovered.store.epoch
        door = control_door(
            trusted(sockets, control), lambda: ControlWire(epoch, durable=lambda: self._commits.durable), control.uids
        )
        self._reactor.listen(bind_control(self._control_path), door)
        log.info("listening door=control path=%s", self._control_path)

    def _listen(self, passed: list[socket.socket] | None, text: str, door: Door) -> None:
        """On the sockets the service manager holds for this door, else on the address of the settings."""
        for sock in map(adopt, passed) if passed else bind_tcp(*address(text)) if text else ():
            log.info("listening door=%s address=%s:%s", door.name, *address_of(sock))
            self._reactor.listen(sock, door)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; then drain."""
        try:
            self._journal.start(self._recovered.position + 1)
        except OSError as error:
            raise CommitFailed(f"the journal in {self._data / 'journal'} could not be written: {error}") from error
        self._dispatcher.change_apps(self._dispatcher.apps.configure(self._settings.apps))
        try:
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
                self._open()
                async with self._recovered.remote.running() if self._recovered.remote else nullcontext():
                    await self._serve(signals)
        finally:
            unlink_control(self._control_path)
            self._journal.stop()
            self._recovered.store.close()

    async def _serve(self, signals: AsyncIterator[int]) -> None:
        """The task tree of DESIGN 2.5."""
        async with trio.open_nursery() as store:
            for writer in self._targets.writers:
                store.start_soon(writer.run)
            store.start_soon(self._watch_signals, signals)
            async with trio.open_nursery() as service:
                service.start_soon(self._reactor.run)
                service.start_soon(self._vitals.run)
                service.start_soon(self._watch_disk)
                service.start_soon(collector.spare, self._reactor.table.connections)
                service.start_soon(self._samples.run, self._reactor.call)
                service.start_soon(
                    keep_house, self._hubs, self._work.rows, self._keep_house, self._clock.now_ms, self._targets.forget_sends
                )
                for _ in range(FETCHERS):
                    service.start_soon(self._work.fetch, self._reactor)
                for _ in range(ERRANDS):
                    service.start_soon(self._work.run_errands, self._reactor, self._run_errand)
                for _ in range(COMPARERS):
                    service.start_soon(self._work.compare, self._reactor)
                async with trio.open_nursery() as accept:
                    for sock in self._tls:
                        accept.start_soon(
                            serve_tls, self._reactor, sock, self._tls_context, public(self._settings.sockets),
                            choose_wire, service,
                        )  # fmt: skip
                    self._manager.ready(self._vitals.status())
                    await self._told.wait()
                    self._manager.stopping(self._vitals.status())
                    accept.cancel_scope.cancel()
                await self._drain()
                service.cancel_scope.cancel()
            left = await self._targets.drain(trio.current_time() + WRITER_SECONDS)
            log.info("stopped commits_left_in_journal=%d", left)
            store.cancel_scope.cancel()

    async def _watch_signals(self, signals: AsyncIterator[int]) -> None:
        """To the very end: a second signal must not cut short what the first has begun."""
        async for number in signals:
            if number == signal.SIGHUP and not self._told.is_set():
                self._reload()
            elif number != signal.SIGHUP:
                log.info("stopping signal=%s", signal.Signals(number).name)
                self._told.set()

    def _reload(self) -> None:
        """SIGHUP: take the apps from the file again, and the certificate. What is wrong changes nothing."""
        try:
            settings = load(self._config)
            if self._tls:  # who connects from now on sees the new one
                self._tls_context.load_cert_chain(settings.sockets.tls_cert, settings.sockets.tls_key, password="")
        except (BadSettings, OSError) as error:
            log.error("settings not reloaded error=%s", error)
            return
        self._reactor.call(lambda: self._dispatcher.change_apps(self._dispatcher.apps.configure(settings.apps)))
        log.info("settings reloaded apps=%d", len(settings.apps))

    async def _watch_disk(self) -> None:
        """A full disk is met at the door: durable commands are refused before they are executed (DESIGN 2.3)."""
        store = self._settings.store
        while True:
            try:
                disk = os.statvfs(self._data)
                free = disk.f_bavail * disk.f_frsize
            except OSError:
                free = 0  # the directory is not there any more: nothing can be written
            placed = self._journal.in_place
            room = placed and free >= store.free_bytes and self._journal.bytes_held < store.journal_bytes
            if store.journal_seconds and self._upkeep.oldest_seconds() > store.journal_seconds:
                room = False
            if room is not self._dispatcher.admission.storage:
                level = logging.INFO if room else logging.ERROR
                log.log(level, "disk room=%s free_bytes=%d journal_in_place=%s", room, free, placed)
                self._dispatcher.admission.storage = room
            await trio.sleep(DISK_SECONDS)

    async def _drain(self) -> None:
        """Stop accepting, refuse new commands, commit what is open, say farewell; then connections may close."""
        self._reactor.stop_listening()
        self._dispatcher.admission.draining = True
        self._reactor.call(self._dispatcher.commit_positions)
        with trio.move_on_after(SETTLE_SECONDS):
            while not self._commits.settled:
                self._reactor.wake()
                await trio.sleep(0.002)
        with trio.move_on_after(FAREWELL_SECONDS):
            for batch in self._farewells():
                self._reactor.call(partial(self._dispatcher.end_all, batch))
                await trio.lowlevel.checkpoint()
            self._reactor.call(partial(self._reactor.end_strangers, Ending(CloseReason.GOING_AWAY)))
            await self._reactor.wait_empty()

    def _farewells(self) -> Iterator[list[tuple[int, Ending]]]:
        """All sessions, each told its own time to come back, so that they do not come all at once."""
        sessions = [number for hub in self._dispatcher.apps.hubs.values() for number in hub.sessions]
        spread_ms = len(sessions) * 1000 // LOGINS_PER_SECOND
        for start in range(0, len(sessions), FAREWELLS):
            yield [
                (number, Ending(CloseReason.GOING_AWAY, retry_after_ms=LEAST_RETRY_MS + random.randint(0, spread_ms)))
                for number in sessions[start : start + FAREWELLS]
            ]

    def _landed(self, number: int, images: list[Image], size: int) -> None:
        """A commit is on disk."""
        self._batches.see(len(images))
        self._targets.submit(number, images, size)

    def _hubs(self) -> list[Hub]:
        return list(self._dispatcher.apps.hubs.values())

    async def _keep_house(self, hub: Hub, command: Housekeeping) -> None:
        await in_turn(self._reactor, partial(self._dispatcher.keep_house, hub, command))

    async def _run_errand(self, command: Command) -> Reply:
        if isinstance(command, InspectSessions | InspectConnection):
            return await self._inspection.run(command)
        if isinstance(command, ListSamples):
            return self._samples.listed(command)
        return await self._upkeep.run(command)

    def _read(self) -> Reading:
        messages, deliveries, refused = self._dispatcher.totals()
        return Reading(
            time.monotonic(), self._clock.now_ms(), self._sessions(), messages, deliveries, self._targets.lag,
            refused + self._reactor.table.counters.refused,
        )  # fmt: skip

    def _sessions(self) -> int:
        return sum(len(hub.sessions) for hub in self._dispatcher.apps.hubs.values())

    def _status(self) -> str:
        return f"sessions: {self._sessions()}, commits not in the store yet: {self._targets.lag}"

    def _figures(self) -> dict[str, float]:
        """What the dispatcher does not count itself, for `Stats`."""
        gateway = self._reactor.statistics()
        figures = {
            "connections": gateway.connections,
            "connections_logged_in": gateway.logged_in,
            "accepted_total": gateway.accepted,
            "received_bytes_total": gateway.bytes_in,
            "sent_bytes_total": gateway.bytes_out,
            "frames_total": gateway.frames_in,
            "pushes_total": gateway.pushes,
            "dropped_pushes_total": gateway.dropped_pushes,
            "outbox_bytes": gateway.outbox_bytes,
            "outboxes_blocked": gateway.blocked,
            "turns_total": gateway.turns,
            "turn_late_seconds_max": gateway.late_max,
            "journal_bytes": self._journal.bytes_held,
            "storage_available": self._dispatcher.admission.storage,
            "start_seconds": self._recovered.seconds,
            "uptime_seconds": time.monotonic() - self._started,
            "resident_bytes": resident_bytes(),
            "log_lines_dropped_total": logs.dropped(),
            sample("refused_total", reason=Reason.TOO_FAST.value): gateway.refused,
            **gateway.turn_seconds,
            **self._batches.figures("commit_images"),
            **self._journal.commit_seconds.figures("commit_seconds"),
            "store_checkpoints_total": self._recovered.store.checkpoints,
        }
        for store, writer in zip(("store", "postgresql"), self._targets.writers, strict=False):
            figures |= {f"{store}_{name}": value for name, value in writer.statistics().figures().items()}
        figures |= {sample("closed_total", reason=word): gateway.closed.get(word, 0) for word in WORDS}
        figures |= {sample("kicks_total", reason=each.word): gateway.kicks.get(each.word, 0) for each in CloseReason}
        figures |= {sample("connections_paused", why=why): count for why, count in gateway.paused.items()}
        return {name: float(value) for name, value in figures.items()}


def resident_bytes() -> int:
    """Memory of this process."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def choose_wire(upgrade: Upgrade) -> tuple[Wire, str | None]:
    """Which wire speaks on a WebSocket, on any path: LeanCloud's where one of its sub-protocols is offered (by mini programs
    in the query, which then wait for no confirmation), else the native one (SOCKET.md)."""
    for offered in (*upgrade.subprotocols, upgrade.query.get("subprotocol", "")):
        if offered in SUBPROTOCOLS:
            return LeanCloudWire(offered), offered if offered in upgrade.subprotocols else None
    subprotocol = "parley.v1" if "parley.v1" in upgrade.subprotocols else None
    return NativeWire(token=upgrade.token), subprotocol


def begin_framed(first_frame_bytes: int) -> tuple[LengthFraming, Wire]:
    wire = NativeWire(framed=True)
    return LengthFraming(first_frame_bytes, oversize=wire.oversize), wire


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """The data directory, made if need be, and ours alone."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unusable(f"the data directory {data} cannot be used: {error.strerror or error}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DirectoryInUse(f"another broker uses {data}; stop it first, or give another --data") from None
        yield
    finally:
        os.close(descriptor)


def serve(settings: Settings, data: Path, config: str | None, *, accept_clock: bool) -> None:
    """Run a broker on this data directory until it is told to stop."""
    sys.setswitchinterval(SWITCH_SECONDS)
    collector.set_up()
    manager = Manager()
    with locked(data):
        try:
            recovered = recover(
                data, settings, accept_clock=accept_clock, wall_ms=time.time_ns() // 1_000_000, told=manager.starting
            )
        except OSError as error:
            raise Unusable(str(error)) from error
        trio.run(Server(settings, recovered, data, config, manager).run)
