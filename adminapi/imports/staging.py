"""What was read from the files, on the disk until it is sent: conversations, and messages by conversation and time.

The law: files come in any order and overlap, messages leave in the order the broker takes them, each once. Memory does not
grow with the export. The stage is made anew for each run: what is at the broker already, the broker knows. Its file has no
name once it is open, so nothing of it stays, however a run ends.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from protocol.commands import ImportedConversation, ImportedMessage
from protocol.ids import LARGEST
from protocol.settings import BadSettings

TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE conversations (alias TEXT PRIMARY KEY, changed INTEGER, row BLOB) WITHOUT ROWID;
CREATE TABLE messages (alias TEXT, at INTEGER, id TEXT, changed INTEGER, row BLOB, PRIMARY KEY (alias, at, id))
    WITHOUT ROWID;
"""
NEWER = "DO UPDATE SET changed = excluded.changed, row = excluded.row WHERE excluded.changed >= changed"
"""Of two rows of the same thing the one that was changed last counts, wherever it stood."""
encode = msgspec.msgpack.encode
conversation_from = msgspec.msgpack.Decoder(ImportedConversation).decode
message_from = msgspec.msgpack.Decoder(ImportedMessage).decode


class Stage:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        handle, name = tempfile.mkstemp(prefix="parley-import-", dir=folder)
        os.close(handle)
        self._db = sqlite3.connect(name, isolation_level=None)
        self._db.executescript(TABLES)
        os.unlink(name)
        self._db.execute("BEGIN")

    def add_conversation(self, row: ImportedConversation) -> None:
        values = (row.alias, row.updated_ms, encode(row))
        self._db.execute(f"INSERT INTO conversations VALUES (?, ?, ?) ON CONFLICT (alias) {NEWER}", values)

    def add_message(self, row: ImportedMessage) -> None:
        # What was taken back stays so: that is no edit, and has no time of its own.
        changed = LARGEST if row.recalled else row.edited_ms
        values = (row.conversation, row.time_ms, row.id, changed, encode(row))
        self._db.execute(f"INSERT INTO messages VALUES (?, ?, ?, ?, ?) ON CONFLICT (alias, at, id) {NEWER}", values)

    def counts(self) -> tuple[int, int]:
        """Of conversations and messages."""
        query = "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)"
        conversations, messages = self._db.execute(query).fetchone()
        return conversations, messages

    def conversations(self) -> Iterator[ImportedConversation]:
        for (row,) in self._db.execute("SELECT row FROM conversations ORDER BY alias"):
            yield conversation_from(row)

    def messages(self) -> Iterator[ImportedMessage]:
        """Conversation by conversation, oldest first."""
        for (row,) in self._db.execute("SELECT row FROM messages ORDER BY alias, at, id"):
            yield message_from(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """BadSettings if the disk it lies on has failed it."""
        self._db.close()
        if isinstance(error, sqlite3.Error):
            detail = f"{self._folder} cannot hold what is read: {error}. Set TMPDIR to a folder that has room."
            raise BadSettings(detail) from None
