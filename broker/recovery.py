"""A start: everything memory holds, from local files only (DESIGN 2.3).

First the tables of `parley.db`, then the journal's commits that it has not applied yet, in order, through the same `apply`
as in service; of commits that only PostgreSQL still has to be given, what the tail holds. What comes out is what was
acknowledged before, and the greatest id ever given out.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from broker.apps import Apps
from broker.hub.hub import Hub
from broker.hub.loading import Loading
from broker.hub.rows import TABLES, Image, decode_message
from broker.persistence.cut import cut as cut_journal
from broker.persistence.images import UnreadableCommit, decode
from broker.persistence.journal import Journal, JournalDamaged
from broker.persistence.killpoints import reached
from broker.persistence.remote import known, open_remote
from broker.persistence.segment import JournalRefused
from broker.persistence.sqlite import SqliteStore, open_store
from broker.persistence.store import InThreads
from broker.persistence.tail import Budget, Tail
from broker.persistence.targets import Targets
from broker.settings import Settings
from protocol.apps import App
from protocol.commands import RefusedRow
from protocol.ids import Mint, first_at, time_of

if TYPE_CHECKING:
    from broker.persistence.postgres.store import PostgresStore

log = logging.getLogger("parley.recovery")

BEHIND_MS = 3_600_000
"""A wall clock so far behind the newest id is a mistake to be corrected before ids are made by it."""
SHOWN = 1_000
"""Rows in quarantine that are listed; the rest is counted."""
AFTER_MS = 1_000
"""Ids continue so far after the greatest one found."""
ROWS_A_WORD, COMMITS_A_WORD, WORD_SECONDS = 100_000, 2_000, 30.0
"""How often a start says how far it is: either takes seconds on the slowest disk, and a start that hangs is noticed."""
Told = Callable[[str, float], object]


class ClockBehind(Exception):
    """The wall clock is more than an hour behind what is stored. The text is for the operator."""


class Recovered(msgspec.Struct):
    """What a start has made. `position` is the newest commit on disk."""

    store: SqliteStore
    remote: PostgresStore | None
    journal: Journal
    targets: Targets
    apps: Apps
    tails: dict[str, Tail]
    mint: Mint
    position: int
    seconds: float


def recover(
    data: Path,
    settings: Settings,
    *,
    accept_clock: bool,
    wall_ms: int,
    told: Told = lambda status, seconds: None,
) -> Recovered:
    """Open the data directory and load it. `told` hears now and then how far it is, and within how many seconds it will be
    told again. JournalDamaged, JournalRefused, StoreRefused, StoreUnavailable, ClockBehind, OSError."""
    began = time.monotonic()
    gc.disable()  # millions of rows are made and none is garbage: collecting them again and again is half of a start
    try:
        store = open_store(data / "parley.db")
        remote = open_remote(store, settings.store)
        journal = Journal(data / "journal", segment_bytes=settings.store.segment_bytes)
        tails: dict[str, Tail] = {}
        budget = Budget(settings.store.tail_bytes)
        mint = Mint()
        epoch = store.epoch

        def make_hub(app: App) -> Hub:
            tail = tails[app.id] = Tail(budget)
            return Hub(app, tail, mint, epoch)

        apps = Apps(make_hub)
        seconds = settings.store.write_seconds
        targets = Targets(journal, tails, InThreads(store, "parley.db"), remote, write_seconds=seconds)
        rows = _load(store, apps, told)
        position, commits = _replay(journal, store.position, apps, targets, told)
        mint.last = _largest(store, apps)
        _check_clock(mint.last, wall_ms, accept_clock)
    finally:
        gc.enable()
    gc.freeze()
    seconds = time.monotonic() - began
    log.info("recovered rows=%d commits=%d position=%d seconds=%.2f", rows, commits, position, seconds)
    return Recovered(store, remote, journal, targets, apps, tails, mint, position, seconds)


def _load(store: SqliteStore, apps: Apps, told: Told) -> int:
    count = 0
    for _, row in store.load("apps"):
        apps.load(row)
    loadings = {name: Loading(hub.tables) for name, hub in apps.hubs.items()}
    for table in TABLES.values():
        if not table.in_memory or table.name == "apps":
            continue
        for app, rows in store.load_many(table.name):
            if count // ROWS_A_WORD < (count + len(rows)) // ROWS_A_WORD:
                told(f"loading, {count} rows so far", WORD_SECONDS)
            count += len(rows)
            loadings[app].load(table.name, rows)
    return count


def _replay(journal: Journal, stored: int, apps: Apps, targets: Targets, told: Told) -> tuple[int, int]:
    """The newest commit there is, and how many were replayed. `stored`: what the tables have."""
    first = position = targets.applied
    count = 0
    for number, body, images in _commits(journal, position):
        for image in images:
            if number > stored or not TABLES[image.table].in_memory:
                apply(apps, image, number)
        targets.submit(number, images, len(body))
        position, count = number, count + 1
        reached("during_replay")
        if count % COMMITS_A_WORD == 0:
            told(f"replaying, {count} commits so far", WORD_SECONDS)
    journal.check_reaches(stored, first)
    return max(position, stored), count


def _commits(journal: Journal, position: int) -> Iterator[tuple[int, bytes, list[Image]]]:
    """(number, body, images) of the commits above `position`. JournalDamaged, JournalRefused."""
    for number, body in journal.recover(position):
        try:
            yield number, body, decode(body)
        except UnreadableCommit as error:
            raise JournalRefused(f"commit {number} of the journal: {error}") from error


def apply(apps: Apps, image: Image, commit: int) -> None:
    if image.table == "apps":
        assert image.row is not None
        apps.load(image.row)
    else:
        apps.hubs[image.app].tables.apply(image, commit)


def _largest(store: SqliteStore, apps: Apps) -> int:
    """The greatest id in store and journal (which has gone through the heads), and a second more."""
    largest = store.largest_id()
    for hub in apps.hubs.values():
        tables = hub.tables
        largest = max(largest, max(tables.conversations, default=0), max(tables.graves, default=0))
        largest = max(largest, max((mark.record for mark in tables.class_marks.values()), default=0))
        for head in tables.heads.values():
            if head.last and head.changed > store.position:
                largest = max(largest, decode_message(head.last).id)
    return first_at(time_of(largest) + AFTER_MS) if largest else 0


def _check_clock(largest: int, wall_ms: int, accept: bool) -> None:
    if largest and wall_ms < time_of(largest) - BEHIND_MS and not accept:
        hours = (time_of(largest) - wall_ms) / 3_600_000
        raise ClockBehind(
            f"this machine's clock is {hours:.1f} hours behind the newest message; set the clock, or start with "
            "--accept-clock if the clock is right and the data is not"
        )


def check(data: Path, settings: Settings, *, cut: bool, now_ms: int) -> list[str]:
    """`parley doctor`: read the whole journal, and say what was found, a line for each row in quarantine and one for the
    journal. With `cut`, a damaged journal is replaced by what can be read of it, and clients start their sync anew.
    JournalDamaged without."""
    folder, segment_bytes = data / "journal", settings.store.segment_bytes
    store = open_store(data / "parley.db")
    try:
        remote = known(store)
        position = store.position if remote is None else min(store.position, remote.applied)
        rows = [RefusedRow("sqlite", *row).line(now_ms) for row in store.refused(SHOWN)]
        try:
            journal = Journal(folder, segment_bytes=segment_bytes)
            commits = sum(1 for _ in _commits(journal, position))
            journal.check_reaches(store.position, position)
        except JournalDamaged:
            if not cut:
                raise
            done = cut_journal(folder, after=position, fill=store.position, segment_bytes=segment_bytes)
            store.renew_epoch()
            return [
                *rows,
                f"journal: cut; {done.kept} commits kept up to {done.newest}, {done.lost} readable ones behind the damage "
                f"lost; the old journal is {done.damaged}",
            ]
        sound = f"journal: sound, {commits} commits behind the store's {position}"
        behind = f"; PostgreSQL has been given {remote.applied} of {store.position}" if remote else ""
        return [*rows, f"{sound}; store: {store.quarantined} rows in quarantine{behind}"]
    finally:
        store.close()
