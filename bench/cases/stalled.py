"""stalled: a group of which some members have stopped reading, beside the same group where all read.

What is looked at is what the others notice, and what it costs the server in memory: messages of 1 KiB, eight in flight,
enough to fill every buffer on the way. Each server is there twice, with the one group and with the other, and the two take
turns as everything does. The connections of those who do not read may be cut; they are counted. Peers' groups are those
of the fan-out. The thin broker on trio-websocket is left out: its loop waits for whoever does not read, and everybody with
it; so is ejabberd, whose room of 500 takes a quarter of a minute a round.
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
from bench.report import Table, budget, rows
from bench.rounds import Round, interleave
from bench.servers import Server
from bench.sessions import drain, hang_up, log_in

GROWN, CUT = "MiB RSS grown", "cut"
DEPTH = 8
TIMES = 1.2
NARROW_BYTES = 4_096
"""Of a stalled reader's receive buffer, so that it is the server's to keep what it does not read."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    contenders = [PARLEY, NATS, MOSQUITTO, *(each for each in thin_ones(sizes) if each.library != "trio-websocket")]
    with started(folder / "a", *contenders) as (all_read, missing), started(folder / "b", *contenders) as (some_do_not, _):
        groups = {}
        try:
            for name in all_read:
                groups[told(name, "all read")] = Stalled(sizes, *all_read[name], 0)
                groups[told(name, f"{sizes.stalled} do not")] = Stalled(sizes, *some_do_not[name], sizes.stalled)
            drain([sock for each in groups.values() for sock in each.group.sockets], settling(all_read))
            found = rows(interleave({name: each.round for name, each in groups.items()}, sizes.rounds), missing)
        finally:
            for each in groups.values():
                hang_up([*each.group.sockets, *each.stalled])
    own = found[0].figures.get(P99)
    yield Table(
        f"stalled: 1 to {sizes.receivers - sizes.stalled} who read and {sizes.stalled} who do not, {KIB_BYTES} B, "
        f"{DEPTH} in flight, {sizes.stalled_messages:,} messages a round",
        (P99, CPU, GROWN, CUT),
        found,
        notes=("memory is what the server has more than before the first message; cut: stalled readers it has dropped",),
        budgets=(
            budget(
                f"p99 of those who read at most {TIMES} x the p99 where all do",
                found[1],
                P99,
                most=TIMES * own.median if own else None,
            ),
        ),
    )


def told(name: str, what: str) -> str:
    """The durability of a row ends its name."""
    server, _, durability = name.rpartition(", ")
    return f"{server}, {what}, {durability}"


class Stalled:
    """A group with members of whom nothing is read any more."""

    def __init__(self, sizes: Sizes, contender: Contender, server: Server, stalled: int) -> None:
        names = [f"stalls{n:03}" for n in range(stalled)]
        self.stalled, _ = log_in(server.port, [contender.wire.session(user, PLACE) for user in names])
        for sock in self.stalled:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
        reading = msgspec.structs.replace(sizes, receivers=sizes.receivers - sizes.stalled)
        self.group = gathered(reading, contender, server, names)
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
