"""Who is online, and who hears of it: friends and subscribers, never anybody else (DESIGN 3).

Online at once; offline 10 s after the last session went, or at once when the user or an admin ended it. What a session
has to hear is merged, newest a user, and pushed at most once a second; a change taken back before it was told is not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

from broker.hub.effects import Effect, Post
from broker.hub.session import Session
from protocol.errors import Reason, Refused
from protocol.pushes import PresenceChange, PresenceChanged

if TYPE_CHECKING:
    from broker.hub.hub import Hub

GRACE_MS = 10_000
MOST_SUBSCRIPTIONS = 200
PUSH_EVERY_MS = 1_000


class Presence:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._online: set[str] = set()
        self._leaving: dict[str, int] = {}
        """Users without a session who still count as online, and until when; in that order, as all wait equally long."""
        self._watchers: dict[str, set[int]] = {}
        self._due: set[int] = set()

    def online(self, user: str) -> bool:
        return user in self._online

    def count(self) -> int:
        return len(self._online)

    def count_among(self, users: Mapping[str, object]) -> int:
        """The smaller side is looked through."""
        if len(users) < len(self._online):
            return sum(user in self._online for user in users)
        return sum(user in users for user in self._online)

    def came(self, user: str, now_ms: int) -> None:
        self._leaving.pop(user, None)
        if user not in self._online:
            self._online.add(user)
            self._tell(user, True, now_ms)

    def went(self, user: str, now_ms: int, *, at_once: bool) -> None:
        if at_once:
            self._leaving.pop(user, None)
            self._offline(user, now_ms)
        else:
            self._leaving[user] = now_ms + GRACE_MS

    def end_grace(self, user: str, now_ms: int) -> None:
        """A user without a session is offline now, and not in 10 s."""
        if self._leaving.pop(user, None) is not None:
            self._offline(user, now_ms)

    def _offline(self, user: str, now_ms: int) -> None:
        if user in self._online:
            self._online.remove(user)
            self._tell(user, False, now_ms)

    def watch(self, session: Session, users: list[str]) -> None:
        wanted = (session.subscriptions or set()) | set(users)
        session.subscriptions = wanted
        for user in users:
            self._watchers.setdefault(user, set()).add(session.id)

    @staticmethod
    def check_room(session: Session, users: list[str]) -> None:
        if len((session.subscriptions or set()) | set(users)) > MOST_SUBSCRIPTIONS:
            raise Refused(Reason.FULL, f"a session may subscribe to {MOST_SUBSCRIPTIONS} users at most")

    def unwatch(self, session: Session, users: list[str]) -> None:
        for user in users:
            watchers = self._watchers.get(user)
            if watchers is not None:
                watchers.discard(session.id)
                if not watchers:
                    del self._watchers[user]
        if session.subscriptions is not None:
            session.subscriptions.difference_update(users)

    def forget(self, session: Session) -> None:
        self._due.discard(session.id)
        if session.subscriptions:
            self.unwatch(session, list(session.subscriptions))

    def _tell(self, user: str, online: bool, now_ms: int) -> None:
        listeners = set(self._watchers.get(user, ()))
        for friend in self._hub.tables.friends.get(user, ()):
            listeners.update(self._hub.by_user.get(friend, ()))
        change = PresenceChange(user, online, now_ms)
        for number in listeners:
            session = self._hub.sessions[number]
            if session.presence_due is None:
                session.presence_due = {}
            untold = session.presence_due.pop(user, None)
            if untold is None or untold.online is online:
                session.presence_due[user] = change
                self._due.add(number)

    def tick(self, now_ms: int) -> list[Effect]:
        over = takewhile(lambda each: each[1] <= now_ms, self._leaving.items())
        for user in [user for user, _ in over]:
            del self._leaving[user]
            self._offline(user, now_ms)
        if not self._due:
            return []
        # Listeners with the same news share one push: a popular user's change is encoded once.
        shared: dict[tuple[tuple[str, bool, int], ...], list[int]] = {}
        for number in list(self._due):
            session = self._hub.sessions[number]
            if now_ms - session.presence_at_ms < PUSH_EVERY_MS:
                continue
            self._due.discard(number)
            changes, session.presence_due = session.presence_due, None
            if changes:
                session.presence_at_ms = now_ms
                news = tuple((change.user, change.online, change.time_ms) for change in changes.values())
                shared.setdefault(news, []).append(number)
        app = self._hub.app.id
        return [
            Post(numbers, PresenceChanged(app=app, changes=tuple(PresenceChange(*each) for each in news)))
            for news, numbers in shared.items()
        ]
