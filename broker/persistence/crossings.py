"""Fetches of a store that blocks, made in threads: those that have waited for a thread go in one crossing together.

The law: a fetch gets the rows, or the error, of its own keys, whoever went with it; the first that asked is the first to go.
To hand work to a thread and its outcome back costs 200 us, a fetch itself 30: when thousands come back at once and each says
something, their first messages all want to know what these users have sent before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import trio

from broker.hub.recent import FetchedRow, Key

TOGETHER = 32
"""At most: whoever asks for a page waits no longer than for so many others."""


class Fetching(Protocol):
    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]: ...


class Asked:
    __slots__ = ("app", "error", "keys", "rows", "taken")

    def __init__(self, app: str, keys: Sequence[Key]) -> None:
        self.app = app
        self.keys = keys
        self.taken = False
        self.rows: list[FetchedRow] | None = None
        self.error: Exception | None = None

    @property
    def answered(self) -> bool:
        return self.rows is not None or self.error is not None


class Crossings:
    """To one store, `most` at a time."""

    def __init__(self, store: Fetching, most: int) -> None:
        self._store = store
        self._turns = trio.Semaphore(most)
        self._threads = trio.CapacityLimiter(most)
        self._waiting: deque[Asked] = deque()
        self._landed = trio.Event()
        """Of the next crossing that lands."""

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """What the store's own gives or raises."""
        asked = Asked(app, keys)
        self._waiting.append(asked)
        while not asked.answered:
            if asked.taken:
                await self._landed.wait()
                continue
            async with self._turns:
                if not asked.taken:
                    await self._cross()
        if asked.error is not None:
            raise asked.error
        assert asked.rows is not None
        return asked.rows

    async def _cross(self) -> None:
        together = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
        for each in together:
            each.taken = True
        try:
            await trio.to_thread.run_sync(self._fetch, together, limiter=self._threads)
        finally:
            for each in reversed(together):
                if not each.answered:  # who would have crossed with them is cancelled
                    each.taken = False
                    self._waiting.appendleft(each)
            self._landed.set()
            self._landed = trio.Event()

    def _fetch(self, together: Sequence[Asked]) -> None:
        for each in together:
            try:
                each.rows = self._store.fetch(each.app, each.keys)
            except Exception as error:  # theirs, and raised to them
                each.error = error
