"""How a table of `broker.hub.rows.TABLES` lies in PostgreSQL: one column a field, the app in front of every key.

int is bigint, bool boolean, str text, bytes bytea, a tuple a bytea of JSON: bodies are never text or jsonb, which refuse
what JSON may hold. A statement takes arrays, one a column, so that many rows are one message to the server and one plan;
arrays of numbers travel as the server's text form of them, which is written in one call (measured: a quarter of what
asyncpg takes, which looks at every element twice before it encodes it).
The counterpart for SQLite, and what both share: `broker.persistence.schema`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from broker.hub.rows import TABLES, Image, Table
from broker.persistence.schema import Columns, Layout, names

NUMBERS = frozenset({"bigint", "boolean"})
KINDS = {int: "bigint", bool: "boolean", str: "text", bytes: "bytea", tuple: "bytea"}

OURS = """
CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS quarantine (app text NOT NULL, table_name text NOT NULL, key bytea NOT NULL,
    body bytea NOT NULL, error text NOT NULL, at_ms bigint NOT NULL, PRIMARY KEY (app, table_name, key));
CREATE TABLE IF NOT EXISTS trims (app text NOT NULL, conversation bigint NOT NULL, floor bigint NOT NULL,
    PRIMARY KEY (app, conversation));
"""
CHANGED = 'CREATE INDEX IF NOT EXISTS "patches_changed" ON "patches" (app, conversation, changed)'
"""`sync` asks for the patches since a commit. SQLite finds them by going back from the newest."""


class PostgresShape(Layout):
    """The SQL of one table, worked out once."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.columns = [
            f'"{field.name}" {KINDS[kind]} NOT NULL{default(field)}'
            for field, kind in zip(msgspec.structs.fields(table.row), self.kinds, strict=True)
        ]
        key = ("app", *table.key)
        self.key = names(key)
        self.put_kinds = kinds = ["text", *(KINDS[kind] for kind in self.kinds)]
        self.upsert = (
            f'INSERT INTO "{self.name}" (app, {self.names}) SELECT * FROM {unnest(kinds)} '
            f"ON CONFLICT ({self.key}) DO {self.changes(key)}"
        )
        self.delete_kinds = key_kinds = ["text", *(kinds[1 + at] for at in self.key_at)]
        same = " AND ".join(f'it."{name}" = gone."{name}"' for name in key)
        self.delete = f'DELETE FROM "{self.name}" AS it USING {unnest(key_kinds)} AS gone ({self.key}) WHERE {same}'

    def create(self) -> list[str]:
        columns = ", ".join(["app text NOT NULL", *self.columns])
        return [f'CREATE TABLE "{self.name}" ({columns}, PRIMARY KEY ({self.key}))']

    def create_indexes(self) -> list[str]:
        return [
            f'CREATE INDEX IF NOT EXISTS "{self.name}_{"_".join(index)}" ON "{self.name}" (app, {names(index)})'
            + (f" WHERE {self.present(index[-1])}" if index in self.table.sparse else "")
            for index in (*self.table.indexes, *self.table.sparse)
        ]

    def migrate(self, present: Iterable[str]) -> list[str]:
        """The statements that bring a table with those columns to this shape. StoreRefused if it is a newer one."""
        there = self.known(present, "the PostgreSQL database")
        return [f'ALTER TABLE "{self.name}" ADD COLUMN {column}' for column in self.columns[there:]]

    def put_values(self, images: Sequence[Image]) -> list[Any]:
        """The parameters of `upsert`."""
        return arrays(self.put_kinds, map(self.values, images))

    def delete_values(self, images: Sequence[Image]) -> list[Any]:
        """The parameters of `delete`."""
        return arrays(self.delete_kinds, ((image.app, *image.key) for image in images))


def unnest(kinds: Sequence[str]) -> str:
    """Rows out of the parameters that `arrays` makes."""
    casts = (f"${at}::text::{kind}[]" if kind in NUMBERS else f"${at}::{kind}[]" for at, kind in enumerate(kinds, 1))
    return f"unnest({', '.join(casts)})"


def arrays(kinds: Sequence[str], rows: Iterable[Columns]) -> list[Any]:
    """The parameters for some rows, one a column. TypeError if a number is none."""
    columns = zip(*rows, strict=True)
    return [numbers(column) if kind in NUMBERS else column for kind, column in zip(kinds, columns, strict=True)]


def numbers(column: Columns) -> str:
    return ("{" + "%d," * len(column))[:-1] % column + "}"


def default(field: msgspec.structs.FieldInfo) -> str:
    """Only of our own source: nothing is quoted that a stranger wrote."""
    value: object = field.default
    if value is msgspec.NODEFAULT:
        return ""
    if isinstance(value, tuple):
        value = msgspec.json.encode(value)
    if isinstance(value, bytes):
        return f" DEFAULT '\\x{value.hex()}'"
    if isinstance(value, bool | int):
        return f" DEFAULT {str(value) if isinstance(value, bool) else int(value)}"
    return " DEFAULT '" + str(value).replace("'", "''") + "'"


SHAPES: dict[str, PostgresShape] = {name: PostgresShape(table) for name, table in TABLES.items()}
