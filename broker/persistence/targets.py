"""The targets of durable commits: `parley.db`, and behind it PostgreSQL if configured (DESIGN 2.3).

Each has its writer and its position. The tail lets go of a message when the store that keeps messages has it, the journal
of a segment when every target has it. Rows are fetched from the tail, the journal behind it and, only for what these two do
not hold completely, from the store: so a store that is away is missed by nobody but who reads what only it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import trio

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, PatchesKey, SendsKey
from broker.hub.rows import Image
from broker.persistence.images import decode
from broker.persistence.segment import JournalDamaged
from broker.persistence.store import FETCHES, Store, StoreUnavailable, belongs
from broker.persistence.tail import Tail, merge
from broker.persistence.writer import Journal, Writer
from protocol.records import Message

DROPPED_ROWS = 500
"""About 0.4 ms: between so many of those that a batch has brought to the store, sockets are served."""


class Targets:
    """`tails` is the broker's live mapping of app id to tail."""

    def __init__(
        self, journal: Journal, tails: Mapping[str, Tail], local: Store, remote: Store | None, *, write_seconds: float
    ) -> None:
        self._journal = journal
        self._tails = tails
        self.local = Writer(local, journal, self._applied, write_seconds=write_seconds)
        self.writers = [self.local]
        if remote is not None:
            self.writers.append(Writer(remote, journal, self._applied, write_seconds=write_seconds))
        self._keeper = self.writers[-1]
        """Its store keeps messages and patches. Sends are always in the local one: no login waits for PostgreSQL."""
        self._reading = trio.CapacityLimiter(FETCHES)

    @property
    def applied(self) -> int:
        """The newest commit that every target has."""
        return min(writer.applied for writer in self.writers)

    @property
    def lag(self) -> int:
        """How many commits the target that is furthest behind has still to be given."""
        return max(writer.statistics().lag for writer in self.writers)

    def submit(self, commit: int, images: Sequence[Image], size: int = 0) -> None:
        """Take a commit that is durable, or was recovered; a target that has it already passes it over."""
        for writer in self.writers:
            if commit > writer.applied:
                writer.submit(commit, images, size)

    def forget_sends(self, before: int) -> None:
        """Remove the remembered sends of messages with an id below `before` from every store, in their own time."""
        for writer in self.writers:
            writer.forget_sends(before)

    async def _applied(self) -> int:
        for tail in list(self._tails.values()):
            tail.sends_applied(self.local.applied)
            while tail.applied(self._keeper.applied, DROPPED_ROWS):
                await trio.lowlevel.checkpoint()
        return self.applied

    async def drain(self, deadline: float) -> int:
        """As the writers'. The most commits any of them has left."""
        for writer in self.writers:
            writer.hurry()
        return max([await writer.drain(deadline) for writer in self.writers])

    async def fetch(self, app: str, tail: Tail, keys: Sequence[Key]) -> list[FetchedRow]:
        """The rows for the keys, from tail, journal and store, merged. StoreUnavailable."""
        applied = self._keeper.applied
        rows = tail.copy(keys)
        commits = tail.commits_for(keys)
        released = False
        if commits:  # before the store: what is released between the two is in the store
            read, released = await trio.to_thread.run_sync(self._read, app, commits, limiter=self._reading)
            rows = merge(keys, rows, read)
        others: list[FetchedRow] = []
        missing = [key for key in keys if released or not is_whole(key, rows, applied)]
        sends: list[Key] = [key for key in missing if isinstance(key, SendsKey)]
        kept: list[Key] = [key for key in missing if not isinstance(key, SendsKey)]
        if sends:
            others += await self.local.store.fetch(app, sends)
        if kept:
            others += await self._keeper.store.fetch(app, kept)
        return merge(keys, rows, others)

    def _read(self, app: str, commits: Sequence[int]) -> tuple[list[FetchedRow], bool]:
        """In a worker thread. The rows of the commits, and whether the journal has forgotten some of these meanwhile."""
        rows: list[FetchedRow] = []
        released = False
        for commit in commits:
            try:
                for _, body in self._journal.read(commit, commit):
                    rows.extend(image.row for image in decode(body) if image.app == app and image.row is not None)
            except LookupError:
                released = True
            except (OSError, JournalDamaged) as error:
                raise StoreUnavailable(f"commit {commit} cannot be read back: {error}") from error
        return rows, released


def is_whole(key: Key, rows: Iterable[FetchedRow], applied: int) -> bool:
    """Whether the store could add nothing to the rows that tail and journal had, when it had applied that commit. Rows
    are newer than the store's, so a message that was found is the newest there is."""
    found = [row for row in rows if belongs(row, key)]
    if isinstance(key, MessagesKey):
        return len({row.seq for row in found if isinstance(row, Message)}) == key.hi - key.lo + 1
    if isinstance(key, MessageKey):
        return bool(found)
    # What the store has happened in commits it has applied, before what is found.
    return isinstance(key, PatchesKey) and (key.since >= applied or (key.last and len(found) >= key.limit))
