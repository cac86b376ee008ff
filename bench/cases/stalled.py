"""stalled: a group of which some members have stopped reading, beside the same group where all read.

What is looked at is what the others notice, and what it costs the server in memory: messages of 1 KiB, eight in flight. The
kernel takes some MB for a socket that nobody reads, so these are filled before a round, and in each round the server itself
has to hold, and may cut, what they do not take; Parley's need no filling, as it leaves the kernel little
(`broker.gateway.listeners`). Who was cut is counted, and is back before the next round. Each server is
there twice, with the one group and with the other, and the two take turns as everything does. Peers' groups are those of the
fan-out. The thin broker on trio-websocket is left out: its loop waits for whoever does not read, and everybody with
it; so is ejabberd, whose room of 500 takes a quarter of a minute a round.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.cases.contenders import MOSQUITTO, NATS, PARLEY, Contender, settling, started, thin_ones
from bench.cases.fanout import CPU, P99, PLACE, gathered
from bench.cases.sizes import KIB_BYTES, Sizes
from bench.report import Table, budget, rows
from bench.rounds import Round, interleave
from bench.servers import Broker, Server
from bench.sessions import drain, hang_up, log_in

GROWN, CUT = "MiB RSS grown", "cut"
DEPTH = 8
TIMES = 1.2
NARROW_BYTES = 4_096
"""Of a stalled reader's receive buffer, so that it is the server's to keep what it does not read."""
FILLING, FILLING_BYTES = 832, 4_096
"""Messages of so many bytes before a round: nearly what the server's kernel takes for a socket (tcp_wmem's 4 MiB hold
3.3 MB of them)."""


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
                hang_up([*each.group.sockets, *each.stalled.values()])
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
        self.wire, self.server = contender.wire, server
        self.names = [f"stalls{n:03}" for n in range(stalled)]
        self.stalled: dict[str, socket.socket] = {}
        self._stall(self.names)
        reading = msgspec.structs.replace(sizes, receivers=sizes.receivers - sizes.stalled)
        self.group = gathered(reading, contender, server, self.names)
        self.messages = sizes.stalled_messages
        self.before = server.resident_kib()
        self.filling = FILLING if stalled and not isinstance(server, Broker) else 0
        self.empty = True

    def _stall(self, names: Sequence[str]) -> None:
        found, _ = log_in(self.server.port, [self.wire.session(user, PLACE) for user in names])
        for name, sock in zip(names, found, strict=True):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
            self.stalled[name] = sock

    def round(self) -> Round:
        cut = self.cut()
        hang_up([self.stalled.pop(name) for name in cut])
        self._stall(cut)
        if self.filling and (cut or self.empty):
            self.empty = False
            self.group.round(DEPTH, self.filling, FILLING_BYTES)
        played = self.group.round(DEPTH, self.messages, KIB_BYTES)
        grown = (self.server.resident_kib() - self.before) / 1024
        return msgspec.structs.replace(played, values={**played.values, GROWN: max(0.0, grown), CUT: float(len(self.cut()))})

    def cut(self) -> list[str]:
        """Whose connections the server has ended."""
        names = {sock.fileno(): name for name, sock in self.stalled.items()}
        poll = select.poll()
        for descriptor in names:
            poll.register(descriptor, select.POLLRDHUP)
        return [names[descriptor] for descriptor, _ in poll.poll(0)]
