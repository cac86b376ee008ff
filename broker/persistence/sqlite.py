"""The store in `parley.db`: SQLite by apsw, WAL, synchronous FULL.

One connection writes, others read; all belong to this process. The position rides in the transaction of the images, so a
crash anywhere leaves both or neither and the journal fills in the rest. Checkpoints run after a commit, never inside it,
and are passive: they wait for no reader and no reader waits for them.
A row the database refuses for what it is (an integer beyond 64 bits, half a surrogate pair) goes to `quarantine` in the
same transaction and is served from there: one bad row must not stop the commits behind it. Everything else that goes
wrong is the database's trouble, not the row's: StoreUnavailable, and the writer comes again.
Tried without gain: 8, 32 or 100 rows a statement (a message 3.0 to 3.7 us instead of 3.4, a send 2.2 to 2.9 for 2.2); nor
16 beside a busy reactor, which spares most hand-overs of the interpreter: those cost next to nothing, as the reactor's own
share is the same without any writer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import apsw

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey
from broker.hub.rows import Image
from broker.persistence.images import LARGEST, largest_of, rows_of
from broker.persistence.killpoints import reached
from broker.persistence.mapped import mapped
from broker.persistence.schema import SHAPES, Columns, Shape, names, pack, unpack
from broker.persistence.store import SLICE, StoreRefused, StoreUnavailable, belongs
from broker.persistence.trims import TABLE, Swept, forget_sends, give_back, note_trims, pages_left, trim_slice, trims_left

log = logging.getLogger(__name__)

FORMAT = 1
"""Of what is not a table of TABLES, and of the meaning of what is; kept as `user_version`."""
OLDEST_SQLITE = (3, 51, 3)
"""The first without the WAL-reset bug, which can lose a commit (sqlite.org/wal.html#walresetbug)."""
CHECKPOINT_PAGES = 4_000
EPOCH = "lower(hex(randomblob(8)))"
FIRST = f"INSERT OR IGNORE INTO meta VALUES ('epoch', {EPOCH}), ('identity', {EPOCH}), ('position', 0), ('largest_id', 0)"
READERS = 2
DATA_ERRORS = (
    *(apsw.ConstraintError, apsw.MismatchError, apsw.RangeError, apsw.TooBigError),
    *(TypeError, ValueError, OverflowError, AttributeError),
)
"""What the binding or a STRICT table says of a value, as against what the disk or the lock says of the database."""

OURS = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (app TEXT NOT NULL, table_name TEXT NOT NULL, key BLOB NOT NULL,
    body BLOB NOT NULL, error TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (app, table_name, key)) STRICT;
"""


def open_store(path: Path) -> SqliteStore:
    """Open `parley.db`, making or migrating it. StoreRefused says why it must not be used, StoreUnavailable why it
    cannot be used now."""
    return SqliteStore(path)


class SqliteStore:
    """`write`, `trim` and the loads: one thread at a time. `fetch`: any thread, beside them."""

    def __init__(self, path: Path) -> None:
        if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < OLDEST_SQLITE:
            raise StoreRefused(f"SQLite {apsw.sqlite_lib_version()} can lose commits; reinstall Parley's requirements")
        self._path = path
        self._wal_pages = 0
        self.checkpoints = 0
        self._closed = False
        self.elsewhere: frozenset[str] = frozenset()  # tables another store has: they are passed over here
        self._sends = Swept()
        self._readers: SimpleQueue[apsw.Connection | None] = SimpleQueue()
        self._writing = threading.Lock()
        with self._answering("open"):
            self._db = self._connect(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        for _ in range(READERS):
            self._readers.put(None)

    def _connect(self, flags: int) -> apsw.Connection:
        db = apsw.Connection(str(self._path), flags=flags)
        db.set_busy_timeout(5_000)
        if not self._path.stat().st_size:  # counts in a new file; in an old one it would be written, on a full disk too
            db.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        return db

    def _prepare(self) -> None:
        db = self._db
        version = db.pragma("user_version")
        if not isinstance(version, int) or version > FORMAT:
            why = f"has format {version}, and this program knows formats up to {FORMAT}: a newer Parley wrote it"
            raise StoreRefused(f"{self._path} {why}. Start that version, or give this one a data directory of its own")
        with db:
            db.execute(OURS + TABLE)
            for shape in SHAPES.values():
                present = [column[1] for column in db.execute(f'PRAGMA table_info("{shape.name}")')]
                for statement in shape.migrate(present) if present else shape.create():
                    db.execute(statement)
                for statement in shape.create_indexes():
                    db.execute(statement)
            if version != FORMAT:  # else nothing is written: a full disk can be started on
                db.pragma("user_version", FORMAT)
            db.execute(FIRST)
        self.epoch = str(self.meta("epoch"))
        """16 hex digits, made with the database; what `sync` cursors stand on."""
        self._position = int(self.meta("position"))
        self._largest = int(self.meta("largest_id"))
        self._quarantine: set[tuple[str, str, bytes]] = set()
        self._quarantine.update(self._db.execute("SELECT app, table_name, key FROM quarantine"))
        db.set_wal_hook(self._wal_grew)

    def renew_epoch(self) -> None:
        """Commit numbers will be used again: no cursor given so far may be believed."""
        self._db.execute(f"UPDATE meta SET value = {EPOCH} WHERE name = 'epoch'")

    def meta(self, name: str) -> Any:
        return self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).get

    def note(self, name: str, value: str) -> None:
        """What `meta` gives from now on; from any thread. StoreUnavailable."""
        with self._writing, self._answering("note"):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _wal_grew(self, db: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, OSError) as error:
            raise StoreUnavailable(f"{self._path}: {what}: {error or type(error).__name__}") from error

    @property
    def position(self) -> int:
        return self._position

    @property
    def quarantined(self) -> int:
        return len(self._quarantine)

    def largest_id(self) -> int:
        """The greatest id of a message or conversation ever written, removed ones too; 0 if there is none."""
        return self._largest

    # Writing -------------------------------------------------------------------------------------------------------

    def write(self, images: Sequence[Image], position: int) -> None:
        """See Store. An image of a table this program does not have is a ValueError: nothing is written."""
        puts: defaultdict[str, list[Image]] = defaultdict(list)
        deletes: defaultdict[str, list[Image]] = defaultdict(list)
        for image in {(image.app, image.table, image.key): image for image in images}.values():
            if image.table not in SHAPES:
                raise ValueError(f"there is no table {image.table}")
            if image.table not in self.elsewhere:
                (deletes if image.row is None else puts)[image.table].append(image)
        before = set(self._quarantine)
        largest = max(self._largest, largest_of(images))
        with self._writing, self._answering("write"):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                floors = [(app, row.conversation, row.floor) for app, row in rows_of(puts["heads"]) if row.floor > 0]
                deleted = [(app, row.id) for app, row in rows_of(puts["conversations"]) if row.deleted]
                note_trims(self._db, floors, deleted, DATA_ERRORS)
                for name, rows in deletes.items():
                    self._each(SHAPES[name], rows, self._delete, self._forget)
                for name, rows in puts.items():
                    self._each(SHAPES[name], rows, self._upsert, self._set_aside)
                self._db.execute(
                    "UPDATE meta SET value = max(value, CASE name WHEN 'position' THEN ?1 ELSE ?2 END) "
                    "WHERE name IN ('position', 'largest_id')",
                    (position, largest),
                )
                reached("mid_apply")
                self._db.execute("COMMIT")
            except BaseException:
                self._quarantine = before
                self._roll_back()
                raise
            self._position = max(self._position, position)
            self._largest = largest
        self._checkpoint()

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except apsw.Error as error:
                log.error("store: rollback: %s", error)

    def _each(
        self,
        shape: Shape,
        images: list[Image],
        act: Callable[[Shape, list[Image]], None],
        refuse: Callable[[Shape, Image, Exception], None],
    ) -> None:
        """`act` on all of them at once; if the database refuses one, find it by halves and `refuse` it."""
        if not images:
            return
        self._db.execute("SAVEPOINT part")
        try:
            act(shape, images)
        except DATA_ERRORS as error:
            self._db.execute("ROLLBACK TO part")
            self._db.execute("RELEASE part")
            if len(images) == 1:
                refuse(shape, images[0], error)
                return
            middle = len(images) // 2
            self._each(shape, images[:middle], act, refuse)
            self._each(shape, images[middle:], act, refuse)
            return
        self._db.execute("RELEASE part")

    def _upsert(self, shape: Shape, images: list[Image]) -> None:
        self._db.executemany(shape.upsert, shape.put_values(images))
        self._release(shape, images)

    def _delete(self, shape: Shape, images: list[Image]) -> None:
        self._db.executemany(shape.delete, ((image.app, *image.key) for image in images))
        self._release(shape, images)

    def _release(self, shape: Shape, images: list[Image]) -> None:
        """What has a newer image is not in quarantine any more."""
        if not self._quarantine:
            return
        for image in images:
            mark = (image.app, shape.name, pack(image.key))
            if mark in self._quarantine:
                self._db.execute("DELETE FROM quarantine WHERE app = ? AND table_name = ? AND key = ?", mark)
                self._quarantine.discard(mark)

    def _forget(self, shape: Shape, image: Image, error: Exception) -> None:
        """A key the database cannot take cannot be in the table."""
        self._release(shape, [image])

    def _set_aside(self, shape: Shape, image: Image, error: Exception) -> None:
        mark = (image.app, shape.name, pack(image.key))
        body = pack(getattr(image.row, name) for name in image.row.__struct_fields__) if image.row is not None else b"[]"
        self._db.execute(
            "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?, ?, ?)",
            (*mark, body, f"{type(error).__name__}: {error}"[:500], time.time_ns() // 1_000_000),
        )
        try:
            self._db.execute(shape.delete, (image.app, *image.key))
        except DATA_ERRORS:
            pass  # as in _forget
        self._quarantine.add(mark)
        log.error("store: a row is in quarantine app=%s table=%s key=%s error=%s", image.app, shape.name, mark[2], error)

    def _checkpoint(self) -> None:
        if self._wal_pages < CHECKPOINT_PAGES:
            return
        reached("during_checkpoint")
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._wal_pages = 0
            self.checkpoints += 1
        except apsw.Error as error:
            # The commit stands; the pages are copied again by the next one.
            log.error("store: checkpoint: %s", error)

    # Trimming ------------------------------------------------------------------------------------------------------

    def trim(self, sends_before: int = 0) -> bool:
        """See Store. At most 1,000 rows; when none is left, pages go back to the file system."""
        with self._writing, self._answering("trim"):
            if trims_left(self._db):
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    trim_slice(self._db)
                    self._db.execute("COMMIT")
                except BaseException:
                    self._roll_back()
                    raise
            elif sends_before > self._sends.before:
                self._sends = forget_sends(self._db, self._sends, sends_before)
            elif pages_left(self._db):
                give_back(self._db)
            more = trims_left(self._db) or sends_before > self._sends.before or pages_left(self._db)
        self._checkpoint()
        return more

    # Reading -------------------------------------------------------------------------------------------------------

    @contextmanager
    def reader(self) -> Iterator[apsw.Connection]:
        if self._closed:
            raise StoreUnavailable(f"{self._path} is closed")
        db = self._readers.get()
        try:
            with self._answering("read"):
                if db is None:
                    # Without a lock of its own at every step: a reader is of one thread at a time.
                    db = self._connect(apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX)
                yield db
        finally:
            self._readers.put(db)

    def load(self, table: str) -> Iterator[tuple[str, Any]]:
        """(app, row) of every row of a table, by app and key; quarantined rows last."""
        for app, rows in self.load_many(table):
            for row in rows:
                yield app, row

    def load_many(self, table: str) -> Iterator[tuple[str, list[Any]]]:
        """The same, some rows of an app at a time: what a start does for millions of rows is done once for many. The app is
        in no row: as a column of each it was a twentieth of reading memberships."""
        shape = SHAPES[table]
        with self.reader() as db, mapped(db):
            app = db.execute(f'SELECT min(app) FROM "{table}"').get
            while app is not None:
                cursor = db.execute(f"{shape.select} WHERE app = ? ORDER BY {names(shape.table.key)}", (app,))
                while part := list(islice(cursor, SLICE)):
                    yield app, shape.rows(part)
                app = db.execute(f'SELECT min(app) FROM "{table}" WHERE app > ?', (app,)).get
            yield from ((app, [row]) for app, row in self._quarantined(db, shape))

    def _quarantined(self, db: apsw.Connection, shape: Shape, app: str | None = None) -> Iterator[tuple[str, Any]]:
        if self._quarantine:
            sql = "SELECT app, body FROM quarantine WHERE table_name = ?1 AND (?2 IS NULL OR app = ?2)"
            found: list[Any] = db.execute(sql, (shape.name, app)).fetchall()
            for owner, body in found:
                yield owner, shape.table.row(*unpack(body))

    def refused(self, limit: int) -> list[tuple[str, str, str, str, int]]:
        """(app, table, key as JSON, error, at_ms) of the oldest rows in quarantine. StoreUnavailable."""
        with self.reader() as db:
            sql = "SELECT app, table_name, CAST(key AS TEXT), error, at_ms FROM quarantine ORDER BY at_ms LIMIT ?"
            return list(db.execute(sql, (limit,)))

    def copy(self, path: Path, stop: threading.Event) -> None:
        """Everything, as of the newest write when this is called, into an empty file; others go on reading and writing.
        StoreUnavailable, also when `stop` is set meanwhile."""
        with self.reader() as db:
            db.set_progress_handler(stop.is_set, 10_000)
            try:
                db.execute("VACUUM INTO ?", (str(path),))
            finally:
                db.set_progress_handler(None)

    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """See Store."""
        found: list[FetchedRow] = []
        with self.reader() as db:
            for key in keys:
                shape, columns = self._select(db, app, key)
                found.extend(shape.rows(columns))
                found.extend(row for _, row in self._quarantined(db, shape, app) if belongs(row, key))
        return found

    def _select(self, db: apsw.Connection, app: str, key: Key) -> tuple[Shape, list[Columns]]:
        shape = SHAPES["messages"]
        if isinstance(key, MessagesKey):
            where = "WHERE conversation = ? AND seq BETWEEN ? AND ? AND app = ? ORDER BY seq"
            bounds = (key.conversation, max(key.lo, 0), min(key.hi, LARGEST), app)
            return shape, db.execute(f"{shape.select} {where}", bounds).fetchall()
        if isinstance(key, MessageKey):
            return shape, db.execute(shape.find("id"), (key.message, app)).fetchall()
        if isinstance(key, OldKey):
            return shape, db.execute(shape.find("conversation", "old_id"), (key.conversation, key.old_id, app)).fetchall()
        if isinstance(key, PatchesKey):
            shape = SHAPES["patches"]
            # From the newest back: `changed` falls with the number, so what is older than `since` is never looked at.
            where = "WHERE app = ? AND conversation = ? ORDER BY number DESC"
            found: deque[Columns] = deque(maxlen=key.limit)
            changed = shape.fields.index("changed")
            for columns in db.execute(f"{shape.select} {where}", (app, key.conversation)):
                if columns[changed] <= key.since or (key.last and len(found) == key.limit):
                    break
                found.append(columns)
            return shape, list(found)
        shape = SHAPES["sends"]
        return shape, db.execute(shape.find("user", "device"), (key.user, key.device, app)).fetchall()

    def close(self) -> None:
        """See Store. Waits for what is under way."""
        if self._closed:
            return
        self._closed = True
        for _ in range(READERS):
            if (reader := self._readers.get()) is not None:
                reader.close()
        with self._writing:
            self._db.close()
