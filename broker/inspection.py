"""What an operator sees of sessions and connections: read from gateway, dispatcher and commits, between two turns.

The law: looking changes nothing, is bounded (one page, one connection), and waits for no disk, as a slow disk is one of the
things to be seen. A search looks at 500 sessions between two turns (DESIGN 2.2): who comes or goes meanwhile may or may not
be found.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from itertools import islice

import trio

from broker.dispatcher import Dispatcher
from broker.gateway.connection import LEAVING, OPEN, RESTING, SENDER, Connection
from broker.gateway.inbound import LOGIN
from broker.gateway.relay import RelayedConnection
from broker.gateway.table import Table
from broker.hub.hub import Hub
from broker.hub.session import Session
from protocol.commands import (
    PAGE_MOST,
    SEARCH_MOST,
    Command,
    ConnectionSeen,
    InspectConnection,
    InspectSessions,
    Reply,
    SessionSeen,
    SessionsSeen,
    Stopped,
)
from protocol.errors import Reason, Refused

STATES = {OPEN: "open", LEAVING: "leaving"}
PAUSES = {LOGIN: "login", SENDER: "journal", RESTING: "pace"}
STEP = 500
"""Sessions looked at between two turns: about 1 ms."""
SESSION = re.compile(r"[0-9a-f]{1,16}")


class Inspection:
    def __init__(self, dispatcher: Dispatcher, table: Table, in_flight_since: Callable[[], float | None]) -> None:
        """`in_flight_since`: when, by the monotonic clock, the commit on its way to the disk was handed over."""
        self._dispatcher = dispatcher
        self._table = table
        self._in_flight_since = in_flight_since

    async def run(self, command: Command) -> Reply:
        """Refused if it cannot be done."""
        if isinstance(command, InspectSessions):
            return await self._sessions(command)
        assert isinstance(command, InspectConnection)
        return self._connection(command.session)

    async def _sessions(self, command: InspectSessions) -> SessionsSeen:
        hub = self._dispatcher.apps.hubs.get(command.app)
        if hub is None:
            raise Refused(Reason.UNKNOWN_APP, f"there is no app {command.app}")
        numbers: Collection[int] = hub.by_user.get(command.user, []) if command.user else hub.sessions
        if command.search:
            numbers = await self._matching(hub, list(numbers), command.search.casefold())
        start = max(command.skip, 0)
        page = islice(numbers, start, start + min(max(command.limit, 0), PAGE_MOST))
        return SessionsSeen(sessions=[self._seen(hub.sessions[number]) for number in page], total=len(numbers))

    async def _matching(self, hub: Hub, numbers: list[int], text: str) -> list[int]:
        """Those of these sessions that are still there and have the text somewhere."""
        if len(numbers) > SEARCH_MOST:
            words = f"{len(numbers)} sessions to look through, {SEARCH_MOST} are allowed; ask for one user's"
            raise Refused(Reason.TOO_BROAD, words)
        found: list[int] = []
        for start in range(0, len(numbers), STEP):
            if start:
                await trio.lowlevel.checkpoint()
            for number in numbers[start : start + STEP]:
                session = hub.sessions.get(number)
                if session is None:
                    continue
                if text in session.user.casefold() or text in session.device.casefold() or text in self._address(session):
                    found.append(number)
        return [number for number in found if number in hub.sessions]

    def _address(self, session: Session) -> str:
        """The one it is counted under, or its socket's own."""
        outbox = self._table.outboxes.get(session.id)  # None: its end is on its way to the hub
        return (outbox.connection.address or outbox.connection.peer()) if outbox is not None else ""

    def _seen(self, session: Session) -> SessionSeen:
        outbox = self._table.outboxes.get(session.id)
        connection = outbox.connection if outbox is not None else None
        return SessionSeen(
            session=f"{session.id:016x}",
            user=session.user,
            device=session.device,
            platform=session.platform,
            tag=session.tag,
            wire=session.wire,
            address=self._address(session),
            since_ms=session.since_ms,
            heard_ms=self._ago(connection.heard) if connection is not None else -1,
            outbox_bytes=connection.outbox.size if connection is not None else 0,
            replaced=session.replaced,
        )

    def _connection(self, text: str) -> ConnectionSeen:
        if not SESSION.fullmatch(text):
            raise Refused(Reason.BAD_FORMAT, "a session is named by up to 16 hex digits, as `parley sessions APP` prints it")
        number = int(text, 16)
        outbox = self._table.outboxes.get(number)
        found = outbox.connection if outbox is not None else self._table.connections.get(number)
        if found is None:
            raise Refused(Reason.NOT_LOGGED_IN, f"no connection has the session {text} now; see `parley sessions APP`")
        dispatcher, table = self._dispatcher, self._table
        hub = dispatcher.admission.hub_of.get(number)
        session = hub.sessions.get(number) if hub is not None else None
        now_ms = dispatcher.clock.now_ms()
        stopped, queued = dispatcher.waiting_of(number)
        held, commit = dispatcher.commits.waiting_of(number)
        since = self._in_flight_since()
        flying = since is not None and commit == dispatcher.commits.durable + 1 and commit < dispatcher.commits.number
        return ConnectionSeen(
            session=f"{number:016x}",
            app=hub.app.id if hub is not None else "",
            user=session.user if session is not None else "",
            device=session.device if session is not None else "",
            login_ms=now_ms - session.since_ms if session is not None else -1,
            state=STATES.get(found.state, "closed"),
            door=door_of(found),
            wire=type(found.wire).__name__.removesuffix("Wire").lower() if found.wire is not None else "",
            address=found.address,
            peer=found.peer(),
            heard_ms=self._ago(found.heard),
            probe_ms=self._ago(found.probed) if found.probed > found.heard else -1,
            paused=[word for bit, word in PAUSES.items() if found.paused & bit],
            paused_ms=self._ago(found.paused_at) if found.paused else -1,
            outbox_bytes=found.outbox.size,
            outbox_frames=len(found.outbox.frames),
            blocked_ms=self._ago(found.outbox.moved) if found.outbox in table.blocked else -1,
            queued=queued,
            stopped=Stopped(stopped.why, stopped.command, now_ms - stopped.since_ms) if stopped is not None else None,
            held=held,
            commit=commit,
            commit_ms=round((time.monotonic() - since) * 1000) if flying and since is not None else -1,
            seats=[f"{seat:016x}" for seat in found.seats.sessions()] if found.seats is not None else [],
        )

    def _ago(self, then: float) -> int:
        """Milliseconds by the gateway's clock."""
        return max(round((self._table.now - then) * 1000), 0)


def door_of(connection: Connection) -> str:
    """By which listener it came in."""
    if isinstance(connection, RelayedConnection):
        return "tls"
    if not connection.limits.gated:
        return "control"
    return "tcp" if connection.framing is not None and connection.framing.kind == "length" else "websocket"
