"""Announcements: what is said to everybody of an app who is online, a part of them at a time, and how far it has come.

The law: the first SLICE sessions hear it with the reply, the others SLICE a tick, so a hundred thousand of them cost no turn
more than some milliseconds. Who was online when it began hears it once or has gone; who comes later does not. Nothing of it
is durable: with the process what was not said yet is lost, as a system message is. The newest KEPT are remembered, so that
an operator sees what was said and how many it has reached. `broker.hub.announcing` has the commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from broker.hub.effects import Effect, Post
from protocol.pushes import SystemNew
from protocol.records import AnnouncementInfo

if TYPE_CHECKING:
    from broker.hub.hub import Hub

SLICE = 2_000
KEPT = 20
UNDER_WAY = 4


class Announcement:
    __slots__ = ("at_ms", "content", "id", "place", "reached", "sender", "sessions", "total")

    def __init__(self, id: int, content: bytes, sender: str, at_ms: int, sessions: Sequence[int]) -> None:
        self.id = id
        self.content = content
        self.sender = sender
        self.at_ms = at_ms
        self.sessions = sessions
        """Those who were online; empty once all of them have been gone through."""
        self.place = 0
        """Of the next slice."""
        self.reached = 0
        self.total = len(sessions)
        """How many there were."""


class Announcements:
    """Of one app."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: deque[Announcement] = deque(maxlen=KEPT)

    def under_way(self) -> list[Announcement]:
        return [each for each in self._known if each.sessions]

    def begin(self, announcement: Announcement) -> None:
        """Its first slice has been said."""
        self._known.append(announcement)
        self._count(announcement, len(announcement.sessions[:SLICE]))

    def tick(self) -> Iterator[Effect]:
        """The next slice of each."""
        for each in self.under_way():
            part = each.sessions[each.place : each.place + SLICE]
            there = [session for session in part if session in self._hub.sessions]
            self._count(each, len(there))
            if there:
                yield Post(there, self.push(each))

    def push(self, announcement: Announcement) -> SystemNew:
        push = SystemNew(
            app=self._hub.app.id,
            content=announcement.content,
            sender=announcement.sender,
            time_ms=announcement.at_ms,
        )
        push.at_ms = announcement.at_ms
        return push

    def listed(self) -> list[AnnouncementInfo]:
        """Newest first."""
        return [
            AnnouncementInfo(each.id, each.content, each.at_ms, each.reached, each.total, not each.sessions)
            for each in reversed(self._known)
        ]

    def _count(self, announcement: Announcement, reached: int) -> None:
        announcement.reached += reached
        announcement.place += SLICE
        if announcement.place >= announcement.total:
            announcement.sessions = ()
