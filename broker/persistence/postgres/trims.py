"""What floors and deletions leave to be removed in PostgreSQL: noted with the image, removed in slices (DESIGN 2.3).

As in `broker.persistence.sqlite`, with one statement for many floors. Messages and patches behind a floor go, and of a
deleted conversation the positions and requests to join; its tombstones are the hub's to delete.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from broker.hub.rows import Image
from broker.persistence.images import LARGEST, rows_of
from broker.persistence.postgres.schema import arrays, unnest
from broker.persistence.store import SLICE

log = logging.getLogger(__name__)

EVERYTHING = LARGEST
"""The floor of a deleted conversation."""
KINDS = ("text", "bigint", "bigint")
NEW = f"FROM {unnest(KINDS)} AS new (app, conversation, floor)"
NOTE_FLOORS = f"""INSERT INTO trims (app, conversation, floor) SELECT new.* {NEW} WHERE NOT EXISTS
(SELECT 1 FROM heads AS it WHERE it.app = new.app AND it.conversation = new.conversation AND it.floor >= new.floor)
ON CONFLICT (app, conversation) DO UPDATE SET floor = greatest(trims.floor, excluded.floor)"""
NOTE_DELETED = f"""INSERT INTO trims (app, conversation, floor) SELECT new.* {NEW} WHERE NOT EXISTS
(SELECT 1 FROM conversations AS it WHERE it.app = new.app AND it.id = new.conversation AND it.deleted)
ON CONFLICT (app, conversation) DO UPDATE SET floor = excluded.floor"""
SLICE_OF = """DELETE FROM {0} WHERE app = $1 AND ({1}) IN
(SELECT {1} FROM {0} WHERE app = $1 AND conversation = $2{2} LIMIT {3})"""
BEHIND = " AND seq <= $3"
SLICES = (("messages", "id", BEHIND), ("patches", "conversation, number", BEHIND),
          ("positions", 'conversation, "user"', ""), ("join_requests", 'conversation, "user"', ""))  # fmt: skip
"""Table, key and what behind a floor is; the first two for every floor, all of them of a deleted conversation."""


async def note_trims(connection: Any, heads: Sequence[Image], conversations: Sequence[Image]) -> None:
    """Before the images themselves are written, in their transaction."""
    floors = [(app, row.conversation, row.floor) for app, row in rows_of(heads) if row.floor > 0]
    deleted = [(app, row.id, EVERYTHING) for app, row in rows_of(conversations) if row.deleted]
    for sql, rows in ((NOTE_FLOORS, floors), (NOTE_DELETED, deleted)):
        if rows := list(possible(rows)):
            await connection.execute(sql, *arrays(KINDS, rows))


def possible(rows: Iterable[tuple[str, int, int]]) -> Iterable[tuple[str, int, int]]:
    for app, conversation, floor in rows:
        if 0 <= conversation <= LARGEST and floor <= LARGEST:
            yield app, conversation, floor
        else:  # such a row is on its way to quarantine
            log.error("store: cannot trim app=%s conversation=%s floor=%s", app, conversation, floor)


FORGET_SENDS = """DELETE FROM sends WHERE ctid = ANY (ARRAY (SELECT ctid FROM sends WHERE message < $1 LIMIT $2))"""


async def trim(connection: Any, sends_before: int) -> bool:
    """One slice, in one transaction. Whether something is left."""
    room = SLICE
    async with connection.transaction():
        for app, conversation, floor in await connection.fetch("SELECT app, conversation, floor FROM trims LIMIT 200"):
            for table, key, behind in SLICES if floor == EVERYTHING else SLICES[:2]:
                more = (floor,) if behind else ()
                done = await connection.execute(SLICE_OF.format(table, key, behind, room), app, conversation, *more)
                room -= int(done.split()[-1])
                if room <= 0:
                    return True
            await connection.execute("DELETE FROM trims WHERE app = $1 AND conversation = $2", app, conversation)
        forgotten = await connection.execute(FORGET_SENDS, sends_before, room) if sends_before else "DELETE 0"
        return forgotten == f"DELETE {room}" or bool(await connection.fetchval("SELECT EXISTS (SELECT 1 FROM trims)"))
