"""The SQLite store, beside what `test_store` asks of any: its file, its versions, and what else goes wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from broker.hub.recent import MessageKey, MessagesKey, OldKey, PatchesKey
from broker.hub.rows import (
    AliasRow,
    ClassMarkRow,
    ConversationRow,
    HeadRow,
    JoinRequestRow,
    MemberRow,
    PositionRow,
    Row,
    delete,
    put,
)
from broker.persistence import schema
from broker.persistence.schema import SHAPES
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import StoreRefused, StoreUnavailable
from protocol.records import Message, PatchRecord
from tests.broker.persistence.stores import message


@contextmanager
def opened(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with opened(tmp_path / "parley.db") as store:
        yield store


def test_epoch_position_and_largest_id_outlive_the_process(tmp_path: Path) -> None:
    with opened(tmp_path / "parley.db") as store:
        epoch = store.epoch
        assert (len(epoch), int(epoch, 16) > 0, store.position, store.largest_id()) == (16, True, 0, 0)
        conversation = ConversationRow(77_000_000, 3, "u", "u", 1)
        store.write([put("a", "messages", message(3)), put("a", "conversations", conversation)], 5)
        store.write([delete("a", "conversations", conversation.id)], 6)
    with opened(tmp_path / "parley.db") as store:
        assert (store.epoch, store.position, store.largest_id()) == (epoch, 6, 77_000_000)
    with opened(tmp_path / "other.db") as store:
        assert store.epoch != epoch


def test_a_failing_write_changes_neither_rows_nor_position(store: SqliteStore) -> None:
    store.write([put("a", "messages", message(1))], 1)
    with store._db:
        store._db.execute("ALTER TABLE patches RENAME TO gone")
    record = PatchRecord(9, 1, 9_000_001, 1, 3, b"{}", "u", 5)
    with pytest.raises(StoreUnavailable, match="patches"):
        store.write([put("a", "messages", message(2)), put("a", "patches", record)], 2)
    with store._db:
        store._db.execute("ALTER TABLE gone RENAME TO patches")
    assert store.position == 1
    assert store.fetch("a", [MessagesKey(9, 0, 99)]) == [message(1)]
    store.write([put("a", "messages", message(2)), put("a", "patches", record)], 2)
    assert store.position == 2
    assert len(store.fetch("a", [MessagesKey(9, 0, 99), PatchesKey(9, -1, 5)])) == 3


def test_a_locked_database_is_unavailable_and_then_goes_on(store: SqliteStore, tmp_path: Path) -> None:
    store._db.set_busy_timeout(1)
    other = apsw.Connection(str(tmp_path / "parley.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        store.write([put("a", "messages", message(1))], 1)
    other.execute("ROLLBACK")
    other.close()
    store.write([put("a", "messages", message(1))], 1)
    assert store.fetch("a", [MessageKey(9_000_001)]) == [message(1)]


def test_old_ids_cost_the_others_nothing(store: SqliteStore) -> None:
    """The index holds the rows that have one, and is what the query uses."""
    query = SHAPES["messages"].find("conversation", "old_id")
    plan = str(store._db.execute(f"EXPLAIN QUERY PLAN {query}", (9, "m3", "a")).fetchall())
    assert "messages_conversation_old_id (conversation=? AND old_id=?)" in plan
    sql = store._db.execute("SELECT sql FROM sqlite_master WHERE name = 'messages_conversation_old_id'").get
    assert str(sql).endswith("WHERE old_id <> ''")


def test_a_database_from_before_old_ids_gets_column_and_index(tmp_path: Path) -> None:
    with opened(tmp_path / "parley.db") as store:
        store.write([put("a", "messages", message(1))], 1)
        store._db.execute("DROP INDEX messages_conversation_old_id; ALTER TABLE messages DROP COLUMN app")
        for column in ("everyone", "old_id"):  # the newest come last
            store._db.execute(f"ALTER TABLE messages DROP COLUMN {column}")
        store._db.execute("ALTER TABLE messages ADD COLUMN app TEXT DEFAULT 'a'")
    with opened(tmp_path / "parley.db") as store:
        store.write([put("a", "messages", message(2, old_id="m2"))], 2)
        assert store.fetch("a", [MessageKey(9_000_001), OldKey(9, "m2")]) == [message(1), message(2, old_id="m2")]


def large(seq: int) -> Message:
    return message(seq, body=b'{"text":"%s"}' % (b"x" * 4000))


def trimmed(store: SqliteStore) -> int:
    slices = 0
    while store.trim():
        slices += 1
    return slices


def size_of(path: Path) -> int:
    """What the file takes when it is closed, for a file shrinks with a checkpoint."""
    return path.stat().st_size


def test_what_was_removed_is_given_back_to_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with opened(path) as store:
        store.write([put("a", "messages", large(seq)) for seq in range(1, 4001)], 1)
    full = size_of(path)
    with opened(path) as store:
        store.write([put("a", "heads", HeadRow(9, 4000, floor=3900))], 2)
        assert trimmed(store) >= 6  # four slices of rows, then pages
        assert [row.seq for row in store.fetch("a", [MessagesKey(9, 3900, 4000)])] == list(range(3901, 4001))  # type: ignore[union-attr]
    assert size_of(path) < full // 3  # some free pages stay for what comes
    with opened(path) as store:
        assert store._db.execute("PRAGMA integrity_check").get == "ok"


def test_a_file_of_before_uses_its_free_pages_again(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL; CREATE TABLE old (x); DROP TABLE old").fetchall()
    db.close()
    with opened(path) as store:
        store.write([put("a", "messages", large(seq)) for seq in range(1, 2001)], 1)
        store.write([put("a", "heads", HeadRow(9, 2000, floor=2000))], 2)
        trimmed(store)
    before = size_of(path)
    with opened(path) as store:
        assert store._db.pragma("auto_vacuum") == 0
        store.write([put("a", "messages", large(seq)) for seq in range(2001, 3900)], 3)
    assert size_of(path) <= before


# Other versions


def test_columns_a_new_field_needs_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "parley.db"
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE members (app TEXT NOT NULL, conversation INTEGER NOT NULL, user TEXT NOT NULL, "
               "joined_ms INTEGER NOT NULL, PRIMARY KEY (app, conversation, user)) STRICT, WITHOUT ROWID")  # fmt: skip
    db.execute("CREATE TABLE positions (app TEXT NOT NULL, conversation INTEGER NOT NULL, user TEXT NOT NULL, "
               "PRIMARY KEY (app, conversation, user)) STRICT, WITHOUT ROWID")  # fmt: skip
    db.execute("INSERT INTO members VALUES ('a', 1, 'u', 5); INSERT INTO positions VALUES ('a', 1, 'u')")
    db.close()
    with opened(path) as store:
        assert repr(list(store.load("members"))) == repr([("a", MemberRow(1, "u", 5))])
        assert repr(list(store.load("positions"))) == repr([("a", PositionRow(1, "u"))])
        store.write([put("a", "members", MemberRow(1, "u", 5, blocked=True))], 1)
        assert list(store.load("members")) == [("a", MemberRow(1, "u", 5, blocked=True))]


def test_a_table_is_loaded_app_by_app_each_by_key(store: SqliteStore) -> None:
    rows = [(app, MemberRow(number, "u", 5)) for app in ("b", "", "a", "a2") for number in (2, 1)]
    store.write([put(app, "members", row) for app, row in rows], 1)
    found = list(store.load_many("members"))
    assert [app for app, _ in found] == ["", "a", "a2", "b"]
    assert all(part == [MemberRow(1, "u", 5), MemberRow(2, "u", 5)] for _, part in found)
    store.write([put(app, "messages", message(seq, seq)) for seq, app in ((1, "b"), (2, "a"), (3, "b"))], 2)
    assert [(app, row.seq) for app, row in store.load("messages")] == [("a", 2), ("b", 1), ("b", 3)]


def test_a_database_from_before_what_came_later_opens_and_takes_it(tmp_path: Path) -> None:
    path, old = tmp_path / "parley.db", ConversationRow(1, 3, "u", "u", 5, "team")
    with opened(path) as store:
        store.write([put("a", "conversations", old), put("a", "members", MemberRow(1, "u", 5, 2))], 7)
        for statement in (
            "DROP TABLE join_requests",
            "DROP TABLE class_marks",
            "DROP TABLE aliases",
            *(f"ALTER TABLE conversations DROP COLUMN {name}" for name in ("most", "updated_by", "ttl_seconds")),
            *(f"ALTER TABLE members DROP COLUMN {name}" for name in ("by", "act", "act_ms", "act_by")),
        ):
            store._db.execute(statement)
    with opened(path) as store:
        assert store.position == 7
        assert list(store.load("conversations")) == [("a", old)]
        assert list(store.load("members")) == [("a", MemberRow(1, "u", 5, 2))]
        rows: dict[str, Row] = {
            "join_requests": JoinRequestRow(1, "v", 9),
            "class_marks": ClassMarkRow(2, 16_000, 77, 9),
            "aliases": AliasRow("leancloud", "0" * 24, 1, 5, "m5", 3),
        }
        assert [list(store.load(table)) for table in rows] == [[], [], []]
        store.write([put("a", table, row) for table, row in rows.items()], 8)
        store.write([put("a", "conversations", ConversationRow(1, 3, "u", "u", 5, "team", most=9, ttl_seconds=60))], 9)
        store.write([put("a", "members", MemberRow(1, "u", 5, 2, by="v", act=1, act_ms=7, act_by="w"))], 10)
    with opened(path) as store:
        assert {table: list(store.load(table)) for table in rows} == {table: [("a", row)] for table, row in rows.items()}
        assert next(store.load("conversations"))[1].ttl_seconds == 60
        assert next(store.load("members"))[1].act_by == "w"


@pytest.mark.parametrize("newer", ["PRAGMA user_version = 99", "ALTER TABLE heads ADD COLUMN colour TEXT"])
def test_a_database_of_a_newer_program_is_refused_with_a_sentence(tmp_path: Path, newer: str) -> None:
    with opened(tmp_path / "parley.db") as store:
        store._db.execute(newer)
    with pytest.raises(StoreRefused, match="newer"):
        SqliteStore(tmp_path / "parley.db")


def test_a_file_that_is_no_database_is_unavailable_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "parley.db").write_bytes(b"my holiday photos" * 100)
    with pytest.raises(StoreUnavailable):
        SqliteStore(tmp_path / "parley.db")
    assert (tmp_path / "parley.db").read_bytes() == b"my holiday photos" * 100


def test_every_default_of_every_table_can_be_a_column(store: SqliteStore) -> None:
    for shape in schema.SHAPES.values():
        there = [column[1] for column in store._db.execute(f'PRAGMA table_info("{shape.name}")')]
        assert sorted(there) == sorted(("app", *shape.fields))
