"""One app's hub: executes a command to its end on one thread, as Redis does (DESIGN 2.2).

A handler decides (`broker.hub.decision`); `carry_out` then applies its images and volatile changes. Nothing here waits,
reads a clock or draws a random number: those come in with the call, so a test drives a hub as a script of commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from broker.hub import aliases
from broker.hub.announcements import Announcements
from broker.hub.decision import Decision
from broker.hub.effects import Effect, Post
from broker.hub.presence import Presence
from broker.hub.rates import Rates
from broker.hub.receipts import Receipts
from broker.hub.recent import Tail
from broker.hub.session import Session, Slot
from broker.hub.swaps import Swaps
from broker.hub.tables import Tables
from protocol.apps import App
from protocol.commands import Command, Reply
from protocol.ids import Mint
from protocol.records import Kind

Handler = Callable[[Decision, Any], Reply]
ScanHandler = Callable[[Decision, Any], Iterator[Reply | None]]
HANDLERS: dict[type[Command], Handler] = {}
SCANS: dict[type[Command], ScanHandler] = {}
"""Handlers that may look at many rows: they yield None after each step and the reply at the end (DESIGN 2.2)."""

AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])


def handles(command: type[Command]) -> Callable[[AnyHandler], AnyHandler]:
    def register(handler: AnyHandler) -> AnyHandler:
        HANDLERS[command] = handler
        return handler

    return register


def scans(command: type[Command]) -> Callable[[AnyHandler], AnyHandler]:
    def register(handler: AnyHandler) -> AnyHandler:
        SCANS[command] = handler
        return handler

    return register


class Hub:
    """The in-memory owner of one app's state."""

    def __init__(self, app: App, tail: Tail, mint: Mint, epoch: str) -> None:
        self.app = app
        self.mint = mint
        """Shared by all hubs: message ids are keys of one table."""
        self.epoch = epoch
        self.tables = Tables(app.id, tail, mint.lanes)
        self.sessions: dict[int, Session] = {}
        self.by_user: dict[str, list[int]] = {}
        """Sessions of a user, oldest first."""
        self.wires: dict[str, int] = {}
        """How many sessions speak each wire."""
        self.slots: dict[Slot, int] = {}
        self.presence = Presence(self)
        self.receipts = Receipts(self)
        self.announcements = Announcements(self)
        self.rates = Rates()
        self.swaps = Swaps()

    def carry_out(self, decision: Decision, commit: int) -> None:
        """Make it so, as part of the open commit."""
        tables = self.tables
        tables.apply_all(decision.images, commit)
        for row in decision.marks:
            tables.move(row)
        for change, arguments in decision.volatile:
            change(*arguments)

    # Sessions.

    def audience(self, conversation: int) -> tuple[int, ...]:
        """The sessions of all members. Kept until a member or a session changes: a fan-out must not look them up again."""
        audience = self.tables.audiences.get(conversation)
        if audience is None:
            by_user = self.by_user
            members = self.tables.members.get(conversation, {})
            if len(members) <= len(by_user):
                audience = tuple(session for user in members if user in by_user for session in by_user[user])
            else:
                audience = tuple(session for user in by_user if user in members for session in by_user[user])
            self.tables.audiences[conversation] = audience
        return audience

    def witnesses(self, conversation: int) -> tuple[int, ...]:
        """The sessions that hear who comes, goes or is silenced: the audience, but in a system conversation nobody."""
        row = self.tables.conversations.get(conversation)
        return () if row is not None and row.kind == Kind.SYSTEM else self.audience(conversation)

    def sessions_of(self, user: str) -> list[int]:
        return list(self.by_user.get(user, ()))

    def on_wire(self, sessions: Iterable[int], wire: str) -> list[int]:
        """Those of them that speak it."""
        return [session for session in sessions if self.sessions[session].wire == wire]

    def enter(self, session: Session, now_ms: int) -> None:
        self.sessions[session.id] = session
        self.wires[session.wire] = self.wires.get(session.wire, 0) + 1
        self.by_user.setdefault(session.user, []).append(session.id)
        self.slots[session.slot] = session.id
        self._forget_audiences(session.user)
        self.presence.came(session.user, now_ms)

    def leave(self, number: int, now_ms: int, *, at_once: bool) -> Session | None:
        """Take a session out; `at_once` skips the 10 s for which a lost connection still counts as online."""
        session = self.sessions.pop(number, None)
        if session is None:
            return None
        self.wires[session.wire] -= 1
        others = self.by_user[session.user]
        others.remove(number)
        if self.slots.get(session.slot) == number:
            del self.slots[session.slot]
        self._forget_audiences(session.user)
        self.presence.forget(session)
        if not others:
            del self.by_user[session.user]
            self.presence.went(session.user, now_ms, at_once=at_once)
        sends, device = self.tables.sends, (session.user, session.device)
        if device in sends and not any(self.sessions[other].device == session.device for other in others):
            del sends[device]
        return session

    def gone(self, number: int, now_ms: int) -> Session | None:
        """The gateway has closed this session's connection, whoever ended it. The session if nobody had: it was lost."""
        lost = self.leave(number, now_ms, at_once=False)
        if lost is None:
            self.swaps.gone(number, now_ms)
        return lost

    def _forget_audiences(self, user: str) -> None:
        audiences = self.tables.audiences
        if audiences:
            for conversation in self.tables.memberships.get(user, ()):
                audiences.pop(conversation, None)

    # Time.

    def tick(self, now_ms: int) -> list[Effect]:
        """What time alone brings: presence, receipts, announcements. Called a few times a second."""
        self.rates.prune(now_ms)
        self.swaps.prune(now_ms)
        effects = [*self.presence.tick(now_ms), *self.receipts.tick(now_ms), *self.announcements.tick()]
        for effect in effects:
            if isinstance(effect, Post):
                aliases.name(self.tables, effect.push)
        return effects
