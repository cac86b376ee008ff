"""Watching something of the broker that goes on: one look a second, shared by all who watch the same.

The law: however many watch a key, the broker is asked once a second, and while nobody does not at all. Whoever's turn it is
first looks for all; if he leaves in the middle, the next one does. So there is no task that runs for nobody, and nothing to
start or to stop. Watchers are bounded, and so is what is kept of a key, which is gone with its last watcher.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from typing import Any, TypeVar

import trio

from protocol.errors import Reason, Refused

T = TypeVar("T")

EVERY_SECONDS = 1.0
WATCHERS = 128


class Place:
    """What is known of one key."""

    __slots__ = ("fault", "found", "lock", "tick", "watchers")

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.tick = -1
        self.found: Any = None
        self.fault: Refused | None = None
        self.watchers = 0


class Shared:
    def __init__(self, *, every_seconds: float = EVERY_SECONDS, most: int = WATCHERS) -> None:
        self._every = every_seconds
        self._most = most
        self._places: dict[Hashable, Place] = {}
        self._watchers = 0
        self._ended = trio.Event()

    async def watch(self, key: Hashable, poll: Callable[[T | None], Awaitable[T]]) -> AsyncGenerator[T | Refused, None]:
        """What `poll` finds, given what it found last; now, and then once a second. In its place the refusal while there is
        one. OVERLOADED if too many watch."""
        if self._watchers >= self._most:
            raise Refused(Reason.OVERLOADED, f"{self._most} pages are kept up to date already.", retry_after_ms=10_000)
        place = self._places.setdefault(key, Place())
        place.watchers += 1
        self._watchers += 1
        try:
            while not self._ended.is_set():
                tick = math.floor(trio.current_time() / self._every)
                async with place.lock:
                    if place.tick < tick:
                        try:
                            place.found, place.fault = await poll(place.found), None
                        except Refused as refused:
                            place.fault = refused
                        place.tick = tick
                yield place.found if place.fault is None else place.fault
                with trio.move_on_at((tick + 1) * self._every):
                    await self._ended.wait()
        finally:
            self._watchers -= 1
            place.watchers -= 1
            if not place.watchers:
                del self._places[key]

    def end(self) -> None:
        """Nobody watches any more: this program is told to stop."""
        self._ended.set()
