"""Receivers that say what they have received, where their protocol has them say it.

The law: in a long stream each receiver says it once in `receipt_seconds`; a round is a piece of such a stream, so it has as
many receipts as fall into it, no more and no less. The seconds are those in which server or generator worked, which are
those of the clock where nobody else uses the machine; where others do, a message must not come with more receipts.

Pairs are spread over that time. The members of a group are not: who hears a message at once with others is due again at
once with them (the SDK counts the second from its last receipt), so they say it in tenths of the group, which is still
on the dear side.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Sequence

from bench.servers import Server
from bench.wires.wire import Unexpected, Wire

own_seconds = time.process_time


class Receipts:
    """Of one round. `newest`: the last message of a receiver as it came; empty if it has none. `together`: how many say it
    at a time."""

    def __init__(
        self,
        wire: Wire,
        server: Server,
        receivers: Sequence[socket.socket],
        newest: Callable[[int], bytes],
        together: int = 1,
    ) -> None:
        self._wire = wire
        self._server = server
        self._receivers = receivers
        self._newest = newest
        self._together = together
        self._step = wire.receipt_seconds * together / len(receivers) or math.inf
        self._due = self._worked() + self._step
        self._next = 0

    def say(self) -> None:
        """What is due by now."""
        if self._due == math.inf:
            return
        now = self._worked()
        while self._due <= now:
            self._due += self._step
            for _ in range(self._together):
                receiver, self._next = self._next, (self._next + 1) % len(self._receivers)
                frame = self._newest(receiver)
                if frame:
                    receipt = self._wire.receipt(frame)
                    if self._receivers[receiver].send(receipt) != len(receipt):
                        raise Unexpected("the server does not take a whole receipt")

    def _worked(self) -> float:
        """Seconds that server and generator have used so far."""
        return self._server.cpu_seconds() + own_seconds()
