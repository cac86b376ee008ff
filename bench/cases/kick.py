"""kick: the duplicate-login storm. Every user is logged in and logs in again on the same device, 64 under way.

A takeover is done when the new session is answered and the old connection has been ended by the server, which is looked
at on every one of them: a user left with two makes the round void.

Peers: mosquitto's takeover by client id, ejabberd's by resource, and what the thin brokers do by hand. NATS has nothing
of the kind.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.cases.contenders import EJABBERD, MOSQUITTO, PARLEY, Contender, started, thin_ones
from bench.cases.sizes import Sizes
from bench.figures import percentile
from bench.report import Table, rows
from bench.rounds import Round, interleave, measure
from bench.servers import Server
from bench.sessions import AT_A_TIME, PATIENCE_SECONDS, READ_BYTES, drain, hang_up, log_in
from bench.wires.websocket import CLOSE
from bench.wires.wire import Script, Wire

CPU, RATE, P99, LAST = "us CPU per takeover", "takeovers/s", "login p99 ms", "ms from the last login to the last end"


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    with started(folder, PARLEY, MOSQUITTO, EJABBERD, *thin_ones(sizes)) as (running, missing):
        storms = {name: Storm(sizes, *each).round for name, each in running.items()}
        found = rows(interleave(storms, sizes.rounds), missing)
    yield Table(
        f"kick: {sizes.kicks:,} users log in a second time, {AT_A_TIME} under way",
        (CPU, RATE, P99, LAST),
        found,
        notes=("Parley says farewell before it closes, and presence does not flicker",),
    )


class Storm:
    def __init__(self, sizes: Sizes, contender: Contender, server: Server) -> None:
        self.users = sizes.kicks
        self.wire: Wire = contender.wire
        self.server = server
        self.rounds = 0

    def round(self) -> Round:
        self.rounds += 1  # other users each time: who is replaced five times in a minute is refused by Parley
        scripts = [self.wire.session(f"kick{self.rounds}-{n}", f"to.kick{n}") for n in range(self.users)]
        old, _ = log_in(self.server.port, scripts)
        self.server.rest()  # to make a user costs a row, which is written behind and is no part of a takeover
        (new, seconds, last, left), effort = measure(self.server, partial(self._take_over, scripts, old))
        drain(new)  # what is said to them, their own old session's leaving perhaps; Unexpected if one is closed
        hang_up(new)
        hang_up(old)
        self.server.rest()
        void = f"{left} sessions were not ended" if left else ""
        return Round(
            {
                CPU: effort.cpu * 1e6 / self.users,
                RATE: self.users / effort.seconds,
                P99: percentile(seconds, 0.99) * 1e3,
                LAST: last * 1e3,
            },
            effort.generator,
            effort.foreign,
            void,
        )

    def _take_over(
        self, scripts: Sequence[Script], old: Sequence[socket.socket]
    ) -> tuple[list[socket.socket], list[float], float, int]:
        new, seconds = log_in(self.server.port, scripts)
        began = time.perf_counter()
        left = not_ended(self.wire, old)
        return new, seconds, time.perf_counter() - began, left


def not_ended(wire: Wire, sockets: Sequence[socket.socket]) -> int:
    """How many of these the server has not ended, by a close frame or the end of the stream, when nothing more comes."""
    open_ones = {sock.fileno(): sock for sock in sockets}
    heard = dict.fromkeys(open_ones, b"")
    with select.epoll() as epoll:
        for fileno in open_ones:
            epoll.register(fileno, select.EPOLLIN)
        while open_ones and (ready := epoll.poll(PATIENCE_SECONDS)):
            for fileno, _ in ready:
                try:
                    data = open_ones[fileno].recv(READ_BYTES)
                except ConnectionResetError:
                    data = b""
                heard[fileno] += data
                if not data or closes(wire, heard[fileno]):
                    epoll.unregister(fileno)
                    del open_ones[fileno]
    return len(open_ones)


def closes(wire: Wire, data: bytes) -> bool:
    """Whether a WebSocket close frame is among these frames; other protocols just end."""
    start = 0
    while 0 < (stop := wire.end(data, start)) <= len(data):
        if data[start] == CLOSE:
            return True
        start = stop
    return False
