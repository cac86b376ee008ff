"""What `parley.db` knows of PostgreSQL: whether the messages are there, and between which two commits it is.

So a start needs no PostgreSQL, and a database that does not belong to the data directory is told from one that does
(`broker.persistence.postgres.store`). Messages may move there once, from `parley.db`: from the start at which the settings
first say so no message is written to `parley.db`, and what it has is copied behind the scenes. There is no way back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from broker.hub.recent import FetchedRow, Key
from broker.hub.rows import TABLES, Image, put
from broker.persistence.postgres.known import Known
from broker.persistence.schema import SHAPES, Columns, Shape, unpack
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import InThreads, StoreRefused
from broker.settings import StoreSettings

if TYPE_CHECKING:
    from broker.persistence.postgres.store import PostgresStore

ELSEWHERE = frozenset({"messages", "patches"})
"""Sends stay: a login needs them, and must not wait for PostgreSQL."""
NAME = "postgresql"
PAGE_ROWS = 2_000


def known(store: SqliteStore) -> Known | None:
    """None: the messages are in `parley.db` itself."""
    text = store.meta(NAME)
    return None if text is None else msgspec.json.decode(text, type=Known)


def open_remote(store: SqliteStore, settings: StoreSettings) -> PostgresStore | None:
    """The store of messages, if it is not `parley.db`; nothing is asked of it yet. StoreRefused: the settings say other
    than where the messages are."""
    found = known(store)
    if settings.url == "sqlite":
        if found is not None:
            raise StoreRefused(
                'the messages of this data directory are in PostgreSQL, and [store] url is "sqlite"; write the URL of '
                "that database, or give a data directory of its own"
            )
        return None
    from broker.persistence.postgres.store import PostgresStore  # see known.py

    if found is None:
        found = Known(store.position, store.position, copied=store.position == 0)
        note(store, found)
    store.elsewhere = ELSEWHERE

    def keep(known: Known) -> None:
        note(store, known)

    identity = str(store.meta("identity"))
    return PostgresStore(settings.url, identity, found, keep, Old(store), seconds=settings.answer_seconds)


def note(store: SqliteStore, known: Known) -> None:
    store.note(NAME, msgspec.json.encode(known).decode())


class Old:
    """`parley.db` as the old home of messages. Pages are read by key, so that no reader is held while others write."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._threads = InThreads(store, "parley.db")

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        return await self._threads.fetch(app, keys)

    async def images(self) -> AsyncIterator[list[Image]]:
        """Messages first: what their heads say of floors is to find them there."""
        for table in sorted(TABLES, key=lambda table: table not in ELSEWHERE):
            after: tuple[Any, ...] = ()
            while columns := await trio.to_thread.run_sync(self._page, SHAPES[table], after):
                shape = SHAPES[table]
                rows = zip(columns, shape.rows(columns), strict=True)
                yield [put(values[-1], table, row) for values, row in rows]
                place = [columns[-1][at] for at in shape.key_at]
                after = tuple(place if shape.by_id else [columns[-1][-1], *place])
            if aside := await trio.to_thread.run_sync(self._quarantined, table):
                yield [put(app, table, TABLES[table].row(*unpack(body))) for app, body in aside]

    def _page(self, shape: Shape, after: tuple[Any, ...]) -> list[Columns]:
        """The next rows by key, the app behind their columns. In a worker thread, as the next one."""
        where = f"WHERE ({shape.key}) > ({', '.join('?' * len(after))})" if after else ""
        with self._store.reader() as db:
            sql = f"{shape.load} {where} ORDER BY {shape.key} LIMIT ?"
            found: list[Columns] = db.execute(sql, (*after, PAGE_ROWS)).fetchall()
        return found

    def _quarantined(self, table: str) -> list[Columns]:
        with self._store.reader() as db:
            found: list[Columns] = db.execute("SELECT app, body FROM quarantine WHERE table_name = ?", (table,)).fetchall()
        return found
