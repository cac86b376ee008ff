"""How a table of `broker.hub.rows.TABLES` lies in SQL: one column a field, `app` before them, no code per table.

`Layout` is what all databases share. SQLite's `Shape` has int and bool as INTEGER, str as TEXT, bytes as BLOB, a tuple as a
BLOB of JSON, in STRICT tables, so what is read has the type that was written; bools are given back by `rows`, as a 1 in a
bool's place would not pass the journal's decoder again. PostgreSQL's is in `broker.persistence.postgres.schema`.
Fields added at the end of a row type are added as columns when an older database is opened; a database with columns this
program does not know is a newer program's, and refused.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_origin

import msgspec

from broker.hub.rows import TABLES, Image, Table
from broker.persistence.store import StoreRefused

Columns = tuple[Any, ...]
KINDS = {int: "INTEGER", bool: "INTEGER", str: "TEXT", bytes: "BLOB", tuple: "BLOB"}

ROWS_IN_A_ROW = 32
"""About 0.2 ms of SQLite."""


class Layout:
    """What every database's shape of a table shares: the names of its columns, and its rows as values of them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        fields = msgspec.structs.fields(table.row)
        self.fields = tuple(field.name for field in fields)
        self.kinds: list[type] = [get_origin(field.type) or field.type for field in fields]
        self.tuples = tuple(at for at, kind in enumerate(self.kinds) if kind is tuple)
        self.lists: msgspec.json.Decoder[Any] = msgspec.json.Decoder(tuple[int | str, ...])
        self.many: Any = list[table.row]  # type: ignore[name-defined]  # for msgspec, made at run time
        self.key_at = tuple(self.fields.index(name) for name in table.key)
        self.names = names(self.fields)
        self.select = f'SELECT {self.names} FROM "{self.name}"'
        # `app` behind the fields: a row's decoder passes over what follows its last field.
        self.load = f'SELECT {self.names}, app FROM "{self.name}"'

    def changes(self, key: Sequence[str]) -> str:
        """What an upsert does with a row that is there."""
        others = [name for name in ("app", *self.fields) if name not in key]
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
        return f"UPDATE SET {changes}" if changes else "NOTHING"

    def present(self, name: str) -> str:
        """The condition that a field is not its default."""
        field = msgspec.structs.fields(self.table.row)[self.fields.index(name)]
        return f"{name} <> {literal(field.default)}"

    def known(self, present: Iterable[str], database: str) -> int:
        """How many of the fields a table with those columns has. StoreRefused if it is a newer program's."""
        there = [name for name in present if name != "app"]
        if tuple(there) != self.fields[: len(there)]:
            unknown = ", ".join(name for name in there if name not in self.fields) or "another order of columns"
            raise StoreRefused(
                f"the table {self.name} of {database} was made by a newer program (it has: {unknown}); "
                "start that version of Parley, or give this one a data directory of its own"
            )
        return len(there)

    def values(self, image: Image) -> Columns:
        """The app and the columns of an image's row. TypeError and the like if the row is not of this table."""
        columns: Columns = msgspec.structs.astuple(image.row)  # type: ignore[arg-type]  # None raises TypeError
        if self.tuples:
            changed = list(columns)
            for at in self.tuples:
                changed[at] = msgspec.json.encode(columns[at])
            return (image.app, *changed)
        return (image.app, *columns)

    def rows(self, columns: Sequence[Columns]) -> list[Any]:
        """The rows of many tuples of columns. One call of msgspec for all: twice as fast as a call a row."""
        if self.tuples:
            changed: list[list[Any]] = [list(row) for row in columns]
            for row in changed:
                for at in self.tuples:
                    row[at] = self.lists.decode(row[at])
            columns = changed  # type: ignore[assignment]  # lists do as well as tuples below
        rows: list[Any] = msgspec.convert(columns, self.many, strict=False)
        return rows


class Shape(Layout):
    """The SQL of one table in SQLite, worked out once."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.by_id = table.key == ("id",) and not table.in_memory
        """Rows are kept by their id alone, which is unique over all apps: the SQLite rowid (see TABLES)."""
        fields = msgspec.structs.fields(table.row)
        self.columns = [
            f'"{field.name}" {KINDS[kind]} NOT NULL' + default(field) for field, kind in zip(fields, self.kinds, strict=True)
        ]
        key = table.key if self.by_id else ("app", *table.key)
        self.key = names(key)
        self.upsert = (
            f'INSERT INTO "{self.name}" (app, {self.names}) VALUES ({", ".join("?" * (len(fields) + 1))}) '
            f"ON CONFLICT ({self.key}) DO {self.changes(key)}"
        )
        where = " AND ".join(f'"{name}" = ?' for name in ("app", *table.key))
        self.delete = f'DELETE FROM "{self.name}" WHERE {where}'

    def put_values(self, images: Iterable[Image]) -> Iterator[Columns]:
        """The parameters of `upsert`, a row at a time. Between some of them this gives way to a commit of the journal, as
        `broker.persistence.journal` has it."""
        for number, image in enumerate(images):
            if number % ROWS_IN_A_ROW == 0:
                os.sched_yield()
            yield self.values(image)

    def create(self) -> list[str]:
        columns = ", ".join(self.columns)
        if self.by_id:
            columns = columns.replace('"id" INTEGER NOT NULL', '"id" INTEGER PRIMARY KEY')
            sql = f'CREATE TABLE "{self.name}" ({columns}, app TEXT NOT NULL) STRICT'
        else:
            sql = (
                f'CREATE TABLE "{self.name}" (app TEXT NOT NULL, {columns}, PRIMARY KEY ({self.key})) STRICT, WITHOUT ROWID'
            )
        return [sql]

    def create_indexes(self) -> list[str]:
        return [
            f'CREATE INDEX IF NOT EXISTS "{self.name}_{"_".join(index)}" ON "{self.name}" ({", ".join(index)})'
            + (f" WHERE {self.present(index[-1])}" if index in self.table.sparse else "")
            for index in (*self.table.indexes, *self.table.sparse)
        ]

    def find(self, *names: str) -> str:
        """The query for rows by the values of these fields, then the app. A sparse index serves it only where it says the
        condition of that index, too."""
        where = " AND ".join(f"{name} = ?" for name in names)
        if names in self.table.sparse:
            where += f" AND {self.present(names[-1])}"
        return f"{self.select} WHERE {where} AND app = ?"

    def migrate(self, present: Iterable[str]) -> list[str]:
        """The statements that bring a table with those columns to this shape. StoreRefused if it is a newer one."""
        there = self.known(present, "parley.db")
        return [f'ALTER TABLE "{self.name}" ADD COLUMN {column}' for column in self.columns[there:]]


def names(fields: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in fields)


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT:
        return ""
    return " DEFAULT " + literal(field.default)


def literal(value: object) -> str:
    """A value of a row as SQL text; only defaults, which stand in our own source."""
    if isinstance(value, tuple):
        value = msgspec.json.encode(value)
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, int):
        return str(int(value))
    return "'" + str(value).replace("'", "''") + "'"


SHAPES: dict[str, Shape] = {name: Shape(table) for name, table in TABLES.items()}


# Rows the database refuses are kept as JSON, which takes any integer and half a surrogate pair.


def pack(values: Iterable[Any]) -> bytes:
    return json.dumps(list(values), default=pack_bytes, separators=(",", ":")).encode("ascii")


def pack_bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    return {"unknown": repr(value)}


def unpack(body: bytes) -> tuple[Any, ...]:
    convert: dict[type, Callable[[Any], Any]] = {
        dict: lambda value: base64.b64decode(value["bytes"]) if "bytes" in value else value["unknown"],
        list: tuple,
    }
    return tuple(convert.get(type(value), lambda value: value)(value) for value in json.loads(body))
