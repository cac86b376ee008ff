"""How a case listens to all its connections while the clock runs.

The law: a turn is what one look at the epoll found, read socket by socket while the case goes through it, so an answer
never waits for another's bytes to be read; and silence ends the listening, so that what never comes is left to the
tallies and no case hangs.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.sessions import PATIENCE_SECONDS, READ_BYTES
from bench.wires.wire import Unexpected

Turn = Iterator[tuple[int, bytes]]
"""(index of the socket, bytes)"""


@contextmanager
def listening(sockets: Sequence[socket.socket]) -> Iterator[Iterator[Turn]]:
    """The turns, until nothing has come for PATIENCE_SECONDS. Unexpected if a connection is closed."""
    at = {sock.fileno(): (n, sock.recv) for n, sock in enumerate(sockets)}
    with select.epoll() as epoll:
        for fileno in at:
            epoll.register(fileno, select.EPOLLIN)

        def turn(ready: list[tuple[int, int]]) -> Turn:
            for fileno, _ in ready:
                n, receive = at[fileno]
                data = receive(READ_BYTES)
                if not data:
                    raise Unexpected("the server closed a connection")
                yield n, data

        def turns() -> Iterator[Turn]:
            while ready := epoll.poll(PATIENCE_SECONDS):
                yield turn(ready)

        yield turns()
