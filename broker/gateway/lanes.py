"""Pushes to very many sessions, put into outboxes slice by slice, while everything else goes past them.

The law: each session gets its replies, pushes and end in the order in which they left the hub. Of a large push only a slice
is put into outboxes at a time, audience by audience in turn, so a large room waits for no other and none for it; whatever
else is for a session that a large push has not reached yet, brings that push to this one session first. So nothing is
held back for the sake of order, and nothing overtakes.

Pushes to the same audience go one after the other, however many wait.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence

from broker.gateway.spread import Spread
from broker.gateway.table import LATER, Table
from broker.hub.effects import Post

clock = time.monotonic

SLICE = 512
"""Sessions between two looks at the clock, about 0.1 ms; a push to more of them is large."""


class Large(Spread):
    """A push on its way through its audience."""

    __slots__ = ("at", "early", "number")

    def __init__(self, table: Table, post: Post, number: int) -> None:
        super().__init__(table, post)
        self.number = number
        """In the order in which they left the hub."""
        self.at = 0
        """Sessions of the audience before this one have it."""
        self.early: set[int] = set()
        """Those behind it that have it already."""

    @property
    def begun(self) -> bool:
        return bool(self.at or self.early)


class Lane:
    """What is on its way to one audience."""

    __slots__ = ("_places", "audience", "pushes")

    def __init__(self, audience: Sequence[int]) -> None:
        self.audience = audience
        self.pushes: deque[Large] = deque()
        self._places: dict[int, int] = {}

    @property
    def places(self) -> dict[int, int]:
        """Where each session stands in the audience; made when it is first asked for (1.5 ms for 20,000)."""
        if not self._places:
            self._places = dict(zip(self.audience, range(len(self.audience)), strict=True))
        return self._places


class Lanes:
    """Of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.open: dict[int, Lane] = {}
        """Those something is in, by the identity of the audience; the one whose turn it is comes first."""
        self._newest: Large | None = None
        self._number = 0

    def add(self, post: Post) -> None:
        newest = self._newest
        if newest is not None and not newest.begun and newest.take(post):
            return
        self._number += 1
        self._newest = Large(self._table, post, self._number)
        lane = self.open.get(id(post.sessions))
        if lane is None:
            lane = self.open[id(post.sessions)] = Lane(post.sessions)
        lane.pushes.append(self._newest)

    def catch_up(self, sessions: Iterable[int], level: int, before: float = math.inf) -> None:
        """Bring to these sessions what is on its way to them, of all that was `add`ed before that number."""
        due: list[tuple[int, Large, int]] = []
        for lane in self.open.values():
            places = lane.places
            for session in places.keys() & sessions:
                place = places[session]
                for push in lane.pushes:
                    if push.number >= before:
                        break
                    if place >= push.at and session not in push.early and session != push.post.skip:
                        due.append((push.number, push, session))
        due.sort(key=lambda each: each[0])
        for _, push, session in due:
            push.early.add(session)
            push.put((session,), level)

    def advance(self, ends: float) -> None:
        """A slice of each in turn until the clock says `ends`; at least one."""
        lanes = self.open
        while lanes:
            key = next(iter(lanes))
            lane = lanes.pop(key)
            self._advance(lane)
            if lane.pushes:
                lanes[key] = lane
            if clock() >= ends:
                return

    def _advance(self, lane: Lane) -> None:
        push = lane.pushes[0]
        sessions = lane.audience[push.at : push.at + SLICE]
        push.at += SLICE
        if self.open:  # other audiences may have some of these sessions
            self.catch_up(sessions, LATER, push.number)
        if push.early:
            sessions = [session for session in sessions if session not in push.early]
        push.put(sessions, LATER)
        if push.at >= len(lane.audience):
            lane.pushes.popleft()
