"""direct: messages from one user to one other, each pair with one in flight: durable, and kept nowhere.

A message counts when it has been acknowledged to its sender and delivered to its receiver, which have a connection each.
LeanCloud's wire is measured beside Parley's own: the same broker with the same load, its receivers saying once a second
each what they have received. What keeps nothing stands in a table of its own, with Parley's transient messages.

Peers: JetStream with a stream of files synced at every message (`sync_interval: always`); the sender waits for the
publish acknowledgement. Its receivers hear the subject itself and need not wait for the disk as Parley's do, nor does
the peer keep a consumer for them: the cheaper way for the peer. Those that keep nothing: ejabberd's chat messages, whose
stream management says "taken" and nothing of a disk; the thin brokers, which pass on what comes and ask nobody who he is.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.cases.contenders import (
    EJABBERD,
    JETSTREAM,
    LEANCLOUD,
    PARLEY,
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
from bench.tally import NUMBER, Tally
from bench.wires.nats import STREAM_PREFIX, NatsWire
from bench.wires.wire import Unexpected, Wire

CPU, RATE, P50, P99 = "us CPU per message", "messages/s", "ack p50 ms", "ack p99 ms"
MOST_US = 35.0
LEANCLOUD_TIMES = 1.5


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    for count, messages, found in played(sizes, folder / "d", PARLEY, LEANCLOUD, JETSTREAM):
        yield durable_table(count, messages, found)
    for count, messages, found in played(sizes, folder / "n", TRANSIENT, EJABBERD, *thin_ones(sizes)):
        yield Table(
            f"direct: 1 to 1, kept nowhere, {load(count, messages)}",
            (CPU, RATE, P50, P99),
            found,
            notes=("Parley's messages are transient; it still asks who may write to whom, and counts their rate",),
        )


def played(sizes: Sizes, folder: Path, *contenders: Contender) -> Iterator[tuple[int, int, tuple[Row, ...]]]:
    """Pairs, messages of each, and the rows. Not all contenders at once: each has two sockets a pair in the generator."""
    with started(folder, *contenders) as (running, missing):
        for count, messages in sizes.pairs.items():
            pairs = {name: Pairs(count, messages, *each) for name, each in running.items()}
            try:
                drain([sock for each in pairs.values() for sock in each.sockets], settling(running))
                rounds = interleave({name: each.round for name, each in pairs.items()}, sizes.rounds)
            finally:
                for each in pairs.values():
                    hang_up(each.sockets)
            yield count, messages, rows(rounds, missing)


def load(count: int, messages: int) -> str:
    return f"{PAYLOAD_BYTES} B, {count:,} in flight, {count * messages:,} messages a round"


def durable_table(count: int, messages: int, found: tuple[Row, ...]) -> Table:
    peer = row_of(found, JETSTREAM).figures.get(RATE)
    return Table(
        f"direct: 1 to 1, durable, {load(count, messages)}",
        (CPU, RATE, P50, P99),
        found,
        notes=("a message is acknowledged and delivered; JetStream delivers without waiting for its disk",),
        budgets=(
            budget(f"at most {MOST_US:.0f} us CPU a message", found[0], CPU, most=MOST_US),
            budget("at least JetStream's rate", found[0], RATE, least=peer.median if peer else None),
            no_dearer(found, CPU, LEANCLOUD_TIMES),
        ),
    )


class Pairs:
    """The pairs of one contender: sender n has socket n, its receiver socket n + pairs."""

    def __init__(self, pairs: int, messages: int, contender: Contender, server: Server) -> None:
        self.pairs, self.messages = pairs, messages
        self.server = server
        self.wire: Wire = contender.wire
        count = pairs
        scripts = [contender.wire.session(f"from{n}") for n in range(count)]
        scripts += [contender.wire.session(f"to{n}", f"{STREAM_PREFIX}.from{n}") for n in range(count)]
        self.sockets, _ = log_in(server.port, scripts)
        self.places = self._places(contender.wire)
        self.next = 0
        """The number of the next message: never the same twice."""

    def _places(self, wire: Wire) -> list[str]:
        count = self.pairs
        gatherings = [wire.gather([f"to{n}"]) for n in range(count)]
        made = [each.place(ask(self.sockets[n], each.step)) for n, each in enumerate(gatherings) if each is not None]
        if made:
            return made
        if isinstance(wire, NatsWire):
            maker, _ = log_in(self.server.port, [wire.session("maker")])
            ask(maker[0], wire.stream())
            hang_up(maker)
        return [f"{STREAM_PREFIX}.from{n}" for n in range(count)]

    def round(self, beside: Callable[[], object] = lambda: None) -> Round:
        """`beside` is called in every turn, for what else the generator has to do."""
        pairs, messages = self.pairs, self.messages
        first, total = self.next, pairs * messages
        self.next += total
        frames = [
            [self.wire.send(place, first + n * messages + k, PAYLOAD_BYTES) for k in range(messages)]
            for n, place in enumerate(self.places)
        ]
        acked, delivered = Tally(first, total), Tally(first, total)
        seconds, effort = measure(self.server, partial(self._loop, frames, acked, delivered, beside))
        late = drain(self.sockets)
        void = acked.verdict("acknowledgements") or delivered.verdict("deliveries")
        if late and not void:
            void = f"{late} bytes after the last message"
        return Round(
            {
                CPU: effort.cpu * 1e6 / total,
                RATE: total / effort.seconds,
                P50: percentile(seconds, 0.50) * 1e3 if seconds else 0.0,
                P99: percentile(seconds, 0.99) * 1e3 if seconds else 0.0,
            },
            effort.generator,
            effort.foreign,
            void,
        )

    def _loop(self, frames: list[list[bytes]], acked: Tally, delivered: Tally, beside: Callable[[], object]) -> list[float]:
        """Send the next of a pair when the one before is acknowledged and delivered; seconds each ack took. What has not
        come in time is left to the tallies."""
        clock, find, end, acknowledged = time.perf_counter, NUMBER.search, self.wire.end, self.wire.acknowledged
        pairs, messages, sockets = self.pairs, self.messages, self.sockets
        rest = [b""] * len(sockets)
        awaited = [2] * pairs
        sent = [1] * pairs
        sent_at = [0.0] * pairs
        seconds: list[float] = []
        open_pairs = pairs
        newest = [b""] * pairs
        receipts = Receipts(self.wire, self.server, sockets[pairs:], newest.__getitem__)
        with listening(sockets) as turns:
            for n in range(pairs):
                sent_at[n] = clock()
                _send(sockets[n], frames[n][0])
            for turn in turns:
                for at, data in turn:
                    if rest[at]:
                        data = rest[at] + data
                    n, tally = (at, acked) if at < pairs else (at - pairs, delivered)
                    start, size = 0, len(data)
                    while start < size:
                        stop = end(data, start)
                        if not stop or stop > size:
                            break
                        if tally is acked:
                            seconds.append(clock() - sent_at[n])
                            number = acknowledged(data, start, stop)
                            if number is None:
                                raise Unexpected(data[start:stop].decode(errors="replace"))
                            if number < 0:  # of the one message the pair has in flight
                                number = acked.first + n * messages + sent[n] - 1
                        else:
                            found = find(data, start, stop)
                            number = int(found[1]) if found else -1
                            newest[n] = data[start:stop]
                        start = stop
                        if tally.add(number):
                            awaited[n] -= 1
                            if not awaited[n]:
                                if sent[n] == messages:
                                    open_pairs -= 1
                                else:
                                    awaited[n] = 2
                                    sent_at[n] = clock()
                                    _send(sockets[n], frames[n][sent[n]])
                                    sent[n] += 1
                    rest[at] = data[start:]
                receipts.say()
                beside()
                if not open_pairs:
                    break
        return seconds


def _send(sock: socket.socket, frame: bytes) -> None:
    if sock.send(frame) != len(frame):
        raise Unexpected("the server does not take a whole message")
