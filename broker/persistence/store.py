"""The Store seam: what the writer asks of a database behind the journal.

Of plain values; one write or trim at a time, fetches beside it. What was written is newest image per key, with the position
in the same transaction, so that writing a commit again changes nothing and none is ever skipped.
Implemented by `broker.persistence.postgres`, and by `InThreads` for `broker.persistence.sqlite`, whose calls block; used by
`broker.persistence.writer` and `targets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import Image, SendRow
from broker.persistence.crossings import Crossings
from protocol.records import Message, PatchRecord

SLICE = 1_000
"""Rows a trim removes at most before others may write (DESIGN 2.3)."""
FETCHES = 4
"""At a time: more only wait for one another at the store's readers and the interpreter."""


class StoreUnavailable(Exception):
    """The store cannot answer now; the same call may succeed later, and nothing was changed by this one."""


class StoreRefused(StoreUnavailable):
    """The store must not be used by this program until somebody does something. The text is for the operator."""


class Store(Protocol):
    @property
    def name(self) -> str:
        """For logs; holds no secret."""

    @property
    def position(self) -> int:
        """The newest commit that is known to be applied and durable in the store; 0 in a new one."""

    @property
    def quarantined(self) -> int:
        """How many rows the store refused and keeps aside."""

    async def write(self, images: Sequence[Image], position: int) -> int:
        """Apply images, at most one a key, and the position in one durable transaction. The store's position after it:
        if that is another one, the store was found to be there already, and nothing was written. StoreUnavailable."""

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """The rows of that app the keys name, in no particular order. StoreUnavailable."""

    async def trim(self, sends_before: int = 0) -> bool:
        """Remove one slice of what lies behind a floor or in a deleted conversation, or is a send of a message with an id
        below `sends_before`. False: nothing is left to remove. StoreUnavailable."""


class BlockingStore(Protocol):
    """A store in a file: the same calls, made from any thread."""

    @property
    def position(self) -> int: ...
    @property
    def quarantined(self) -> int: ...
    def write(self, images: Sequence[Image], position: int) -> None: ...
    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]: ...
    def trim(self, sends_before: int) -> bool: ...


class InThreads:
    """A blocking store as a Store. What is under way in a thread is finished whatever is cancelled."""

    def __init__(self, store: BlockingStore, name: str) -> None:
        self.name = name
        self._store = store
        self._writing = trio.CapacityLimiter(1)
        self._crossings = Crossings(store, FETCHES)

    @property
    def position(self) -> int:
        return self._store.position

    @property
    def quarantined(self) -> int:
        return self._store.quarantined

    async def write(self, images: Sequence[Image], position: int) -> int:
        await trio.to_thread.run_sync(self._store.write, images, position, limiter=self._writing)
        return position

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        return await self._crossings.fetch(app, keys)

    async def trim(self, sends_before: int = 0) -> bool:
        return await trio.to_thread.run_sync(self._store.trim, sends_before, limiter=self._writing)


def belongs(row: object, key: Key) -> bool:
    """Whether a row is one the key names. (`limit` of PatchesKey is about the answer, not about a row.)"""
    if isinstance(row, Message):
        if isinstance(key, MessagesKey):
            return row.conversation == key.conversation and key.lo <= row.seq <= key.hi
        if isinstance(key, OldKey):
            return row.conversation == key.conversation and row.old_id == key.old_id
        return isinstance(key, MessageKey) and row.id == key.message
    if isinstance(row, PatchRecord):
        return isinstance(key, PatchesKey) and row.conversation == key.conversation and row.changed > key.since
    if isinstance(row, SendRow):
        return isinstance(key, SendsKey) and (row.user, row.device) == (key.user, key.device)
    return False
