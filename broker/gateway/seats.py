"""The users one connection carries, where its wire has several (LeanCloud): each is a seat, with a session of its own.

The law: a seat is taken by its first request and free again when its session has ended, whoever ended it; what is pushed
to a session goes to its seat and no other; and the connection outlives its seats. All wait in the connection's one
outbox, so its limits hold for all of them together.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from broker.gateway.framing import format_of
from broker.gateway.outbox import SeatOutbox
from protocol.errors import CloseReason
from protocol.wires.wire import Ending, SeatedWire

if TYPE_CHECKING:
    from broker.gateway.connection import Connection

logger = logging.getLogger(__name__)

MOST_SEATS = 64
"""Of a connection."""
PERSONAL = frozenset(
    {
        CloseReason.LOGOUT,
        CloseReason.REPLACED,
        CloseReason.CONTINUED,
        CloseReason.KICKED,
        CloseReason.BANNED,
        CloseReason.DELETED,
        CloseReason.BAD_LOGIN,
    }
)
"""Endings that concern one user; the others concern the connection."""


class Seats:
    """Of one connection."""

    __slots__ = ("_connection", "_sessions")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sessions: dict[str, int] = {}

    def session_of(self, seat: str) -> int:
        """The session of that seat, a new one if nobody sits there; 0 if there is no seat left."""
        session = self._sessions.get(seat)
        if session is None:
            if len(self._sessions) >= MOST_SEATS:
                return 0
            connection = self._connection
            session = self._sessions[seat] = connection.table.new_session()
            connection.table.outboxes[session] = SeatOutbox(connection.outbox, seat)
        return session

    def logged_in(self, seat: str) -> None:
        """From now on it gets pushes, with an end of its own."""
        connection = self._connection
        outbox = connection.table.outboxes.get(self._sessions.get(seat, 0))
        wire, framing = connection.wire, connection.framing
        if type(outbox) is SeatOutbox and wire is not None and framing is not None:
            outbox.end = cast(SeatedWire, wire).end_of(seat)
            outbox.format = format_of(framing, wire, outbox.format, len(outbox.end))

    def end(self, seat: str, ending: Ending) -> None:
        """Its last words, if there is anything to say; then the seat is free."""
        connection = self._connection
        session = self._sessions.pop(seat, 0)
        if not session:
            return
        connection.table.outboxes.pop(session, None)
        try:
            for payload in cast(SeatedWire, connection.wire).part(ending, seat, connection.table.now_ms):
                connection.say(payload)
        except Exception:  # a bug in a wire costs this seat its last words, not the process
            logger.exception("parting failed session=%x reason=%s", session, ending.reason.word)
        if ending.reason is CloseReason.REPLACED:  # whether somebody is there to see it is yet to be known
            connection.table.parted[session] = connection, connection.table.now
        else:
            connection.table.core.gone(session)

    def sessions(self) -> list[int]:
        return list(self._sessions.values())

    def close(self) -> None:
        """Nothing reaches these sessions any more."""
        for session in self._sessions.values():
            self._connection.table.outboxes.pop(session, None)

    def forget(self) -> None:
        """Nobody is there any more."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            self._connection.table.core.gone(session)
