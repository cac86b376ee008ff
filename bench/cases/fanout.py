"""fanout: messages of one user to a group of 500, 100 B and 1 KiB, with 1, 8 and 64 in flight.

A message is in flight until every receiver has it. All receivers of a wire get the same bytes, but for an end of their own
where the protocol has one (LeanCloud), so each one's stream is compared with that of whoever is furthest, at the cost of
a memcmp; the stream itself is read, message by message, when the clock has stopped. A receiver that misses, repeats or
reorders one byte makes the round void.

LeanCloud's wire is measured beside Parley's own, its receivers saying once a second each what they have received.

Peers: a subject with 500 subscribers (core NATS, nothing kept, nothing acknowledged); a topic with 500 subscribers at
QoS 0, published at QoS 1 (mosquitto, nothing on disk); a room that 500 have entered (ejabberd: no history, nobody is told
who is there, its sender hears himself). The thin brokers send to all who hear a place. Parley's messages are on disk before
anybody has them, but for the second table of each load: there they are transient, and kept as little as the peers'.
"""

from __future__ import annotations

import socket
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

from bench.cases.contenders import (
    EJABBERD,
    LEANCLOUD,
    MOSQUITTO,
    NATS,
    PARLEY,
    SLOW,
    TRANSIENT,
    Contender,
    no_dearer,
    row_of,
    settling,
    started,
    thin_ones,
)
from bench.cases.receipts import Receipts
from bench.cases.sizes import PAYLOAD_BYTES, Sizes
from bench.cases.turns import listening
from bench.figures import percentile
from bench.report import Row, Table, budget, rows
from bench.rounds import Round, interleave, measure
from bench.servers import Server
from bench.sessions import ask, drain, hang_up, log_in
from bench.tally import Tally
from bench.wires.nats import NatsWire
from bench.wires.wire import Unexpected, Wire

CPU, RATE, P99 = "us CPU per delivery", "deliveries/s", "p99 ms to the last"
LEANCLOUD_TIMES = 1.3
PLACE = "room"
"""Topic or subject of the group, where it need not be made."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    contenders = PARLEY, LEANCLOUD, TRANSIENT, NATS, MOSQUITTO, EJABBERD, *thin_ones(sizes)
    with started(folder, *contenders) as (running, missing):
        groups = {name: gathered(sizes, *each) for name, each in running.items()}
        try:
            drain([sock for each in groups.values() for sock in each.sockets], settling(running))
            for nth, (size, (depth, count)) in enumerate(product(sizes.payloads, sizes.depths.items())):
                plays = {
                    name: partial(each.round, depth, running[name][0].part_of(count, depth), size)
                    for name, each in groups.items()
                }
                found = rows(interleave(plays, sizes.rounds, warm=not nth), missing)
                yield from tables(
                    f"fanout: 1 to {sizes.receivers}, {size} B, {depth} in flight", f"{count:,} messages a round", found
                )
        finally:
            for each in groups.values():
                hang_up(each.sockets)


def tables(load: str, messages: str, found: Sequence[Row]) -> Iterator[Table]:
    """What is durable beside the peers, and what is kept nowhere beside the same. `found`: Parley's three come first."""
    durable, leancloud, transient, *peers = found
    part = f"ejabberd and trio-websocket have {SLOW:.0%} of the messages, as they take so long"
    peer = row_of(peers, NATS).figures.get(CPU)
    yield Table(
        f"{load}, {messages}",
        (CPU, RATE, P99),
        (durable, leancloud, *peers),
        notes=("the peers keep nothing; their rows are beside Parley's durable one by the budget's own rule", part),
        budgets=(
            budget("no more CPU than nats-server", durable, CPU, most=peer.median if peer else None),
            no_dearer((durable, leancloud), CPU, LEANCLOUD_TIMES),
        ),
    )
    yield Table(
        f"{load}, kept nowhere, {messages}",
        (CPU, RATE, P99),
        (transient, *peers),
        notes=("Parley's messages are transient; the peers' rows are those of the table above", part),
    )


def gathered(sizes: Sizes, contender: Contender, server: Server, others: Sequence[str] = ()) -> Group:
    """The contender's group of `receivers`; `others` are members too, if they have logged in hearing PLACE."""
    wire, place = contender.wire, PLACE
    users = [f"hears{n:04}" for n in range(sizes.receivers)]
    sockets, _ = log_in(server.port, [*(wire.session(user, place) for user in users), wire.session("says")])
    gathering = wire.gather([*users, *others])
    if gathering is not None:
        place = gathering.place(ask(sockets[-1], gathering.step))
    return Group(server, wire, users, sockets, place)


class Streams:
    """What all receivers get, and how far each one is."""

    def __init__(self, wire: Wire, users: Sequence[str]) -> None:
        receivers = len(users)
        self._end = wire.end
        self._own = [wire.own_end(user) for user in users]
        self._closes = [wire.own_close or own for own in self._own]
        self._held = [b""] * receivers
        """What came behind the end of a receiver's last message."""
        self.data = bytearray()
        """The stream of the one that is furthest; the others' must be a beginning of it."""
        self.ends: list[int] = []
        """Where each whole message in it ends."""
        self.places = [0] * receivers
        self.whole = [0] * receivers
        self.differing: set[int] = set()
        self._slowest = 0
        self._at = {0: receivers}
        """Whole messages -> how many receivers have so many."""
        self._step, self._from, self._to, self._before, self._whole = b"", -1, 0, 0, 0
        """The last sound step of a receiver: bytes, and between which places and numbers of whole messages. Most others take
        the same one next, for which a comparison is enough."""
        self._same = 0
        """How many have taken it and are not counted in `_at` yet."""

    @property
    def slowest(self) -> int:
        """Whole messages that every receiver has."""
        if self._same:
            self._count(self._same)
        return self._slowest

    def hear(self, receiver: int, data: bytes) -> None:
        """These bytes came to this receiver."""
        own = self._own[receiver]
        if own:
            data = self._held[receiver] + data
            close = self._closes[receiver]
            whole = len(data) if data.endswith(close) else data.rfind(close) + len(close)
            whole = whole if whole >= len(close) else 0
            self._held[receiver] = data[whole:]
            data = data[:whole]
            if close is not own and data.count(own) != data.count(close):
                self.differing.add(receiver)
            data = data.replace(own, self._own[0])
        start = self.places[receiver]
        if start == self._from and data == self._step:
            self.places[receiver] = self._to
            self.whole[receiver] = self._whole
            self._same += 1
            return
        stream = self.data
        stop = start + len(data)
        if stop <= len(stream):
            if not stream.startswith(data, start):
                self.differing.add(receiver)
        else:
            if stream[start:] != data[: len(stream) - start]:
                self.differing.add(receiver)
            stream += data[len(stream) - start :]
            ends, end = self.ends, self._end
            while 0 < (found := end(stream, ends[-1] if ends else 0)) <= len(stream):
                ends.append(found)
        self.places[receiver] = stop
        if self._same:
            self._count(self._same)
        before = self.whole[receiver]
        whole = self.whole[receiver] = bisect_right(self.ends, stop)
        self._before, self._whole = before, whole
        self._count(1)
        self._step, self._from, self._to = data, -1 if receiver in self.differing else start, stop

    def _count(self, receivers: int) -> None:
        """So many have taken the last step."""
        self._same = 0
        at, before, whole = self._at, self._before, self._whole
        if whole != before:
            at[whole] = at.get(whole, 0) + receivers
            at[before] -= receivers
            if not at[before]:
                del at[before]
                if before == self._slowest:
                    self._slowest = min(at)

    def newest(self, receiver: int) -> bytes:
        """The last whole message this receiver has; empty if none."""
        whole = self.whole[receiver]
        return bytes(self.data[self.ends[whole - 2] if whole > 1 else 0 : self.ends[whole - 1]]) if whole else b""

    def verdict(self, tally: Tally) -> str:
        """Why the round is void: what the common stream lacks or repeats, and who has another one."""
        start = 0
        for stop in self.ends:
            tally.add_frame(bytes(self.data[start:stop]))
            start = stop
        void = tally.verdict("messages")
        behind = sum(1 for whole in self.whole if whole != tally.count)
        if not void and self.differing:
            void = f"{len(self.differing)} receivers got other bytes than the rest"
        if not void and (behind or start != len(self.data) or any(self._held)):
            void = f"{behind} receivers did not get exactly {tally.count} messages"
        return void


class Group:
    """A group: receivers at sockets 0 up to N, the sender last."""

    def __init__(
        self, server: Server, wire: Wire, users: Sequence[str], sockets: Sequence[socket.socket], place: str
    ) -> None:
        self.server = server
        self.wire = wire
        self.receivers = len(users)
        self.users = users
        self.sockets = sockets
        self.place = place
        self.acknowledged = not isinstance(wire, NatsWire)
        self.next = 0

    def round(self, depth: int, count: int, size: int = PAYLOAD_BYTES) -> Round:
        first = self.next
        self.next += count
        frames = [self.wire.send(self.place, number, size) for number in range(first, first + count)]
        streams, answers = Streams(self.wire, self.users), bytearray()
        seconds, effort = measure(self.server, partial(self._loop, frames, depth, streams, answers))
        late = drain(self.sockets)
        void = streams.verdict(Tally(first, count)) or self._unacknowledged(answers, count)
        if late and not void:
            void = f"{late} bytes after the last message"
        deliveries = count * self.receivers
        return Round(
            {
                CPU: effort.cpu * 1e6 / deliveries,
                RATE: deliveries / effort.seconds,
                P99: percentile(seconds, 0.99) * 1e3 if seconds else 0.0,
            },
            effort.generator,
            effort.foreign,
            void,
        )

    def _unacknowledged(self, answers: bytearray, count: int) -> str:
        wanted, got = count if self.acknowledged else 0, answers.count(self.wire.ack)
        return "" if got == wanted else f"{got} acknowledgements of {wanted}"

    def _loop(self, frames: list[bytes], depth: int, streams: Streams, answers: bytearray) -> list[float]:
        """Send while fewer than `depth` messages are on their way; end when all are with everybody and acknowledged.
        Seconds from each send to the last receiver."""
        clock = time.perf_counter
        sender, hear = self.sockets[-1], streams.hear
        count, sent, done = len(frames), 0, 0
        sent_at: list[float] = []
        seconds: list[float] = []
        unacknowledged = count if self.acknowledged else 0
        receipts = Receipts(self.wire, self.server, self.sockets[:-1], streams.newest, max(1, self.receivers // 10))
        with listening(self.sockets) as turns:
            while streams.slowest < count or unacknowledged > 0:
                free = min(count, streams.slowest + depth) - sent
                if free > 0:
                    batch = b"".join(frames[sent : sent + free])
                    if sender.send(batch) != len(batch):
                        raise Unexpected("the server does not take a whole batch")
                    sent += free
                    sent_at += [clock()] * free
                turn = next(turns, None)
                if turn is None:
                    break
                for n, data in turn:
                    if n < self.receivers:
                        hear(n, data)
                    else:
                        answers += data
                        if unacknowledged:
                            unacknowledged = count - answers.count(self.wire.ack)
                if streams.slowest > done:
                    now = clock()
                    seconds += [now - since for since in sent_at[done : streams.slowest]]
                    done = streams.slowest
                receipts.say()
        return seconds
