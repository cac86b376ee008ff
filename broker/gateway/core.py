"""What the gateway asks of its counterpart: the broker's half of the seam of DESIGN 2.4, as one Protocol.

The law: everything crosses as plain values, and nothing comes back from a call. Replies, pushes and ends leave through
`outgoing`, already behind their commit, so that the gateway never has to know what is on disk. `broker.dispatcher`
implements it; `tests/broker/gateway/conftest.py` holds the memory version.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from broker.hub.effects import Effect
from protocol.commands import Command, Managed


class Core(Protocol):
    """The dispatcher as the reactor sees it. Called on the reactor's task only; none of it waits.

    An exception from `submit` ends the connection that asked; one from any other method ends the reactor, and with it
    the process.
    """

    outgoing: deque[Effect]
    """Effects free to leave, in order; the gateway pops and performs them."""

    def submit(self, session: int, request: object, command: Command | Managed) -> None:
        """A wire asked for this; its reply comes back through `outgoing` as a `ReplyTo` of the same session. Where `request`
        is None nobody waits for it, and none comes: between two pushes to the same sessions it would part them."""

    def gone(self, session: int) -> None:
        """The peer has closed by itself, or is known to have taken the farewell another login brought it, or the descriptor
        of this session is closed. Once for every connection that ever submitted, also after an `EndSession`."""

    def advance(self) -> None:
        """Once a turn, after input was handed in and before effects are performed."""

    def wants_turn(self) -> bool:
        """There is more to do at once (scans, released effects): do not wait in epoll."""

    def next_deadline(self) -> float:
        """Seconds until `advance` wants to be called again although nothing happens; `inf` for never."""

    def filenos(self) -> Sequence[int]:
        """Descriptors that make a turn when readable; the core drains them itself in `advance`. Asked once, at start."""

    def pause_seconds(self) -> float:
        """The journal is behind: connections that sent a durable command so recently are not read. 0: all are; inf: none is
        but the trusted ones, as too much waits for the disk already."""
