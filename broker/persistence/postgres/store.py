"""The PostgreSQL store: writes in one transaction with its position, fetches beside them, refused rows set aside.

The law: what the database has is between two numbers that `parley.db` keeps, the commit it surely has and the newest it was
ever asked for; a database outside them is an older or a newer one than this data directory belongs to, or another's, and is
neither written nor read. So no commit is skipped and none is applied twice, whatever was restored from wherever: after a
connection broke in the middle of a commit the position itself tells what became of it.
A start needs nothing of this: the database is met at the first write or fetch, and prepared then.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import trio
import trio_asyncio

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, PatchesKey, SendsKey
from broker.hub.rows import Image
from broker.persistence.images import LARGEST, weigh
from broker.persistence.postgres.line import DATA_ERRORS, Line, Place
from broker.persistence.postgres.schema import CHANGED, OURS, SHAPES, PostgresShape
from broker.persistence.postgres.trims import note_trims, trim
from broker.persistence.schema import pack, unpack
from broker.persistence.store import StoreRefused, StoreUnavailable, belongs

log = logging.getLogger(__name__)

FORMAT = 1
"""Of what is not a table of TABLES, and of the meaning of what is; kept in `meta`."""
OLDEST_SERVER = 120_000
READERS = 2
STATEMENT_ROWS = 200
STATEMENT_BYTES = 256 * 1024
"""Of one statement. Its values are encoded on the thread of the reactor, whose turns are to be short."""
Mark = tuple[str, str, bytes]
"""App, table and key of a row in quarantine."""
By = dict[str, list[Image]]


class Known(msgspec.Struct, frozen=True):
    """What is known of the database while it is away: the commit it has for sure, and the newest it was asked for."""

    applied: int
    intended: int


class Refusal(Exception):
    """A value was refused: the transaction is rolled back, and to be made again with care."""


class PostgresStore:
    """`write` and `trim`: one at a time. `fetch`: beside them. All only within `running`."""

    def __init__(self, url: str, identity: str, known: Known, note: Callable[[Known], None], *, seconds: float) -> None:
        """`identity` is the data directory's. `note` keeps `known` durably; it blocks, and is called in a worker thread."""
        self._place = Place(url, seconds)
        self._identity = identity
        self._known = known
        self._note = note
        self._quarantine: set[Mark] = set()
        self._looked = False
        self._writing = Line(self._place, self._prepare)
        self._idle = [Line(self._place, self._recognise) for _ in range(READERS)]
        self._reading = trio.Semaphore(READERS)
        self._loop: trio_asyncio.TrioEventLoop | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """asyncio's loop for as long as the store is used."""
        async with trio_asyncio.open_loop() as loop:
            loop.set_exception_handler(self._astray)
            self._loop = loop
            try:
                yield
            finally:
                for line in (self._writing, *self._idle):
                    line.drop()
                self._loop = None

    def _astray(self, loop: object, context: dict[str, Any]) -> None:
        """What no work waits for, as of a connection given up already. Left to itself trio-asyncio would end the process;
        whoever does wait has a deadline."""
        error = context.get("exception")
        log.warning("store: %s: %s", self._place.explain(error) if error else self.name, context.get("message"))

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def position(self) -> int:
        return self._known.applied

    @property
    def quarantined(self) -> int:
        return len(self._quarantine)

    async def _run(self, line: Line, work: Callable[[Any], Awaitable[Any]]) -> Any:
        if self._loop is None:
            raise StoreUnavailable(f"{self.name} is not in use")
        return await line.run(self._loop, work)

    # A new connection ----------------------------------------------------------------------------------------------

    async def _prepare(self, connection: Any) -> None:
        """The writer's: tables and columns this program needs are made, then all is looked at."""
        version, encoding = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        )
        if version < OLDEST_SERVER or encoding != "UTF8":
            why = f"is version {version // 10_000} with encoding {encoding}; Parley needs version 12 or newer and UTF8"
            raise StoreRefused(f"{self.name} {why}")
        await connection.execute(OURS)
        first = [("format", str(FORMAT)), ("identity", self._identity), ("position", "0")]
        await connection.executemany("INSERT INTO meta VALUES ($1, $2) ON CONFLICT DO NOTHING", first)
        await self._check(connection)
        async with connection.transaction():
            columns = await connection.fetch(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
                "ORDER BY table_name, ordinal_position"
            )
            present: defaultdict[str, list[str]] = defaultdict(list)
            for table, column in columns:
                present[table].append(column)
            for shape in SHAPES.values():
                there = present[shape.name]
                statements = shape.migrate(there) if there else shape.create()
                for statement in (*statements, *shape.create_indexes()):
                    await connection.execute(statement)
            await connection.execute(CHANGED)
        self._looked = False
        await self._look(connection)

    async def _recognise(self, connection: Any) -> None:
        """A reader's."""
        await self._check(connection)
        await self._look(connection)

    async def _check(self, connection: Any) -> None:
        meta = dict(await connection.fetch("SELECT name, value FROM meta"))
        try:
            position, version = int(meta["position"]), int(meta["format"])
        except (KeyError, ValueError) as error:
            raise StoreRefused(f"{self.name}: its table meta is not as Parley left it: {error!r}") from None
        known = self._known
        if version > FORMAT:
            why = f"has format {meta['format']}, and this program knows formats up to {FORMAT}: a newer Parley wrote it"
            raise StoreRefused(f"{self.name} {why}. Start that version, or give this one a database of its own")
        if meta.get("identity") != self._identity:
            why = "belongs to another data directory; give each broker a database of its own"
            raise StoreRefused(f"{self.name} {why}")
        if position > known.intended:
            why = f"is at commit {position}, and this data directory has come to {known.intended} only"
            raise StoreRefused(f"{self.name} {why}: an older copy of it was put back. Put back the newest one")
        if position < known.applied:
            why = f"is at commit {position} and was at {known.applied}: an older copy of it was put back, or it is a new one"
            rescue = f"UPDATE meta SET value = '{known.applied}' WHERE name = 'position'"
            raise StoreRefused(
                f"{self.name} {why}. Put back the newest one; to go on without what is lost, say there: {rescue}"
            )

    async def _look(self, connection: Any) -> None:
        if not self._looked:
            self._quarantine = set(map(tuple, await connection.fetch("SELECT app, table_name, key FROM quarantine")))
            self._looked = True

    # Writing -------------------------------------------------------------------------------------------------------

    async def write(self, images: Sequence[Image], position: int) -> int:
        """See Store. An image of a table this program does not have is a ValueError: nothing is written."""
        puts: By = defaultdict(list)
        deletes: By = defaultdict(list)
        for image in images:
            if image.table not in SHAPES:
                raise ValueError(f"there is no table {image.table}")
            (deletes if image.row is None else puts)[image.table].append(image)
        # The database is recognised before it counts as asked.
        await self._run(self._writing, nothing)
        await self._remember(Known(self.position, max(self._known.intended, position)))
        try:
            found = await self._run(self._writing, partial(self._write, puts, deletes, position, False))
        except Refusal:
            found = await self._run(self._writing, partial(self._write, puts, deletes, position, True))
        await self._remember(Known(found, found))
        return int(found)

    async def _remember(self, known: Known) -> None:
        if known != self._known:
            await trio.to_thread.run_sync(self._note, known)
            self._known = known

    async def _write(self, puts: By, deletes: By, position: int, careful: bool, connection: Any) -> int:
        """The position the database then has. With `careful`, refused rows are looked for and set aside; else Refusal."""
        marks = set(self._quarantine)
        write = Write(connection, marks) if careful else Write(connection, marks, refuse=False)
        await connection.execute("BEGIN")
        # Locked: what a lost connection has left under way is over before this one goes on.
        found = int(await connection.fetchval("SELECT value FROM meta WHERE name = 'position' FOR UPDATE"))
        if found != self.position or found >= position:
            await connection.execute("ROLLBACK")
            return found
        try:
            await note_trims(connection, puts.get("heads", ()), puts.get("conversations", ()))
            for name, images in deletes.items():
                for part in parts(images):
                    await write.delete(SHAPES[name], part)
            for name, images in puts.items():
                for part in parts(images):
                    await write.put(SHAPES[name], part)
        except DATA_ERRORS as error:
            await connection.execute("ROLLBACK")
            raise Refusal(str(error)) from error
        await connection.execute("UPDATE meta SET value = $1 WHERE name = 'position'", str(position))
        await connection.execute("COMMIT")
        self._quarantine = marks
        return position

    async def trim(self) -> bool:
        """See Store."""
        return bool(await self._run(self._writing, trim))

    # Reading -------------------------------------------------------------------------------------------------------

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """See Store."""
        self._place.check()
        async with self._reading:
            self._place.check()  # those before may have waited in vain
            line = self._idle.pop()
            try:
                found: list[FetchedRow] = await self._run(line, partial(self._fetch, app, keys))
            finally:
                self._idle.append(line)
        return found

    async def _fetch(self, app: str, keys: Sequence[Key], connection: Any) -> list[FetchedRow]:
        found: list[FetchedRow] = []
        for shape, where, parameters in selects(keys):
            columns = await connection.fetch(f"{shape.select} {where}", app, *parameters)
            found.extend(shape.rows([tuple(record) for record in columns]))
        if self._quarantine:
            aside = await connection.fetch("SELECT table_name, body FROM quarantine WHERE app = $1", app)
            rows = [SHAPES[table].table.row(*unpack(body)) for table, body in aside]
            found.extend(row for row in rows if any(belongs(row, key) for key in keys))
        return found


class Write:
    """The statements of one transaction. Its marks are the store's once it is committed."""

    def __init__(self, connection: Any, marks: set[Mark], *, refuse: bool = True) -> None:
        self._connection = connection
        self._marks = marks
        self._refuse = refuse

    async def put(self, shape: PostgresShape, images: Sequence[Image]) -> None:
        await self._each(shape, images, shape.upsert, shape.put_values, self._set_aside)

    async def delete(self, shape: PostgresShape, images: Sequence[Image]) -> None:
        await self._each(shape, images, shape.delete, shape.delete_values, self._release)

    async def _each(
        self,
        shape: PostgresShape,
        images: Sequence[Image],
        sql: str,
        values: Callable[[Sequence[Image]], list[tuple[Any, ...]]],
        refuse: Callable[[PostgresShape, Sequence[Image], Exception | None], Awaitable[None]],
    ) -> None:
        """All of them at once; if the database refuses one, it is found by halves."""
        if not self._refuse:
            await self._connection.execute(sql, *values(images))
            await self._release(shape, images)
            return
        await self._connection.execute("SAVEPOINT part")
        try:
            await self._connection.execute(sql, *values(images))
        except DATA_ERRORS as error:
            await self._connection.execute("ROLLBACK TO part")
            if len(images) == 1:
                await refuse(shape, images, error)
                return
            middle = len(images) // 2
            await self._each(shape, images[:middle], sql, values, refuse)
            await self._each(shape, images[middle:], sql, values, refuse)
            return
        await self._connection.execute("RELEASE part")
        await self._release(shape, images)

    async def _release(self, shape: PostgresShape, images: Sequence[Image], error: Exception | None = None) -> None:
        """What has a newer image is not in quarantine any more. A key the database cannot take was never elsewhere."""
        if not self._marks:
            return
        for image in images:
            mark = (image.app, shape.name, pack(image.key))
            if mark in self._marks:
                sql = "DELETE FROM quarantine WHERE app = $1 AND table_name = $2 AND key = $3"
                await self._connection.execute(sql, *mark)
                self._marks.discard(mark)

    async def _set_aside(self, shape: PostgresShape, images: Sequence[Image], error: Exception | None) -> None:
        [image] = images
        mark = (image.app, shape.name, pack(image.key))
        body = pack(getattr(image.row, name) for name in shape.fields)
        why = f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode()[:500].replace("\0", "\\0")
        await self._connection.execute(
            "INSERT INTO quarantine VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app, table_name, key) "
            "DO UPDATE SET body = excluded.body, error = excluded.error, at_ms = excluded.at_ms",
            *mark, body, why, time.time_ns() // 1_000_000,
        )  # fmt: skip
        # The row before it, if the key is not what was refused.
        await self._each(shape, images, shape.delete, shape.delete_values, self._pass_over)
        self._marks.add(mark)
        log.error("store: app=%s table=%s key=%s is in quarantine: %s", image.app, shape.name, mark[2], why)

    async def _pass_over(self, shape: PostgresShape, images: Sequence[Image], error: Exception | None) -> None:
        """A key the database cannot take cannot be in the table."""


def selects(keys: Sequence[Key]) -> Iterator[tuple[PostgresShape, str, tuple[Any, ...]]]:
    """What to ask for keys, behind `select`; $1 is the app. One statement for all keys of messages."""
    ranges = [
        (key.conversation, max(key.lo, 0), min(key.hi, LARGEST))
        for key in keys
        if isinstance(key, MessagesKey) and 0 <= key.conversation <= LARGEST and max(key.lo, 0) <= min(key.hi, LARGEST)
    ]
    if ranges:
        join = (
            "JOIN unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS k (c, lo, hi) "
            "ON app = $1 AND conversation = k.c AND seq BETWEEN k.lo AND k.hi"
        )
        yield SHAPES["messages"], join, tuple(zip(*ranges, strict=True))
    ids = [key.message for key in keys if isinstance(key, MessageKey) and 0 <= key.message <= LARGEST]
    if ids:
        yield SHAPES["messages"], "WHERE app = $1 AND id = ANY($2::bigint[])", (ids,)
    for key in keys:
        if isinstance(key, PatchesKey):
            where = "WHERE app = $1 AND conversation = $2 AND changed > $3 ORDER BY changed, number LIMIT $4"
            yield SHAPES["patches"], where, (key.conversation, key.since, key.limit)
        elif isinstance(key, SendsKey):
            yield SHAPES["sends"], 'WHERE app = $1 AND "user" = $2 AND device = $3', (key.user, key.device)


def parts(images: Sequence[Image]) -> Iterator[Sequence[Image]]:
    """What goes into one statement."""
    start = size = 0
    for at, image in enumerate(images):
        weight = weigh((image,))
        if at > start and (at - start >= STATEMENT_ROWS or size + weight > STATEMENT_BYTES):
            yield images[start:at]
            start, size = at, 0
        size += weight
    if start < len(images):
        yield images[start:]


async def nothing(connection: Any) -> None:
    """Only the connection is wanted."""
