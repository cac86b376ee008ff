"""The writer: applies durable commits to one store in the background.

A commit is submitted when it is on the journal, so nobody waits for the store: batches may be large, a store may be away
for hours. In memory a bounded part of the commits is pending; what comes behind it is a range of numbers, read back from
the journal when its turn comes. A batch is written with its position in one transaction, and only then the tail drops
its rows and the journal its segments (`broker.persistence.targets`): a commit is always in at least one of the two.
A commit of SQLite has the disk for some ms and holds up the journal's meanwhile, so few and large batches are better (one
every 0.1 s: the journal's 99th percentile is 6 times its median under load; every 0.25 s: 3.9 times).
An error of the store is waited out for ever, with growing pauses. Trims run between batches, a slice at a time.

Everything here but the bodies of the worker threads runs on the Trio thread.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec
import trio

from broker.hub.rows import Image
from broker.persistence.images import decode, starts_trim, weigh
from broker.persistence.killpoints import reached
from broker.persistence.store import Store, StoreUnavailable

log = logging.getLogger(__name__)

BATCH_IMAGES = 10_000
"""About 60 ms of SQLite; larger batches write no faster (measured)."""
BATCH_BYTES = 16 * 1_048_576
PENDING_BYTES = 64 * 1_048_576
"""Of images waiting in memory. Most rows are the tail's too, so this is not on top of its budget."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
TRIM_PAUSE_SECONDS = 0.02


class Journal(Protocol):
    """What is needed of `broker.persistence.journal.Journal`."""

    def read(self, first: int, last: int) -> Iterator[tuple[int, bytes]]: ...

    def release(self, applied: int) -> None: ...


class Pending(msgspec.Struct, gc=False):
    commit: int
    images: Sequence[Image]
    size: int
    since: float


class WriterStatistics(msgspec.Struct, frozen=True):
    """`lag` and `lag_seconds`: commits submitted and not applied, and the age of the oldest. `pending_bytes`: of those that
    wait in memory. `last_error` is "" while the store answers."""

    applied: int
    lag: int
    lag_seconds: float
    pending_bytes: int
    batches: int
    images: int
    failures: int
    quarantined: int
    trims_left: bool
    last_error: str

    def figures(self) -> dict[str, float]:
        """For metrics, by what follows the name of the store."""
        return {
            "position": self.applied,
            "lag_commits": self.lag,
            "lag_seconds": self.lag_seconds,
            "pending_bytes": self.pending_bytes,
            "batches_total": self.batches,
            "failures_total": self.failures,
            "quarantined_rows": self.quarantined,
            "available": not self.last_error,
        }


class Writer:
    def __init__(
        self, store: Store, journal: Journal, applied: Callable[[], Awaitable[int]], *, write_seconds: float
    ) -> None:
        """`applied` is called on the Trio thread whenever the store has more, and gives the commit up to which the journal
        may forget."""
        self.store = store
        self._journal = journal
        self._told_applied = applied
        self._write_seconds = write_seconds
        self.applied = store.position
        """The newest commit that is durable in the store."""
        self._submitted = self.applied
        self._pending: deque[Pending] = deque()
        self._pending_bytes = 0
        self._on_journal_since = 0.0
        self._work = trio.Event()
        self._hurry = trio.Event()
        self._caught_up = trio.Event()
        self._reading = trio.CapacityLimiter(1)
        self._moved = trio.Event()
        self._trims_left = True
        """The store knows what a last run has left to remove."""
        self._sends_before = 0
        self._failures = self._failures_in_a_row = self._batches = self._images = 0
        self._last_error = ""

    def submit(self, commit: int, images: Sequence[Image], size: int = 0) -> None:
        """Take a commit that is durable, or was recovered. In order, without a hole. `size`: bytes of its body, if known."""
        if commit != self._submitted + 1:
            raise ValueError(f"commit {commit} was submitted after {self._submitted}")
        size = size or weigh(images)
        if not self._on_journal and self._pending_bytes + size <= PENDING_BYTES:
            self._pending.append(Pending(commit, images, size, now()))
            self._pending_bytes += size
        elif not self._on_journal:
            self._on_journal_since = now()
        self._submitted = commit
        if not self._work.is_set():
            self._work.set()

    def forget_sends(self, before: int) -> None:
        """Have the store remove what it remembers of sends of messages with an id below `before`, once."""
        self._sends_before = before
        self._trims_left = True
        self._work.set()

    @property
    def _on_journal(self) -> int:
        """How many commits wait behind the pending ones, on the journal only."""
        return self._submitted - (self._pending[-1].commit if self._pending else self.applied)

    def statistics(self) -> WriterStatistics:
        lag = self._submitted - self.applied
        since = self._pending[0].since if self._pending else self._on_journal_since
        return WriterStatistics(
            applied=self.applied,
            lag=lag,
            lag_seconds=now() - since if lag else 0.0,
            pending_bytes=self._pending_bytes,
            batches=self._batches,
            images=self._images,
            failures=self._failures,
            quarantined=self.store.quarantined,
            trims_left=self._trims_left,
            last_error=self._last_error,
        )

    # Writing -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Apply commits until cancelled. A batch under way is finished first."""
        while True:
            if self._submitted == self.applied and not self._trims_left:
                self._work = trio.Event()
                await self._work.wait()
            behind = self._submitted > self.applied  # what comes in during the pause gathers like any other
            if not behind:
                await self._pause(TRIM_PAUSE_SECONDS)
            elif self._pending_bytes < BATCH_BYTES and not self._on_journal:
                await self._pause(self._write_seconds)
            try:
                await self._step(behind)
            except (StoreUnavailable, OSError) as error:
                await self._wait_out(error)
            except Exception as error:  # a commit must not be lost to a bug: it is loud, and tried again
                log.exception("writer: %s: commit %s cannot be applied", self.store.name, self.applied + 1)
                await self._wait_out(error)

    async def _step(self, behind: bool) -> None:
        """One batch, if there is one, then one slice of trims."""
        if behind:
            batch = self._gather()
            images, position, trims = await trio.to_thread.run_sync(self._newest, batch, limiter=self._reading)
            found = await self.store.write(images, position)
            self._trims_left |= trims
            self._finish(found, len(images) if found == position else 0)
            await trio.to_thread.run_sync(self._release, await self._told_applied(), limiter=self._reading)
            self._answered()
            if self._submitted == self.applied:
                self._caught_up.set()
        if self._trims_left:
            before = self._sends_before
            left = await self.store.trim(before)
            if not left and before == self._sends_before:
                self._sends_before = 0
            self._trims_left = left or bool(self._sends_before)
            self._answered()

    def _answered(self) -> None:
        if self._last_error:
            log.warning("writer: %s answers again, %s commits behind", self.store.name, self._submitted - self.applied)
        self._last_error = ""
        self._failures_in_a_row = 0

    def _gather(self) -> list[Pending]:
        """The next pending commits, about BATCH_IMAGES images; empty if they are on the journal."""
        batch: list[Pending] = []
        images = size = 0
        for pending in self._pending:
            images += len(pending.images)
            size += pending.size
            if batch and (images > BATCH_IMAGES or size > BATCH_BYTES):
                break
            batch.append(pending)
        return batch

    def _newest(self, batch: list[Pending]) -> tuple[list[Image], int, bool]:
        """In a worker thread. The newest image of each key, the commit they lead to, and whether there will be something to
        trim; an empty batch is read from the journal."""
        newest: dict[tuple[str, str, tuple[Any, ...]], Image] = {}
        position, size = self.applied, 0
        for pending in batch:
            for image in pending.images:
                newest[image.app, image.table, image.key] = image
            position = pending.commit
        for commit, body in self._journal.read(position + 1, self._submitted) if not batch else ():
            for image in decode(body):
                newest[image.app, image.table, image.key] = image
            position = commit
            size += len(body)
            if len(newest) >= BATCH_IMAGES or size > BATCH_BYTES:
                break
        images = list(newest.values())
        return images, position, any(map(starts_trim, images))

    def _release(self, applied: int) -> None:
        """In a worker thread."""
        reached("after_sql_commit_before_truncate")
        try:
            self._journal.release(applied)
        except OSError as error:
            log.error("writer: segments up to commit %s cannot be deleted: %s", applied, error)

    def _finish(self, position: int, images: int) -> None:
        while self._pending and self._pending[0].commit <= position:
            self._pending_bytes -= self._pending.popleft().size
        self.applied = position
        self._batches += 1
        self._images += images
        self._moved.set()
        self._moved = trio.Event()

    async def reach(self, commit: int) -> None:
        """Return when that commit is applied."""
        while self.applied < commit:
            await self._moved.wait()

    async def _pause(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._hurry.wait()

    async def _wait_out(self, error: Exception) -> None:
        self._failures += 1
        seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures_in_a_row, 20))
        self._failures_in_a_row += 1
        self._last_error = f"{type(error).__name__}: {error}"
        log.error("writer: %s; again in about %.1f s, %s commits wait", error, seconds, self._submitted - self.applied)
        # With jitter, as several brokers may stand before one database server.
        await trio.sleep(seconds * random.uniform(0.5, 1.0))

    def hurry(self) -> None:
        """Gather no more: the end is near."""
        self._hurry.set()

    async def drain(self, deadline: float) -> int:
        """Apply what is pending, until `deadline` (of `trio.current_time`). How many commits are left; they stay in the
        journal. `run` must be running, and is to be cancelled afterwards."""
        self.hurry()
        with trio.move_on_at(deadline):
            while self._submitted > self.applied:
                self._caught_up = trio.Event()
                await self._caught_up.wait()
        return self._submitted - self.applied


def now() -> float:
    """Monotonic seconds; also before `trio.run`, when recovered commits are submitted."""
    return time.monotonic()
