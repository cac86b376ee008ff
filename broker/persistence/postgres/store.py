"""The PostgreSQL store: writes in one transaction with its position, fetches beside them, refused rows set aside.

The law: what the database has is between two numbers that `parley.db` keeps, the commit it surely has and the newest it was
ever asked for; a database outside them is an older or a newer one than this data directory belongs to, or another's, and is
neither written nor read. So no commit is skipped and none is applied twice, whatever was restored from wherever: after a
connection broke in the middle of a commit the position itself tells what became of it.
A start needs nothing of this: the database is met at the first write or fetch, and prepared then.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

import trio
import trio_asyncio

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import Image
from broker.persistence.images import LARGEST
from broker.persistence.postgres.known import Known
from broker.persistence.postgres.line import Line, Place
from broker.persistence.postgres.schema import CHANGED, OURS, SHAPES, PostgresShape
from broker.persistence.postgres.transaction import Batch, Mark, Refusal, Write
from broker.persistence.postgres.trims import trim
from broker.persistence.schema import unpack
from broker.persistence.store import StoreRefused, StoreUnavailable, belongs

log = logging.getLogger(__name__)

FORMAT = 1
"""Of what is not a table of TABLES, and of the meaning of what is; kept in `meta`."""
OLDEST_SERVER = 120_000
READERS = 2
MOVE = "BEGIN; UPDATE meta SET value = '{after:d}' WHERE name = 'position' AND value = '{before:d}'"
MOVED = "UPDATE 1"


class OldHome(Protocol):
    """Where messages were before: `parley.db`, whose rows are copied before anything else is written."""

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]: ...

    def images(self) -> AsyncIterator[list[Image]]:
        """Every row of every table as an image, some at a time."""


class PostgresStore:
    """`write` and `trim`: one at a time. `fetch`: beside them. All only within `running`."""

    def __init__(
        self, url: str, identity: str, known: Known, note: Callable[[Known], None], old: OldHome, *, seconds: float
    ) -> None:
        """`identity` is the data directory's. `note` keeps `known` durably; it blocks, and is called in a worker thread."""
        self._place = Place(url, seconds)
        self._identity = identity
        self._known = known
        self._note = note
        self._old = old
        self._copying: AsyncIterator[list[Image]] | None = None
        self._uncopied: list[Image] = []
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
        if position < known.applied and (known.copied or position):
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
        batch = Batch(images)
        # The database is recognised before it counts as asked.
        if not self._known.copied:
            await self._copy()
        if not self._writing.open:
            await self._run(self._writing, nothing)
        if position <= self.position:
            return self.position
        await self._remember(Known(self.position, max(self._known.intended, position)))
        found = await self._transact(batch, self.position, position)
        await self._remember(Known(found, found))
        return found

    async def _copy(self) -> None:
        """What the old home has, as of the commit known as applied. Goes on where it was when the connection broke; a
        process that ends begins anew, and writes the same rows again."""
        if self._copying is None:
            log.warning("store: %s gets a copy of what parley.db has", self.name)
            self._copying = self._old.images()
        found = await self._transact(Batch([]), 0, 0)  # not 0: it was made, and the process ended before that was noted
        while found == 0:
            try:
                self._uncopied = self._uncopied or await anext(self._copying, [])
            except BaseException:
                self._copying = None  # a source that failed would say that it has no more
                raise
            found = await self._transact(Batch(self._uncopied), 0, 0 if self._uncopied else self.position)
            self._uncopied = []
        log.warning("store: %s has a copy of what parley.db had", self.name)
        await self._remember(Known(self.position, self.position))

    async def _transact(self, batch: Batch, before: int, after: int) -> int:
        """The position the database then has: `after` if it had `before`, else as it was, with nothing written."""
        try:
            found = await self._run(self._writing, partial(self._write, batch, before, after, False))
        except Refusal:
            found = await self._run(self._writing, partial(self._write, batch, before, after, True))
        return int(found)

    async def _remember(self, known: Known) -> None:
        if known != self._known:
            await trio.to_thread.run_sync(self._note, known)
            self._known = known

    async def _write(self, batch: Batch, before: int, after: int, careful: bool, connection: Any) -> int:
        # The position first, which locks it: what a lost connection has left under way is over before this one goes on.
        if await connection.execute(MOVE.format(before=before, after=after)) != MOVED:
            await connection.execute("ROLLBACK")
            return int(await connection.fetchval("SELECT value FROM meta WHERE name = 'position'"))
        marks = set(self._quarantine)
        await Write(connection, marks, careful).all(batch)
        await connection.execute("COMMIT")
        self._quarantine = marks
        return after

    async def trim(self, sends_before: int = 0) -> bool:
        """See Store. What was not copied yet is, though nothing new comes in."""
        if not self._known.copied:
            await self._copy()
        return bool(await self._run(self._writing, partial(trim, sends_before=sends_before)))

    # Reading -------------------------------------------------------------------------------------------------------

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        """See Store."""
        if not self._known.copied:
            return await self._old.fetch(app, keys)
        found: list[FetchedRow] = await self._read(partial(self._fetch, app, keys))
        return found

    async def refused(self, limit: int) -> list[tuple[str, str, str, str, int]]:
        """(app, table, key as JSON, error, at_ms) of the oldest rows in quarantine. StoreUnavailable."""

        async def ask(connection: Any) -> list[tuple[str, str, str, str, int]]:
            sql = "SELECT app, table_name, key, error, at_ms FROM quarantine ORDER BY at_ms LIMIT $1"
            return [(app, table, key.decode(), why, at) for app, table, key, why, at in await connection.fetch(sql, limit)]

        rows: list[tuple[str, str, str, str, int]] = await self._read(ask)
        return rows

    async def _read(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """On one of the readers' connections."""
        self._place.check()
        async with self._reading:
            self._place.check()  # those before may have waited in vain
            line = self._idle.pop()
            try:
                return await self._run(line, ask)
            finally:
                self._idle.append(line)

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
    old = [(key.conversation, key.old_id) for key in keys if isinstance(key, OldKey) and is_possible(key)]
    if old:
        join = (
            "JOIN unnest($2::bigint[], $3::text[]) AS k (c, o) "
            f"ON app = $1 AND conversation = k.c AND old_id = k.o AND {SHAPES['messages'].present('old_id')}"
        )
        yield SHAPES["messages"], join, tuple(zip(*old, strict=True))
    for key in keys:
        if isinstance(key, PatchesKey):
            order = "DESC" if key.last else "ASC"
            where = (
                f"WHERE app = $1 AND conversation = $2 AND changed > $3 ORDER BY changed {order}, number {order} LIMIT $4"
            )
            yield SHAPES["patches"], where, (key.conversation, key.since, key.limit)
        elif isinstance(key, SendsKey):
            yield SHAPES["sends"], 'WHERE app = $1 AND "user" = $2 AND device = $3', (key.user, key.device)


def is_possible(key: OldKey) -> bool:
    """Whether a row of that key can be in the table; what is in quarantine is looked through besides."""
    return 0 <= key.conversation <= LARGEST and "\0" not in key.old_id


async def nothing(connection: Any) -> None:
    """Only the connection is wanted."""
