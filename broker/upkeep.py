"""What the operator asks of the broker as a whole: how far it has come, what a store refused, a copy of the data.

A backup is one SQLite file that holds everything as of one commit: the writer is waited for until SQLite has all that was
durable when the backup was asked for, then SQLite copies itself beside readers and writers. It gets its name only when it is
whole and on disk, and never another file's. It holds keys and password hashes, so only its owner may read it.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from broker.commits import Commits
from broker.persistence.segment import sync_folder
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import StoreUnavailable
from broker.persistence.writer import Writer
from protocol.commands import (
    BackedUp,
    Backup,
    Command,
    ListQuarantine,
    Quarantine,
    RefusedRow,
    Reply,
    Target,
    Watermark,
    WatermarkReport,
)
from protocol.errors import Reason, Refused

if TYPE_CHECKING:
    from broker.persistence.postgres.store import PostgresStore

CATCH_UP_SECONDS = 600.0
"""A store that does not come that far in this time is in trouble."""
ELSEWHERE = "The broker writes the file itself, as its own user: name one in its data directory, then copy it elsewhere."
SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Upkeep:
    def __init__(
        self, store: SqliteStore, remote: PostgresStore | None, writers: Sequence[Writer], commits: Commits
    ) -> None:
        """`writers` of `store` and, behind it, of `remote`."""
        self._store = store
        self._remote = remote
        self._writers = dict(zip((SQLITE, POSTGRESQL), writers, strict=False))
        self._commits = commits

    async def run(self, command: Command) -> Reply:
        """Refused if it cannot be done."""
        try:
            if isinstance(command, Watermark):
                return self._watermark()
            if isinstance(command, ListQuarantine):
                return await self._quarantine(command)
            assert isinstance(command, Backup)
            return await self._back_up(Path(command.path), command.folder)
        except StoreUnavailable as error:
            raise Refused(Reason.STORAGE_UNAVAILABLE, f"the store cannot be read now: {error}") from error

    def oldest_seconds(self) -> float:
        """How long the oldest row has waited that some store has not applied; 0 if there is none."""
        return max(writer.statistics().lag_seconds for writer in self._writers.values())

    def _watermark(self) -> WatermarkReport:
        found = {name: writer.statistics() for name, writer in self._writers.items()}
        targets = [Target(name, each.applied, round(each.lag_seconds * 1000)) for name, each in found.items()]
        return WatermarkReport(accepted=self._commits.accepted, durable=self._commits.durable, targets=targets)

    async def _quarantine(self, command: ListQuarantine) -> Quarantine:
        rows = await trio.to_thread.run_sync(self._store.refused, command.limit)
        found = [RefusedRow(SQLITE, *row) for row in rows]
        if self._remote is not None and self._remote.quarantined:
            found += [RefusedRow(POSTGRESQL, *row) for row in await self._remote.refused(command.limit)]
        total = self._store.quarantined + (self._remote.quarantined if self._remote is not None else 0)
        found.sort(key=lambda row: row.at_ms)
        return Quarantine(rows=found[: command.limit], total=total)

    async def _back_up(self, path: Path, folder: tuple[int, int] | None) -> BackedUp:
        if not path.is_absolute():
            raise Refused(Reason.BAD_FILE, f"{path} is not an absolute path")
        if folder is not None and path.parent.is_dir() and folder != identity(path.parent):
            words = f"{path.parent} is another folder for the broker than for you, you would not find the file"
            raise Refused(Reason.BAD_FILE, f"{words}. {ELSEWHERE}")
        writer = self._writers[SQLITE]
        with trio.move_on_after(CATCH_UP_SECONDS) as waiting:
            await writer.reach(self._commits.durable)
        if waiting.cancelled_caught:
            raise Refused(Reason.STORAGE_UNAVAILABLE, "the store does not catch up with the journal; see the log")
        position, stop = writer.applied, threading.Event()
        try:
            size = await trio.to_thread.run_sync(copy_whole, self._store, path, stop, abandon_on_cancel=True)
        except OSError as error:
            advice = f". {ELSEWHERE}" if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else ""
            raise Refused(Reason.BAD_FILE, f"{path} cannot be written: {error.strerror or error}{advice}") from error
        finally:
            stop.set()
        return BackedUp(position=position, size=size)


def identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def copy_whole(store: SqliteStore, path: Path, stop: threading.Event) -> int:
    """In a worker thread: the store as the file `path`, and its size. FileExistsError rather than in place of another."""
    partial = path.with_name(path.name + ".partial")
    if path.exists():
        raise FileExistsError(0, "there is such a file already")
    partial.unlink(missing_ok=True)  # of a backup that was interrupted
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        store.copy(partial, stop)
        os.fsync(descriptor)
        size = os.fstat(descriptor).st_size
        os.link(partial, path)  # which takes no other file's place, as a rename would
        sync_folder(path.parent)
    finally:
        os.close(descriptor)
        partial.unlink(missing_ok=True)
    return size
