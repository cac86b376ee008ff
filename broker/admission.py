"""Who asks which hub, and may they now: what is checked before a command reaches its handler.

In this order: the broker is not draining, app and session are there, the caller's rates, room on the disk. Nothing has
been done when one of them refuses.
"""

from __future__ import annotations

from broker.apps import Apps
from broker.commits import OVERLOADED_TIMES, Commits
from broker.hub.aliases import resolved
from broker.hub.decision import Caller
from broker.hub.hub import Hub
from broker.running import Running
from protocol.commands import FREE, Command, Login, Managed, SendMessage
from protocol.errors import Reason, Refused

MOST_UNANSWERED = 64
"""Sends of a session that may wait for their commit (SOCKET.md)."""

NO_ROOM = "the server can store nothing more for now, its disk or its journal is full; nothing was done"


class Admission:
    def __init__(self, apps: Apps, commits: Commits) -> None:
        self._apps = apps
        self._commits = commits
        self.storage = True
        """False while the disk has no room: durable commands are refused before they are executed (DESIGN 2.3)."""
        self.draining = False
        self.hub_of: dict[int, Hub] = {}
        """Of every session that has logged in and whose connection is not closed yet."""

    def admit(self, session: int, request: object, command: Command | Managed, now_ms: int) -> Running | None:
        """The command ready to be executed; None if it is one to the broker itself, from the control wire."""
        if self.draining:
            raise going_away()
        if type(command) is Managed:
            running = self._managed(session, request, command, now_ms)
        elif type(command) is Login:
            running = self._login(session, request, command)
        else:
            hub = self.hub_of.get(session)
            if hub is None:
                return None
            running = self._of_session(session, request, command, hub, now_ms)
        command = running.command = resolved(running.hub.tables, running.command)
        if command.management and not running.caller.privileged:
            raise Refused(Reason.NOT_ALLOWED, "only the app's own server may do that")
        if command.durable and not (type(command) is SendMessage and command.transient):
            self.check_storage()
        return running

    def check_again(self, running: Running) -> None:
        """A command that waited for rows or a proof is looked at again before it goes on (DESIGN 3)."""
        if self.draining:
            raise going_away()
        hub, session = running.hub, running.caller.session
        if hub.app.disabled:
            raise Refused(Reason.UNKNOWN_APP, f"app {hub.app.id} has been switched off")
        if session is not None and hub.sessions.get(session.id) is not session:
            raise Refused(Reason.NOT_LOGGED_IN, "this session has ended")
        if session is None and not running.caller.privileged and not running.caller.connection:
            check_token_user(hub, running.caller.user)

    def _managed(self, session: int, request: object, call: Managed, now_ms: int) -> Running:
        hub = self._apps.admitted(call.app, call.rev)
        if not call.privileged:
            check_token_user(hub, call.user)
            hub.rates.take(call.user, call.command.rate, hub.app.settings, now_ms)
        newcomers = frozenset(call.newcomers) if call.privileged else frozenset[str]()
        caller = Caller(call.user, None, call.privileged, call.numeric_user, heed_ban=call.heed_ban, newcomers=newcomers)
        return Running(session, request, hub, caller, call.command, False)

    def _login(self, session: int, request: object, login: Login) -> Running:
        hub = self._apps.open(login.app)
        known = self.hub_of.get(session)
        current = known.sessions.get(session) if known is not None else None
        return Running(session, request, hub, Caller(login.user, current, connection=session), login, True)

    def _of_session(self, session: int, request: object, command: Command, hub: Hub, now_ms: int) -> Running:
        current = hub.sessions.get(session)
        if current is None:
            raise Refused(Reason.NOT_LOGGED_IN, "this session has ended")
        if command.rate is not FREE:
            hub.rates.take_of_app(hub.app.settings, now_ms)
        hub.rates.take(current.user, command.rate, hub.app.settings, now_ms)
        if type(command) is SendMessage and self._commits.unanswered(session) >= MOST_UNANSWERED:
            detail = f"{MOST_UNANSWERED} sends wait for their answer; read those first"
            raise Refused(Reason.TOO_FAST, detail, retry_after_ms=100)
        return Running(session, request, hub, Caller(current.user, current, connection=session), command, True)

    def check_storage(self) -> None:
        """STORAGE_UNAVAILABLE or OVERLOADED: a durable command could not be carried out now."""
        if not self.storage:
            raise Refused(Reason.STORAGE_UNAVAILABLE, NO_ROOM, retry_after_ms=5000)
        if self._commits.behind >= OVERLOADED_TIMES:
            raise Refused(Reason.OVERLOADED, "the server's disk is too slow for this load", retry_after_ms=1000)


def going_away() -> Refused:
    return Refused(Reason.GOING_AWAY, "the broker is about to restart; come back shortly", retry_after_ms=1000)


def check_token_user(hub: Hub, name: str) -> None:
    """Whoever acts by his own token must be somebody who could log in."""
    row = hub.tables.users.get(name)
    if row is None or row.deleted:
        raise Refused(Reason.UNKNOWN_USER, f"there is no user {name}")
    if row.banned:
        raise Refused(Reason.BANNED, f"user {name} is banned")
