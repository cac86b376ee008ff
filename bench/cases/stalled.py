"""stalled: a group of which some members have stopped reading, beside the same group where all read.

What is looked at is what the others notice, and what it costs the server in memory: messages of 1 KiB, eight in flight,
enough to fill every buffer on the way. The connections of those who do not read may be cut; they are counted. The thin
broker on trio-websocket is left out: its loop waits for whoever does not read, and everybody with it.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.cases.contenders import MOSQUITTO, NATS, PARLEY, Contender, settling, started, thin_ones
from bench.cases.fanout import CPU, P99, PLACE, gathered
from bench.cases.sizes import KIB_BYTES, Sizes
from bench.report import Table, rows
from bench.rounds import Round, interleave
from bench.servers import Server
from bench.sessions import drain, hang_up, log_in

GROWN, CUT = "MiB RSS grown", "cut"
DEPTH = 8
NARROW_BYTES = 4_096
"""Of a stalled reader's receive buffer, so that it is the server's to keep what it does not read."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    heedless = [each for each in thin_ones(sizes) if each.library != "trio-websocket"]
    for stalled in (0, sizes.stalled):
        with started(folder / str(stalled), PARLEY, NATS, MOSQUITTO, *heedless) as (running, missing):
            groups = {name: Stalled(sizes, *each, stalled) for name, each in running.items()}
            try:
                drain([sock for each in groups.values() for sock in each.group.sockets], settling(running))
                found = rows(interleave({name: each.round for name, each in groups.items()}, sizes.rounds), missing)
            finally:
                for each in groups.values():
                    hang_up([*each.group.sockets, *each.stalled])
        yield Table(
            f"stalled: 1 to {sizes.receivers} who read and {stalled} who do not, {KIB_BYTES} B, {DEPTH} in flight, "
            f"{sizes.stalled_messages:,} messages a round",
            (CPU, P99, GROWN, CUT),
            found,
            notes=("memory is what the server has more than before the first message; cut: stalled readers it has dropped",),
        )


class Stalled:
    """A group with members of whom nothing is read any more."""

    def __init__(self, sizes: Sizes, contender: Contender, server: Server, stalled: int) -> None:
        names = [f"stalls{n:03}" for n in range(stalled)]
        self.stalled, _ = log_in(server.port, [contender.wire.session(user, PLACE) for user in names])
        for sock in self.stalled:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
        self.group = gathered(sizes, contender, server, names)
        self.server = server
        self.messages = sizes.stalled_messages
        self.before = server.resident_kib()

    def round(self) -> Round:
        played = self.group.round(DEPTH, self.messages, KIB_BYTES)
        grown = (self.server.resident_kib() - self.before) / 1024
        return msgspec.structs.replace(played, values={**played.values, GROWN: max(0.0, grown), CUT: self.cut()})

    def cut(self) -> float:
        """Stalled connections the server has ended."""
        if not self.stalled:
            return 0.0
        poll = select.poll()
        for sock in self.stalled:
            poll.register(sock, select.POLLRDHUP)
        return float(len(poll.poll(0)))
