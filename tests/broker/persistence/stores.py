"""Both stores behind one front, for the tests of what is promised of any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from broker.hub.recent import FetchedRow, Key
from broker.hub.rows import TABLES, Image
from broker.persistence.postgres.schema import SHAPES
from broker.persistence.postgres.store import Known, OldHome, PostgresStore
from broker.persistence.schema import unpack
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import InThreads, Store
from protocol.records import Message

Load = Callable[[str], Any]


class Opened:
    """A store, and what stands in it."""

    def __init__(self, store: Store, load: Load) -> None:
        self.store = store
        self.load = load
        """Table -> awaitable of (app, row) of every row, quarantined ones last."""

    async def trimmed(self) -> int:
        slices = 0
        while await self.store.trim():
            slices += 1
        return slices

    async def contents(self) -> dict[tuple[str, str, tuple[Any, ...]], str]:
        """Every row as its repr, which tells True from 1."""
        return {
            (app, name, tuple(getattr(row, field) for field in table.key)): repr(row)
            for name, table in TABLES.items()
            for app, row in await self.load(name)
        }


Open = Callable[[], AbstractAsyncContextManager[Opened]]


@asynccontextmanager
async def sqlite_opened(path: Path) -> AsyncIterator[Opened]:
    store = SqliteStore(path)

    async def load(table: str) -> list[Any]:
        return list(store.load(table))

    try:
        yield Opened(InThreads(store, "parley.db"), load)
    finally:
        store.close()


class Nowhere:
    """The old home of messages that have had none."""

    async def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        raise AssertionError

    async def images(self) -> AsyncIterator[list[Image]]:
        raise AssertionError
        yield []


class Notes:
    """What `parley.db` would keep."""

    def __init__(self) -> None:
        self.known = Known(0, 0)

    def keep(self, known: Known) -> None:
        self.known = known


@asynccontextmanager
async def postgres_opened(
    url: str, notes: Notes, *, identity: str = "us", seconds: float = 10.0, old: OldHome | None = None
) -> AsyncIterator[Opened]:
    store = PostgresStore(url, identity, notes.known, notes.keep, old or Nowhere(), seconds=seconds)

    async def load_from(table: str, connection: Any) -> list[Any]:
        shape = SHAPES[table]
        records = [tuple(record) for record in await connection.fetch(f"{shape.load} ORDER BY {shape.key}")]
        rows = list(zip([record[-1] for record in records], shape.rows(records), strict=True))
        aside = await connection.fetch("SELECT app, body FROM quarantine WHERE table_name = $1", table)
        return rows + [(app, shape.table.row(*unpack(body))) for app, body in aside]

    async with store.running():
        yield Opened(store, lambda table: store._run(store._writing, partial(load_from, table)))


def message(seq: int, conversation: int = 9, **more: Any) -> Message:
    row: dict[str, Any] = {"sender": "u", "type": 1, "body": b"{}"} | more
    return Message(id=conversation * 1_000_000 + seq, conversation=conversation, seq=seq, **row)
