"""The answers given under an `Idempotency-Key`, on the disk: `repeats.db` in the data directory, written by adminapi alone.

The law: what `write` was given is on the disk when it returns, all of it or nothing, whatever becomes of the power (SQLite,
WAL, synchronous FULL); and one program at a time has the file, for another one would not see what this one remembers, and so
would do again what was done here.

| column | |
|---|---|
| `name` | SHA-256 of dialect, app, user, path, key and content: neither the key nor what was asked is in the file |
| `at` | Unix seconds |
| `status`, `type`, `headers`, `body` | of the answer; null, all four, while there is none |

Answers are kept as they were given, an app's new keys among them, or a repeat could not show them. Only the owner reads the
file, as he does `parley.db`, where the same keys stand for as long as they hold; passwords and operators' sessions are in
no answer that is kept. A backup has none of it: what is made of one may not hold what was answered since.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from adminapi.dialect import Answer

FORMAT = 1
TABLE = """
CREATE TABLE IF NOT EXISTS answers (
  name BLOB PRIMARY KEY, at REAL NOT NULL, status INTEGER, type TEXT, headers BLOB, body BLOB);
CREATE INDEX IF NOT EXISTS answers_at ON answers (at);
"""
HEADERS = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class Unkept(Exception):
    """The file cannot be used; the sentence says why."""


class InUse(Unkept):
    """Another program has it."""


class Kept(msgspec.Struct, frozen=True):
    at: float
    answer: Answer | None
    """None: the call was begun."""


class Book:
    """The file. Every method may block, one thread at a time, and raises Unkept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: apsw.Connection | None = None

    def load(self) -> list[tuple[bytes, Kept]]:
        """Everything, the oldest first. The file is ours from now on; it is made if need be."""
        with self._answering():
            self._make()
            db = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                found = opened(db)
            except BaseException:
                db.close()
                raise
            self._db = db
            return found

    def write(self, rows: Mapping[bytes, Kept | None], since: float) -> None:
        """Put these, None for one that is to go, and forget all that is older than `since`."""
        db = self._db
        assert db is not None
        put = [(name, *columns(kept)) for name, kept in rows.items() if kept is not None]
        gone = [(name,) for name, kept in rows.items() if kept is None]
        with self._answering():
            db.execute("BEGIN")
            try:
                db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", put)
                db.executemany("DELETE FROM answers WHERE name = ?", gone)
                db.execute("DELETE FROM answers WHERE at < ?", (since,))
                db.execute("COMMIT")
            except apsw.Error:
                if db.in_transaction:  # on a full disk SQLite has ended it
                    db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            os.fchmod(descriptor, 0o600)  # SQLite gives the files beside it the same
        finally:
            os.close(descriptor)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except apsw.BusyError:
            raise InUse(f"{self.path} is in use by another program") from None
        except (apsw.Error, OSError, msgspec.MsgspecError) as error:
            raise Unkept(f"{self.path}: {error or type(error).__name__}") from error


def opened(db: apsw.Connection) -> list[tuple[bytes, Kept]]:
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    version = db.pragma("user_version")
    if version not in (0, FORMAT):
        raise Unkept(f"{db.filename} has format {version}: a newer Parley wrote it")
    if version != FORMAT:  # else nothing is written: a full disk can be started on
        with db:
            db.execute(TABLE)
            db.pragma("user_version", FORMAT)
    rows = db.execute("SELECT name, at, status, type, headers, body FROM answers ORDER BY at")
    return [(name, Kept(at, answer_of(*answer))) for name, at, *answer in rows]


def columns(kept: Kept) -> tuple[float, int | None, str | None, bytes | None, bytes | None]:
    answer = kept.answer
    if answer is None:
        return kept.at, None, None, None, None
    return kept.at, answer.status, answer.type, msgspec.json.encode(answer.headers), answer.body


def answer_of(status: int | None, type: str, headers: bytes, body: bytes) -> Answer | None:
    return None if status is None else Answer(status=status, type=type, headers=HEADERS.decode(headers), body=body)
