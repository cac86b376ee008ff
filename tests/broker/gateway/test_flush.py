"""The end of a turn: what is sent, how often, and what happens to the rest."""

from __future__ import annotations

import socket

from broker.gateway.flush import SOCKETS, flush
from broker.gateway.framing import LengthFraming
from broker.gateway.limits import public
from broker.gateway.outbox import BLOCKED
from broker.gateway.proofs import WrongProofs
from broker.gateway.socket_connection import SocketConnection
from broker.gateway.table import Table
from broker.settings import Sockets
from protocol.addresses import Addresses
from protocol.crowds import Crowds
from tests.broker.gateway.conftest import FakeCore, FakeWire


class Pipe:
    """A socket that takes a set number of bytes a call."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.calls: list[bytes] = []

    def fileno(self) -> int:
        return 0

    def send(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        self.calls.append(data[: self.room])
        return len(self.calls[-1])

    def sendmsg(self, frames: list[bytes]) -> int:
        return self.send(b"".join(frames))


class Interest:
    """An epoll that only remembers."""

    def __init__(self) -> None:
        self.mask = 0

    def register(self, fileno: int, mask: int) -> None:
        self.mask = mask

    modify = register


def make(table: Table, pipe: Pipe) -> SocketConnection:
    connection = SocketConnection(table, public(Sockets()), pipe, Interest())  # type: ignore[arg-type]
    connection.start(LengthFraming(4096), FakeWire())
    return connection


def test_what_an_outbox_gathered_is_one_send_large_or_small() -> None:
    table, pipe = Table(FakeCore(), Crowds(0, Addresses(())), WrongProofs(Sockets()), 1 << 30), Pipe()
    connection = make(table, pipe)
    for size in (10, 40_000):
        frames = [bytes([number]) * size for number in range(5)]
        for frame in frames:
            connection.say_framed(frame)
        flush(table, ends=0.0)
        assert pipe.calls == [b"".join(frames)]
        pipe.calls.clear()
    assert table.counters.bytes_out == 5 * 10 + 5 * 40_000


def test_what_is_not_taken_waits_until_the_socket_is_writable() -> None:
    table, pipe = Table(FakeCore(), Crowds(0, Addresses(())), WrongProofs(Sockets()), 1 << 30), Pipe(room=7)
    connection = make(table, pipe)
    for frame in (b"first", b"second", b"third"):
        connection.say_framed(frame)
    flush(table, ends=0.0)
    assert pipe.calls == [b"firstse"]
    assert connection.outbox.mode & BLOCKED
    assert table.held_bytes == 9
    connection.say_framed(b"fourth")
    flush(table, ends=0.0)
    assert len(pipe.calls) == 1  # not tried in vain
    assert table.held_bytes == 15
    pipe.room = 1 << 30
    connection.writable()
    flush(table, ends=0.0)
    assert b"".join(pipe.calls) == b"firstsecondthirdfourth"
    assert table.held_bytes == 0
    assert not table.blocked


def test_the_clock_is_looked_at_after_250_sockets_and_the_rest_is_first_next_time() -> None:
    table = Table(FakeCore(), Crowds(0, Addresses(())), WrongProofs(Sockets()), 1 << 30)
    pipes = [Pipe() for _ in range(SOCKETS * 2 + 10)]
    connections = [make(table, pipe) for pipe in pipes]
    for connection in connections:
        connection.say_framed(b"x")
    flush(table, ends=0.0)
    assert [len(pipe.calls) for pipe in pipes] == [1] * SOCKETS + [0] * (SOCKETS + 10)
    connections[0].say_framed(b"y")
    flush(table, ends=0.0)
    assert len(table.touched) == 11
    flush(table, ends=0.0)
    assert [len(pipe.calls) for pipe in pipes] == [2] + [1] * (SOCKETS * 2 + 9)


def test_a_socket_that_fails_is_lost_and_costs_nobody_else() -> None:
    table = Table(FakeCore(), Crowds(0, Addresses(())), WrongProofs(Sockets()), 1 << 30)
    left, right = socket.socketpair()
    right.close()
    broken, good = make(table, Pipe()), make(table, Pipe())
    broken.outbox.sock = left
    broken.say_framed(b"x")
    good.say_framed(b"x")
    flush(table, ends=0.0)
    left.close()
    assert table.doomed == [broken]
    assert table.counters.closed == {"gone": 1}
    assert not good.outbox.frames
