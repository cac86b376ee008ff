"""One transaction of the PostgreSQL store: images as statements, and what to do with a row that is refused.

Most transactions refuse nothing, so the first attempt is made without savepoints; a refused value ends it (`Refusal`), and
the second one looks for the row by halves and moves it to `quarantine`, within the same transaction.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from broker.hub.rows import Image
from broker.persistence.images import weigh
from broker.persistence.postgres.line import DATA_ERRORS
from broker.persistence.postgres.schema import SHAPES, PostgresShape
from broker.persistence.postgres.trims import note_trims
from broker.persistence.schema import pack

log = logging.getLogger(__name__)

STATEMENT_ROWS = 200
STATEMENT_BYTES = 256 * 1024
"""Of one statement. Its values are encoded on the thread of the reactor, whose turns are to be short."""
Mark = tuple[str, str, bytes]
"""App, table and key of a row in quarantine."""


class Refusal(Exception):
    """A value was refused: the transaction is to be made again with care."""


class Batch:
    """Images by what is done with them. ValueError: of a table this program does not have."""

    def __init__(self, images: Sequence[Image]) -> None:
        self.puts: defaultdict[str, list[Image]] = defaultdict(list)
        self.deletes: defaultdict[str, list[Image]] = defaultdict(list)
        for image in images:
            if image.table not in SHAPES:
                raise ValueError(f"there is no table {image.table}")
            (self.deletes if image.row is None else self.puts)[image.table].append(image)


class Write:
    """The statements of one transaction. Its marks are the store's once it is committed."""

    def __init__(self, connection: Any, marks: set[Mark], careful: bool) -> None:
        self._connection = connection
        self._marks = marks
        self._careful = careful

    async def all(self, batch: Batch) -> None:
        """Refusal, unless it is careful."""
        try:
            await note_trims(self._connection, batch.puts.get("heads", ()), batch.puts.get("conversations", ()))
            for name, images in batch.deletes.items():
                for part in parts(images):
                    await self.delete(SHAPES[name], part)
            for name, images in batch.puts.items():
                for part in parts(images):
                    await self.put(SHAPES[name], part)
        except DATA_ERRORS as error:
            raise Refusal(str(error)) from error

    async def put(self, shape: PostgresShape, images: Sequence[Image]) -> None:
        await self._each(shape, images, shape.upsert, shape.put_values, self._set_aside)

    async def delete(self, shape: PostgresShape, images: Sequence[Image]) -> None:
        await self._each(shape, images, shape.delete, shape.delete_values, self._release)

    async def _each(
        self,
        shape: PostgresShape,
        images: Sequence[Image],
        sql: str,
        values: Callable[[Sequence[Image]], list[Any]],
        refuse: Callable[[PostgresShape, Sequence[Image], Exception | None], Awaitable[None]],
    ) -> None:
        """All of them at once; if the database refuses one, it is found by halves."""
        if not self._careful:
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
        log.error("store: a row is in quarantine app=%s table=%s key=%s error=%s", image.app, shape.name, mark[2], why)

    async def _pass_over(self, shape: PostgresShape, images: Sequence[Image], error: Exception | None) -> None:
        """A key the database cannot take cannot be in the table."""


def parts(images: Sequence[Image]) -> Iterator[Sequence[Image]]:
    """What goes into one statement."""
    for start in range(0, len(images), STATEMENT_ROWS):
        yield from light(images[start : start + STATEMENT_ROWS])


def light(images: Sequence[Image]) -> Iterator[Sequence[Image]]:
    """Weighed together, as most are light; else by halves."""
    if len(images) == 1 or weigh(images) <= STATEMENT_BYTES:
        yield images
        return
    middle = len(images) // 2
    yield from light(images[:middle])
    yield from light(images[middle:])
