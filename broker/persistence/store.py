"""The Store seam: what the writer asks of a database behind the journal.

Six methods, all of plain values, all blocking: the writer calls them from a worker thread, one write or trim at a time,
while fetches come from other threads beside it. What was written is newest image per key, with the position in the same
transaction, so that writing a commit again changes nothing and none is ever skipped.
Implemented by `broker.persistence.sqlite`; used by `broker.persistence.writer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import Image, SendRow
from protocol.records import Message, PatchRecord

SLICE = 1_000
"""Rows a trim removes at most before others may write (DESIGN 2.3)."""


class StoreUnavailable(Exception):
    """The store cannot answer now; the same call may succeed later, and nothing was changed by this one."""


class StoreRefused(Exception):
    """The store must not be used by this program at all. The text is for the operator."""


class Store(Protocol):
    @property
    def position(self) -> int:
        """The newest commit that is applied and durable in the store; 0 in a new one."""

    @property
    def quarantined(self) -> int:
        """How many rows the store refused and keeps aside."""

    def write(self, images: Sequence[Image], position: int) -> None:
        """Apply images, at most one a key, and the position in one durable transaction. StoreUnavailable."""

    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """The rows of that app the keys name, in no particular order. StoreUnavailable."""

    def trim(self) -> bool:
        """Remove one slice of what lies behind a floor or in a deleted conversation. False: nothing is left to remove.
        StoreUnavailable."""

    def close(self) -> None:
        """Nothing may be called after it."""


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
