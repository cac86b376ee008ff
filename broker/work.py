"""The tasks that do the dispatcher's jobs: fetches from the store, comparisons of passwords (DESIGN 5).

Both are bounded in number and in time, and both answer through the reactor, so a hub is only ever touched in a turn.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import argon2
import trio

from broker.gateway.reactor import Reactor
from broker.hub.decision import Found
from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key
from broker.jobs import Compare, Errand, Fetch, Job
from broker.persistence.store import StoreUnavailable, belongs
from broker.persistence.tail import Tail
from broker.persistence.targets import Targets
from protocol.commands import Command, Reply
from protocol.errors import Reason, Refused

log = logging.getLogger("parley.work")

FETCHERS = 64
"""At a time: those that wait for the same store go to it together (`broker.persistence.crossings`)."""
WAITING_FETCHES = 20_000
"""As many as there may be sessions: after a restart each of them has one fetch to make before its first message."""
QUIET_SECONDS = 1.0
ERRANDS = 4
"""So that a backup keeps nobody from asking how far it all is."""
WAITING_ERRANDS = 16
COMPARERS = 2
"""One comparison is 19 MiB and some 30 ms of a core; two at a time leave the reactor its own."""
WAITING_COMPARISONS = 200
COMPARE_SECONDS = 5.0
HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Work:
    """`start` is what the dispatcher calls; `fetch` and `compare` are tasks of the service nursery."""

    def __init__(self, targets: Targets, tails: dict[str, Tail]) -> None:
        self._targets = targets
        self._tails = tails
        self._fetches, self._to_fetch = trio.open_memory_channel[Fetch](WAITING_FETCHES)
        self._quiet_until = 0.0
        self._errands, self._to_run = trio.open_memory_channel[Errand](WAITING_ERRANDS)
        self._comparisons, self._to_compare = trio.open_memory_channel[tuple[Compare, float]](WAITING_COMPARISONS)

    def start(self, job: Job) -> bool:
        """Take a job, False if too many wait."""
        try:
            if isinstance(job, Fetch):
                self._fetches.send_nowait(job)
            elif isinstance(job, Errand):
                self._errands.send_nowait(job)
            else:
                self._comparisons.send_nowait((job, trio.current_time() + COMPARE_SECONDS))
        except trio.WouldBlock:
            return False
        return True

    async def rows(self, hub: Hub, keys: Sequence[Key]) -> list[FetchedRow]:
        """What store and tail hold for the keys. StoreUnavailable."""
        app = hub.app.id
        try:
            return await self._targets.fetch(app, self._tails[app], keys)
        except StoreUnavailable:
            raise
        except Exception as error:  # rows that others may have touched end nothing but the command that wants them
            log.exception("rows cannot be read app=%s keys=%s", app, keys)
            raise StoreUnavailable("rows cannot be read") from error

    async def fetch(self, reactor: Reactor) -> None:
        """One of FETCHERS."""
        async for job in self._to_fetch:
            found: Found | None
            try:
                rows = await self.rows(job.hub, job.keys)
                if len(job.keys) == 1:
                    found = {job.keys[0]: rows}
                else:
                    found = {key: [row for row in rows if belongs(row, key)] for key in job.keys}
            except StoreUnavailable as error:
                if trio.current_time() >= self._quiet_until:  # a store may be away for hours, and everybody asks
                    self._quiet_until = trio.current_time() + QUIET_SECONDS
                    log.warning("store cannot answer app=%s error=%s", job.hub.app.id, error)
                found = None
            reactor.call(partial(job.done, found))

    async def run_errands(self, reactor: Reactor, run: Callable[[Command], Awaitable[Reply]]) -> None:
        """One of ERRANDS."""
        async for job in self._to_run:
            outcome: Reply | Refused
            try:
                outcome = await run(job.command)
            except Refused as refused:
                outcome = refused
            except Exception:  # a bug in it ends this errand alone
                log.exception("errand failed command=%s", type(job.command).__name__)
                outcome = Refused(Reason.INTERNAL, "something went wrong here; the log has it")
            reactor.call(partial(job.done, outcome))

    async def compare(self, reactor: Reactor) -> None:
        """One of COMPARERS."""
        async for job, deadline in self._to_compare:
            fits: bool | None = None
            if trio.current_time() < deadline:
                fits = await trio.to_thread.run_sync(verify, job.hash, job.password)
            reactor.call(partial(job.done, fits))


def verify(hash: str, password: str) -> bool:
    """Whether the password is the one the argon2id hash was made of. In a worker thread."""
    try:
        return HASHER.verify(hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
