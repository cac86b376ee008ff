"""All connections, and what is still to be done for them: the state that the reactor's turn drains.

The law: connections append here and never act on each other or on the reactor; whoever holds a connection holds the
object, never its descriptor's number. A session leaves `outboxes` at its farewell, so nothing can follow that.

`now` is the gateway's clock: monotonic, but standing still while the process did (SIGSTOP, a stopped machine, a turn over
1 s late), so that every deadline counts only time in which the reactor could have read (DESIGN 2.4).
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING

from broker.gateway.proofs import WrongProofs
from broker.gateway.statistics import Counters
from protocol.crowds import Crowds

if TYPE_CHECKING:
    from broker.gateway.connection import Connection
    from broker.gateway.core import Core
    from broker.gateway.outbox import Outbox


UNTOUCHED, LATER, NOW = range(3)
"""How soon an outbox is flushed: behind all others, or first. It is on the list of the highest that was asked for."""


class Table:
    """One for a reactor. `now` in seconds, `now_ms` in milliseconds of the wall clock; both as of this turn."""

    __slots__ = (
        "all_outboxes_bytes", "blocked", "connections", "core", "counters", "crowds", "doomed", "held_bytes", "later",
        "leaving", "logged_in", "now", "now_ms", "outboxes", "parted", "pause_seconds", "proofs", "resting", "resume",
        "senders", "touched", "waiting",
    )  # fmt: skip

    def __init__(self, core: Core, crowds: Crowds, proofs: WrongProofs, all_outboxes_bytes: int) -> None:
        self.core = core
        self.crowds = crowds
        self.proofs = proofs
        self.now = 0.0
        self.now_ms = 0
        self.counters = Counters()
        self.connections: dict[int, Connection] = {}
        """Session to connection, until its descriptor is closed."""
        self.outboxes: dict[int, Outbox] = {}
        """Session to outbox, while replies and pushes may reach it."""
        self.logged_in = 0
        self.resume: deque[Connection] = deque()
        """May have frames in user space, of which epoll knows nothing."""
        self.touched: list[Outbox] = []
        """Have bytes to send this turn, in the order in which they got them."""
        self.later: list[Outbox] = []
        """Have bytes that can wait for those: of a push to very many, or of a peer that did not take them when it could."""
        self.waiting: tuple[list[Outbox], ...] = ([], self.later, self.touched)
        """The lists by level; they stay the same objects."""
        self.blocked: dict[Outbox, None] = {}
        """Have bytes their peers do not take."""
        self.held_bytes = 0
        """Sum over `blocked`."""
        self.all_outboxes_bytes = all_outboxes_bytes
        self.leaving: dict[Connection, None] = {}
        """Said farewell, not closed yet."""
        self.parted: dict[int, tuple[Connection, float]] = {}
        """Session to connection and since when, of those another login has ended and of whom nobody knows yet whether they
        were there to see it."""
        self.doomed: list[Connection] = []
        """Closed at the end of the turn."""
        self.resting: dict[Connection, None] = {}
        """Not read until their pace allows it."""
        self.senders: dict[Connection, None] = {}
        """Not read until the journal has caught up."""
        self.pause_seconds = 0.0
        """See `Core.pause_seconds`."""

    def new_session(self) -> int:
        """64 random bits, not zero, not in use."""
        while not (session := secrets.randbits(64)) or session in self.connections or session in self.outboxes:
            pass
        return session

    def touch(self, outbox: Outbox, level: int = NOW) -> None:
        """These bytes leave at the end of this turn, or as soon as there is room behind those that do."""
        if outbox.touched < level:
            outbox.touched = level
            self.waiting[level].append(outbox)

    def count(self, outbox: Outbox) -> None:
        """Bring the sum over blocked outboxes up to date with this one."""
        size = outbox.size if outbox in self.blocked else 0
        self.held_bytes += size - outbox.counted
        outbox.counted = size

    def block(self, outbox: Outbox) -> None:
        """The peer does not take all of it; from now on it counts."""
        if outbox not in self.blocked:
            self.blocked[outbox] = None
            outbox.moved = self.now
        self.count(outbox)

    def unblock(self, outbox: Outbox) -> None:
        """The peer takes bytes again, or the connection is closed."""
        if outbox in self.blocked:
            del self.blocked[outbox]
            self.count(outbox)

    def queue(self, connection: Connection) -> None:
        """Serve this connection in the next turn, before any that epoll reports."""
        if not connection.queued:
            connection.queued = True
            self.resume.append(connection)

    def shed(self) -> None:
        """Over the sum all outboxes may hold: the largest slow ones go first."""
        if self.held_bytes <= self.all_outboxes_bytes:
            return
        for outbox in sorted(self.blocked, key=lambda outbox: outbox.size, reverse=True):
            if self.held_bytes <= self.all_outboxes_bytes:
                return
            outbox.connection.crowded(limit=0)
