"""All deadlines of all connections, in one sweep that the reactor calls (DESIGN 2.4): login, idle, slow reader, linger, and
answers that wait.

The law: deadlines are judged by the gateway's clock (`table.now`), which stands still while the process does, and only for
connections that are being read; so nobody is ever cut off for what we did not hear. The few connections that are
leaving, blocked or resting are looked at four times a second; all others in slices, a whole round of them about
once a second, since a timer each would cost 4.3 us and a slice costs 0.1 us a connection. What all outboxes hold together is
looked at in every turn.
"""

from __future__ import annotations

import logging
from collections import deque

from broker.gateway.connection import CLOSED, OPEN, RESTING, SENDER, Connection
from broker.gateway.delivery import answer
from broker.gateway.table import Table
from protocol.errors import CloseReason
from protocol.wires.wire import Ending

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.25
ROUND_SECONDS = 1.0
SLICE = 2000
"""Connections looked at in one turn: about 0.2 ms."""


class Sweep:
    """The deadlines of one table."""

    __slots__ = ("_due", "_next_round", "_round", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._due = 0.0
        self._next_round = 0.0
        self._round: deque[Connection] = deque()

    def wait_seconds(self) -> float:
        """Until `run` has something to do again."""
        return 0.0 if self._round else max(0.0, self._due - self._table.now)

    def run(self) -> None:
        """Called once a turn, after input was read: whoever has just spoken is not cut off."""
        table = self._table
        now = table.now
        table.shed()
        if now >= self._due:
            self._due = now + SWEEP_SECONDS
            self._few()
            if now >= self._next_round and not self._round:
                self._next_round = now + ROUND_SECONDS
                self._round.extend(table.connections.values())
        for _ in range(min(SLICE, len(self._round))):
            self._judge(self._round.popleft())

    def _few(self) -> None:
        table = self._table
        now = table.now
        for connection in [leaving for leaving in table.leaving if now >= leaving.until]:
            if connection.grace and not connection.outbox.frames:
                connection.conclude()
            else:
                connection.lost("")
        for outbox in list(table.blocked):
            if now - outbox.moved >= outbox.connection.limits.outbox_seconds:
                outbox.connection.crowded(limit=0)
        for connection in list(table.resting):
            if connection.pace is None or connection.pace.rested(now):
                del table.resting[connection]
                connection.release(RESTING)
        self.release_senders()
        for effect in table.proofs.due(now):
            answer(effect, table, held=True)
        for session, (connection, since) in list(table.parted.items()):
            if connection.state == CLOSED or connection.heard > since or connection.heeded():
                del table.parted[session]
                if session == connection.session:
                    connection.forget()
                else:
                    table.core.gone(session)

    def release_senders(self) -> None:
        """Read those again who were held back for the journal: it has caught up, or they have waited their second."""
        table = self._table
        for connection in list(table.senders):
            if table.now - connection.durable_at >= table.pause_seconds:
                del table.senders[connection]
                connection.release(SENDER)

    def _judge(self, connection: Connection) -> None:
        """Login and idle deadlines of one connection."""
        if connection.state != OPEN or connection.paused:
            return
        now = self._table.now
        limits = connection.limits
        if not connection.logged_in:
            if now - connection.opened >= limits.login_seconds:
                connection.end(Ending(CloseReason.LOGIN_TIMEOUT))
            return
        if connection.probed > connection.heard:
            if now - connection.probed >= limits.pong_seconds:
                connection.end(Ending(CloseReason.IDLE))
        elif now - connection.heard >= limits.ping_seconds:
            try:
                connection.probe()
            except Exception:  # a bug in a wire ends this connection alone
                connection.fail()
