"""The store in `parley.db`: SQLite by apsw, WAL, synchronous FULL.

One connection writes, others read; all belong to this process. The position rides in the transaction of the images, so a
crash anywhere leaves both or neither and the journal fills in the rest. Checkpoints run after a commit, never inside it,
and are passive: they wait for no reader and no reader waits for them.
A row the database refuses for what it is (an integer beyond 64 bits, half a surrogate pair) goes to `quarantine` in the
same transaction and is served from there: one bad row must not stop the commits behind it. Everything else that goes
wrong is the database's trouble, not the row's: StoreUnavailable, and the writer comes again.
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

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, PatchesKey
from broker.hub.rows import Image
from broker.persistence.killpoints import reached
from broker.persistence.schema import SHAPES, Columns, Shape, pack, unpack
from broker.persistence.store import SLICE, StoreRefused, StoreUnavailable, belongs

log = logging.getLogger(__name__)

FORMAT = 1
"""Of what is not a table of TABLES, and of the meaning of what is; kept as `user_version`."""
OLDEST_SQLITE = (3, 51, 3)
"""The first without the WAL-reset bug, which can lose a commit (sqlite.org/wal.html#walresetbug)."""
CHECKPOINT_PAGES = 4_000
EPOCH = "lower(hex(randomblob(8)))"
READERS = 2
LARGEST = (1 << 63) - 1
DATA_ERRORS = (
    *(apsw.ConstraintError, apsw.MismatchError, apsw.RangeError, apsw.TooBigError),
    *(TypeError, ValueError, OverflowError, AttributeError),
)
"""What the binding or a STRICT table says of a value, as against what the disk or the lock says of the database."""

OURS = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (app TEXT NOT NULL, table_name TEXT NOT NULL, key BLOB NOT NULL,
    body BLOB NOT NULL, error TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (app, table_name, key)) STRICT;
CREATE TABLE IF NOT EXISTS trims (app TEXT NOT NULL, conversation INTEGER NOT NULL, floor INTEGER NOT NULL,
    PRIMARY KEY (app, conversation)) STRICT, WITHOUT ROWID;
"""
EVERYTHING = LARGEST
"""The floor of a deleted conversation."""
NOTE_FLOOR = """INSERT INTO trims (app, conversation, floor) SELECT ?1, ?2, ?3
WHERE NOT EXISTS (SELECT 1 FROM heads WHERE app = ?1 AND conversation = ?2 AND floor >= ?3)
ON CONFLICT DO UPDATE SET floor = max(floor, excluded.floor)"""
NOTE_DELETED = """INSERT INTO trims (app, conversation, floor) SELECT ?1, ?2, ?3
WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE app = ?1 AND id = ?2 AND deleted = 1)
ON CONFLICT DO UPDATE SET floor = excluded.floor"""
TRIM_MESSAGES = """DELETE FROM messages WHERE id IN
(SELECT id FROM messages WHERE conversation = ?2 AND seq <= ?3 AND app = ?1 LIMIT ?4)"""
TRIM_PATCHES = """DELETE FROM patches WHERE app = ?1 AND conversation = ?2 AND number IN
(SELECT number FROM patches WHERE app = ?1 AND conversation = ?2 AND seq <= ?3 LIMIT ?4)"""
TRIM_USERS = """DELETE FROM {0} WHERE app = ?1 AND conversation = ?2 AND user IN
(SELECT user FROM {0} WHERE app = ?1 AND conversation = ?2 LIMIT ?4)"""


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
        self._closed = False
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
            db.execute(OURS)
            for shape in SHAPES.values():
                present = [column[1] for column in db.execute(f'PRAGMA table_info("{shape.name}")')]
                for statement in shape.migrate(present) if present else shape.create():
                    db.execute(statement)
                for statement in shape.create_indexes():
                    db.execute(statement)
            if version != FORMAT:  # else nothing is written: a full disk can be started on
                db.pragma("user_version", FORMAT)
            db.execute(f"INSERT OR IGNORE INTO meta VALUES ('epoch', {EPOCH}), ('position', 0), ('largest_id', 0)")
        self.epoch = str(self._meta("epoch"))
        """16 hex digits, made with the database; what `sync` cursors stand on."""
        self._position = int(self._meta("position"))
        self._largest = int(self._meta("largest_id"))
        self._quarantine: set[tuple[str, str, bytes]] = set()
        self._quarantine.update(self._db.execute("SELECT app, table_name, key FROM quarantine"))
        db.set_wal_hook(self._wal_grew)

    def renew_epoch(self) -> None:
        """Commit numbers will be used again: no cursor given so far may be believed."""
        self._db.execute(f"UPDATE meta SET value = {EPOCH} WHERE name = 'epoch'")

    def _meta(self, name: str) -> Any:
        return self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).get

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
            (deletes if image.row is None else puts)[image.table].append(image)
        before = set(self._quarantine)
        largest = max(self._largest, largest_of(puts["messages"]), largest_of(puts["conversations"]))
        with self._writing, self._answering("write"):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._note_trims(puts["heads"], puts["conversations"])
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
        self._db.executemany(shape.upsert, map(shape.values, images))
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
        log.error("store: app=%s table=%s key=%s is in quarantine: %s", image.app, shape.name, mark[2], error)

    def _checkpoint(self) -> None:
        if self._wal_pages < CHECKPOINT_PAGES:
            return
        reached("during_checkpoint")
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._wal_pages = 0
        except apsw.Error as error:
            # The commit stands; the pages are copied again by the next one.
            log.error("store: checkpoint: %s", error)

    # Trimming ------------------------------------------------------------------------------------------------------

    def _note_trims(self, heads: list[Image], conversations: list[Image]) -> None:
        """Remember in the same transaction what has to be removed later, so that no restart forgets it."""
        floors = [(app, row.conversation, row.floor) for app, row in rows_of(heads) if row.floor > 0]
        deleted = [(app, row.id, EVERYTHING) for app, row in rows_of(conversations) if row.deleted]
        for sql, rows in ((NOTE_FLOOR, floors), (NOTE_DELETED, deleted)):
            for row in rows:
                try:
                    self._db.execute(sql, row)
                except DATA_ERRORS as error:
                    log.error("store: cannot trim app=%s conversation=%s: %s", row[0], row[1], error)

    def trim(self) -> bool:
        """See Store. Removes at most 1,000 rows: messages and patches behind a floor, and of a deleted conversation the
        positions and requests to join. Its tombstones (conversation, head, members) are the hub's to delete."""
        room = SLICE
        with self._writing, self._answering("trim"):
            if not self._db.execute("SELECT EXISTS (SELECT 1 FROM trims)").get:
                return False
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for app, conversation, floor in self._db.execute("SELECT * FROM trims LIMIT 200").fetchall():
                    statements = [TRIM_MESSAGES, TRIM_PATCHES]
                    if floor == EVERYTHING:
                        statements += [TRIM_USERS.format(table) for table in ("positions", "join_requests")]
                    for sql in statements:
                        self._db.execute(sql, (app, conversation, floor, room))
                        room -= self._db.changes()
                        if room <= 0:
                            break
                    if room <= 0:
                        break
                    self._db.execute("DELETE FROM trims WHERE app = ? AND conversation = ?", (app, conversation))
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            more = bool(self._db.execute("SELECT EXISTS (SELECT 1 FROM trims)").get)
        self._checkpoint()
        return more

    # Reading -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        if self._closed:
            raise StoreUnavailable(f"{self._path} is closed")
        db = self._readers.get()
        try:
            with self._answering("read"):
                if db is None:
                    db = self._connect(apsw.SQLITE_OPEN_READONLY)
                yield db
        finally:
            self._readers.put(db)

    def load(self, table: str) -> Iterator[tuple[str, Any]]:
        """(app, row) of every row of a table, by app and key; quarantined rows last."""
        shape = SHAPES[table]
        with self._reader() as db:
            cursor = db.execute(f"{shape.load} ORDER BY {shape.key}")
            while part := list(islice(cursor, SLICE)):
                yield from zip([columns[-1] for columns in part], shape.rows(part), strict=True)
            yield from self._quarantined(db, shape)

    def _quarantined(self, db: apsw.Connection, shape: Shape, app: str | None = None) -> Iterator[tuple[str, Any]]:
        if self._quarantine:
            sql = "SELECT app, body FROM quarantine WHERE table_name = ?1 AND (?2 IS NULL OR app = ?2)"
            found: list[Any] = db.execute(sql, (shape.name, app)).fetchall()
            for owner, body in found:
                yield owner, shape.table.row(*unpack(body))

    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """See Store."""
        found: list[FetchedRow] = []
        with self._reader() as db:
            for key in keys:
                shape, columns = self._select(db, app, key)
                found.extend(shape.rows(columns))
                found.extend(row for _, row in self._quarantined(db, shape, app) if belongs(row, key))
        return found

    def _select(self, db: apsw.Connection, app: str, key: Key) -> tuple[Shape, list[Columns]]:
        if isinstance(key, MessagesKey):
            shape = SHAPES["messages"]
            where = "WHERE conversation = ? AND seq BETWEEN ? AND ? AND app = ? ORDER BY seq"
            bounds = (key.conversation, max(key.lo, 0), min(key.hi, LARGEST), app)
            return shape, db.execute(f"{shape.select} {where}", bounds).fetchall()
        if isinstance(key, MessageKey):
            shape = SHAPES["messages"]
            return shape, db.execute(f"{shape.select} WHERE id = ? AND app = ?", (key.message, app)).fetchall()
        if isinstance(key, PatchesKey):
            shape = SHAPES["patches"]
            # From the newest back: `changed` falls with the number, so what is older than `since` is never looked at.
            where = "WHERE app = ? AND conversation = ? ORDER BY number DESC"
            lowest: deque[Columns] = deque(maxlen=key.limit)
            changed = shape.fields.index("changed")
            for columns in db.execute(f"{shape.select} {where}", (app, key.conversation)):
                if columns[changed] <= key.since:
                    break
                lowest.append(columns)
            return shape, list(lowest)
        shape = SHAPES["sends"]
        where = "WHERE app = ? AND user = ? AND device = ?"
        return shape, db.execute(f"{shape.select} {where}", (app, key.user, key.device)).fetchall()

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


def rows_of(images: list[Image]) -> Iterator[tuple[str, Any]]:
    return ((image.app, image.row) for image in images if image.row is not None)


def largest_of(images: list[Image]) -> int:
    return max((row.id for _, row in rows_of(images) if row.id <= LARGEST), default=0)
