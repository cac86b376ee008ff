"""Users who write at a steady pace, whatever the server does beside it: messages of the pairs in turn, each at its own time.

The law: a message's time runs from when it was due, so a server that does not answer for a while makes all those late that
were due meanwhile, and none is left out because the one before it was slow.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from functools import partial

from bench.cases.direct import Pairs
from bench.cases.sizes import PAYLOAD_BYTES
from bench.figures import percentile
from bench.rounds import Round, measure
from bench.sessions import PATIENCE_SECONDS, READ_BYTES, drain
from bench.tally import NUMBER, Tally
from bench.wires.wire import Unexpected

CPU, P99, P50 = "us CPU per message", "p99 ms to the receiver", "p50 ms"
A_SECOND = 1_000
"""Messages: a tenth of what a core can do, so that nobody waits for the load itself."""


def paced(pairs: Pairs, count: int, epoll: select.epoll | None = None, beside: Callable[[], object] = lambda: None) -> Round:
    """`count` messages. `beside` is called whenever `epoll` has something, for what else the generator has to do."""
    first = pairs.next
    pairs.next += count
    frames = [pairs.wire.send(pairs.places[n % pairs.pairs], first + n, PAYLOAD_BYTES) for n in range(count)]
    delivered = Tally(first, count)
    seconds, effort = measure(pairs.server, partial(_work, pairs, frames, delivered, epoll, beside))
    void = delivered.verdict("deliveries")
    drain(pairs.sockets)
    values = {P99: percentile(seconds, 0.99) * 1e3, P50: percentile(seconds, 0.5) * 1e3} if seconds else {}
    return Round({**values, CPU: effort.cpu * 1e6 / count}, effort.generator, effort.foreign, void)


def _work(
    pairs: Pairs, frames: list[bytes], delivered: Tally, beside: select.epoll | None, then: Callable[[], object]
) -> list[float]:
    """Seconds of each, from when it was due to its receiver."""
    clock = time.perf_counter
    receivers: dict[int, socket.socket] = {sock.fileno(): sock for sock in pairs.sockets}
    senders = pairs.sockets[: pairs.pairs]
    answering = {sock.fileno() for sock in senders}
    rest = dict.fromkeys(receivers, b"")
    seconds: list[float] = []
    with select.epoll() as epoll:
        for fileno in receivers:
            epoll.register(fileno, select.EPOLLIN)
        if beside is not None:
            epoll.register(beside.fileno(), select.EPOLLIN)
        began = clock()
        sent = 0
        while len(seconds) < len(frames):
            due = began + sent / A_SECOND
            while sent < len(frames) and clock() >= due:
                if senders[sent % pairs.pairs].send(frames[sent]) != len(frames[sent]):
                    raise Unexpected("the server does not take a whole message")
                sent += 1
                due = began + sent / A_SECOND
            if clock() - due > PATIENCE_SECONDS:
                break
            for fileno, _ in epoll.poll(max(0.0, due - clock()) if sent < len(frames) else PATIENCE_SECONDS):
                if beside is not None and fileno == beside.fileno():
                    then()
                    continue
                data = receivers[fileno].recv(READ_BYTES)
                if not data:
                    raise Unexpected("the server closed a connection")
                if fileno in answering:
                    continue
                now = clock()
                data = rest[fileno] + data
                start = 0
                while 0 < (stop := pairs.wire.end(data, start)) <= len(data):
                    found = NUMBER.search(data, start, stop)
                    start = stop
                    number = int(found[1]) if found else -1
                    if delivered.add(number):
                        seconds.append(now - began - (number - delivered.first) / A_SECOND)
                rest[fileno] = data[start:]
    return seconds
