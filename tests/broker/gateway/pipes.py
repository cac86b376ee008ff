"""Connections without sockets: what is written to them stays to be looked at."""

from __future__ import annotations

import socket

import msgspec

from broker.gateway.core import Core
from broker.gateway.framing import LengthFraming
from broker.gateway.limits import public
from broker.gateway.proofs import WrongProofs
from broker.gateway.socket_connection import SocketConnection
from broker.gateway.table import Table
from broker.settings import Sockets
from protocol.addresses import Addresses
from protocol.crowds import Crowds
from protocol.wires.wire import Wire
from tests.broker.gateway.conftest import FakeWire


def empty_table(core: Core) -> Table:
    return Table(core, Crowds(0, Addresses(())), WrongProofs(Sockets()), 1 << 30)


class Pipe:
    """A socket that takes a set number of bytes a call."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.calls: list[bytes] = []
        self.corked = False
        """What was sent last waits for more."""

    def fileno(self) -> int:
        return 0

    def send(self, data: bytes, flags: int = 0) -> int:
        if not self.room:
            raise BlockingIOError
        self.corked = flags == socket.MSG_MORE
        self.calls.append(data[: self.room])
        return len(self.calls[-1])

    def sendmsg(self, frames: list[bytes], ancillary: tuple[()] = (), flags: int = 0) -> int:
        return self.send(b"".join(frames), flags)

    def shutdown(self, how: int) -> None:
        self.room = 0


class Interest:
    """An epoll that only remembers."""

    def __init__(self) -> None:
        self.mask = 0

    def register(self, fileno: int, mask: int) -> None:
        self.mask = mask

    modify = register


def make(table: Table, pipe: Pipe, wire: Wire | None = None) -> SocketConnection:
    """One that may talk at once, and hears pushes."""
    limits = msgspec.structs.replace(public(Sockets()), gated=False)
    connection = SocketConnection(table, limits, pipe, Interest())  # type: ignore[arg-type]
    connection.start(LengthFraming(4096), wire or FakeWire())
    return connection
