"""What has to be removed from SQLite later, noted in the transaction that makes it superfluous, removed in slices.

So no restart forgets it and nobody waits for it (DESIGN 2.3). Removed rows leave free pages, which new rows use; what is
more than an eighth of the file is given back to the file system, a slice at a time too (`auto_vacuum` is incremental in
databases made since; in older ones the pages are only used again).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import apsw
import msgspec

from broker.persistence.store import SLICE

log = logging.getLogger(__name__)

TABLE = """CREATE TABLE IF NOT EXISTS trims (app TEXT NOT NULL, conversation INTEGER NOT NULL, floor INTEGER NOT NULL,
    PRIMARY KEY (app, conversation)) STRICT, WITHOUT ROWID;
"""
EVERYTHING = (1 << 63) - 1
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
NEXT_SENDS = """SELECT app, user, device, slot FROM sends WHERE (app, user, device, slot) > (?, ?, ?, ?)
ORDER BY app, user, device, slot LIMIT 1 OFFSET ?"""
FORGET_SENDS = """DELETE FROM sends WHERE message < ?
AND (app, user, device, slot) > (?, ?, ?, ?) AND (app, user, device, slot) <= (?, ?, ?, ?)"""
LAST_SEND = (chr(0x10FFFF), "", "", 0)
"""Behind every app."""
FREE_SHARE = 8
"""Free pages up to one in so many stay for what comes."""
PAGES = 1_000
"""Given back at a time; 4 MB. So many free ones at least, or nothing is worth moving."""


def note_trims(
    db: apsw.Connection,
    floors: Iterable[tuple[str, int, int]],
    deleted: Iterable[tuple[str, int]],
    refused: tuple[type[Exception], ...],
) -> None:
    """(app, conversation, floor) and (app, conversation), inside the transaction. What the database refuses for what it is
    stays."""
    for sql, rows in ((NOTE_FLOOR, list(floors)), (NOTE_DELETED, [(*place, EVERYTHING) for place in deleted])):
        for row in rows:
            try:
                db.execute(sql, row)
            except refused as error:
                log.error("store: cannot trim app=%s conversation=%s error=%s", row[0], row[1], error)


def trims_left(db: apsw.Connection) -> bool:
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM trims)").get)


def trim_slice(db: apsw.Connection) -> None:
    """Inside a transaction: at most SLICE rows. Messages and patches behind a floor, and of a deleted conversation the
    positions and requests to join. Its tombstones (conversation, head, members) are the hub's to delete."""
    room = SLICE
    for app, conversation, floor in db.execute("SELECT * FROM trims LIMIT 200").fetchall():
        statements = [TRIM_MESSAGES, TRIM_PATCHES]
        if floor == EVERYTHING:
            statements += [TRIM_USERS.format(table) for table in ("positions", "join_requests")]
        for sql in statements:
            db.execute(sql, (app, conversation, floor, room))
            room -= db.changes()
            if room <= 0:
                return
        db.execute("DELETE FROM trims WHERE app = ? AND conversation = ?", (app, conversation))


class Swept(msgspec.Struct, frozen=True):
    """How far the sends have been looked through, and up to which id of a message that was once done to the end."""

    before: int = 0
    at: tuple[str, str, str, int] = ("", "", "", -1)


def forget_sends(db: apsw.Connection, swept: Swept, before: int) -> Swept:
    """Look through the next SLICE sends, and remove those of messages with an id below `before`. They have no index by
    message, which would cost every send more than this."""
    end = db.execute(NEXT_SENDS, (*swept.at, SLICE - 1)).fetchone()
    db.execute(FORGET_SENDS, (before, *swept.at, *(end or LAST_SEND)))
    return Swept(swept.before, end) if end else Swept(before)


def pages_left(db: apsw.Connection) -> bool:
    """Whether enough of the file is free, and can be given back."""
    free, pages, kind = (number(db.pragma(name)) for name in ("freelist_count", "page_count", "auto_vacuum"))
    return kind == 2 and free >= PAGES and free * FREE_SHARE > pages


def give_back(db: apsw.Connection) -> None:
    """Some free pages. The file shrinks with the checkpoint behind it."""
    db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()


def number(value: Any) -> int:
    return int(value)
