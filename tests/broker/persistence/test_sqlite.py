"""The SQLite store: what is written is there, once, after any crash; what it refuses is set aside, not lost."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.hub.recent import MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import (
    TABLES,
    AliasRow,
    ClassMarkRow,
    ConversationRow,
    HeadRow,
    Image,
    JoinRequestRow,
    MemberRow,
    PositionRow,
    Row,
    SendRow,
    delete,
    put,
)
from broker.persistence import schema
from broker.persistence.schema import SHAPES
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import StoreRefused, StoreUnavailable
from protocol.records import Message, PatchRecord
from tests.broker.persistence.conftest import any_image


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


def contents(store: SqliteStore) -> dict[tuple[str, str, tuple[Any, ...]], str]:
    """Every row as its repr, which tells True from 1."""
    return {
        (app, name, tuple(getattr(row, field) for field in table.key)): repr(row)
        for name, table in TABLES.items()
        for app, row in store.load(name)
    }


def message(seq: int, conversation: int = 9, **more: Any) -> Message:
    row: dict[str, Any] = {"sender": "u", "type": 1, "body": b"{}"} | more
    return Message(id=conversation * 1_000_000 + seq, conversation=conversation, seq=seq, **row)


commits = st.lists(st.lists(any_image, min_size=1, max_size=4), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(commits, st.integers(0, 5))
def test_the_newest_image_of_a_key_is_what_is_there(written: list[list[Image]], again: int) -> None:
    expected: dict[Any, str] = {}
    for images in written:
        for image in images:
            expected.pop((image.app, image.table, image.key), None)
            if image.row is not None:
                expected[image.app, image.table, image.key] = repr(image.row)
    with tempfile.TemporaryDirectory() as name:
        with opened(Path(name) / "parley.db") as store:
            for number, images in enumerate(written, 1):
                store.write(images, number)
            assert contents(store) == expected
        # Written again from any earlier commit on, as after a crash between store and journal: nothing changes.
        with opened(Path(name) / "parley.db") as store:
            assert store.position == len(written)
            for number, images in list(enumerate(written, 1))[min(again, len(written) - 1) :]:
                store.write(images, number)
            assert contents(store) == expected
            assert store.position == len(written)
            assert store.quarantined == 0


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


def test_fetch_gives_the_app_its_own_rows_only(store: SqliteStore) -> None:
    sends = [SendRow("u", "d", n % 64, n, str(n), n, 9, n) for n in range(1, 4)]
    patches = [PatchRecord(9, n, 9_000_001, 1, 3, b"{}", "u", 5, changed=10 * n) for n in range(1, 6)]
    images = [put("a", "messages", message(seq, mentions=("x", "y"), receipt=True)) for seq in range(1, 8)]
    images += [put("a", "sends", send) for send in sends] + [put("a", "patches", patch) for patch in patches]
    images += [put("b", "messages", message(1, conversation=10)), put("b", "sends", sends[0])]
    store.write(images, 1)
    found = store.fetch("a", [MessagesKey(9, 3, 5)])
    assert [row.seq for row in found if isinstance(row, Message)] == [3, 4, 5]
    assert repr(found[0]) == repr(message(3, mentions=("x", "y"), receipt=True))
    assert store.fetch("a", [MessageKey(10_000_001), MessagesKey(10, 0, 9)]) == []
    assert store.fetch("b", [MessageKey(10_000_001)]) == [message(1, conversation=10)]
    assert sorted(store.fetch("a", [SendsKey("u", "d")]), key=repr) == sends
    assert len(store.fetch("b", [SendsKey("u", "d")])) == 1
    assert store.fetch("b", [PatchesKey(9, 0, 9)]) == []
    assert sorted(store.fetch("a", [PatchesKey(9, 20, 2)]), key=repr) == patches[2:4]
    assert sorted(store.fetch("a", [PatchesKey(9, 20, 2, last=True)]), key=repr) == patches[3:]
    assert len(store.fetch("a", [PatchesKey(9, 0, 9)])) == 5
    assert store.fetch("a", [MessagesKey(9, -5, 1 << 70)]) == [
        message(n, mentions=("x", "y"), receipt=True) for n in range(1, 8)
    ]


def test_a_message_is_found_by_its_old_id(store: SqliteStore) -> None:
    rows = [message(seq, old_id=f"m{seq}" if seq % 2 else "") for seq in range(1, 8)]
    rows += [message(1, conversation=10, old_id="m1")]
    store.write([put("a", "messages", row) for row in rows], 1)
    assert store.fetch("a", [OldKey(9, "m3"), OldKey(10, "m1")]) == [rows[2], rows[-1]]
    assert store.fetch("a", [OldKey(9, "m2"), OldKey(9, ""), OldKey(10, "m3")]) == []
    assert store.fetch("b", [OldKey(9, "m3")]) == []


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


# Rows the store refuses


def test_a_poison_row_is_set_aside_and_served_and_the_others_are_written(
    store: SqliteStore, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    poison = message(50, edited_ms=1 << 63, sender="half \ud800", mentions=("x",))
    images = [put("a", "messages", message(seq)) for seq in range(1, 100) if seq != 50]
    with caplog.at_level(logging.ERROR):
        store.write([*images[:40], put("a", "messages", poison), *images[40:]], 1)
    assert "quarantine" in caplog.text
    assert (store.quarantined, store.position) == (1, 1)
    store.close()
    with opened(tmp_path / "parley.db") as again:
        assert again.quarantined == 1
        assert len(list(again.load("messages"))) == 99
        assert repr(again.fetch("a", [MessageKey(9_000_050)])) == repr([poison])
        assert poison in again.fetch("a", [MessagesKey(9, 45, 55)])
        assert again.fetch("b", [MessageKey(9_000_050)]) == []
        again.write([put("a", "messages", message(50))], 2)
        assert again.quarantined == 0
        assert again.fetch("a", [MessageKey(9_000_050)]) == [message(50)]


def test_a_poison_image_takes_the_place_of_the_good_row_before(store: SqliteStore) -> None:
    good = MemberRow(1, "u", 5)
    poison = MemberRow(1, "u", 1 << 64, blocked=True)
    store.write([put("a", "members", good)], 1)
    store.write([put("a", "members", poison)], 2)
    assert list(store.load("members")) == [("a", poison)]
    store.write([delete("a", "members", 1, "u")], 3)
    assert (list(store.load("members")), store.quarantined) == ([], 0)


def test_a_poison_key_can_be_deleted_again(store: SqliteStore) -> None:
    poison = MemberRow(1 << 70, "u", 5)
    store.write([put("a", "members", poison), put("a", "members", MemberRow(1, "u", 5))], 1)
    assert ("a", poison) in list(store.load("members"))
    store.write([delete("a", "members", 1 << 70, "u")], 2)
    assert list(store.load("members")) == [("a", MemberRow(1, "u", 5))]


def test_a_value_of_another_type_is_poison_too(store: SqliteStore) -> None:
    store.write([put("a", "members", MemberRow(1, "u", "soon"))], 1)  # type: ignore[arg-type]
    assert store.quarantined == 1
    assert [row.joined_ms for _, row in store.load("members")] == ["soon"]


# Retention


def trimmed(store: SqliteStore) -> int:
    slices = 0
    while store.trim():
        slices += 1
    return slices


def test_what_lies_behind_a_floor_goes_in_slices(store: SqliteStore) -> None:
    images = [put("a", "messages", message(seq)) for seq in range(1, 3001)]
    images += [put("a", "patches", PatchRecord(9, n, n, seq, 3, b"{}", "u", 5)) for n, seq in ((1, 5), (2, 2900))]
    images += [put("a", "messages", message(seq, conversation=10)) for seq in range(1, 4)]
    images += [put("a", "positions", PositionRow(9, "u"))]
    store.write(images, 1)
    assert store.trim() is False
    store.write([put("a", "heads", HeadRow(9, 3000, floor=2500))], 2)
    assert len(list(store.load("messages"))) == 3003
    assert store.trim() is True
    assert len(list(store.load("messages"))) == 2003
    assert trimmed(store) >= 1
    assert [row.seq for row in store.fetch("a", [MessagesKey(9, 0, 9999)])] == list(range(2501, 3001))  # type: ignore[union-attr]
    assert len(store.fetch("a", [MessagesKey(10, 0, 9999)])) == 3
    assert [row.number for _, row in store.load("patches")] == [2]
    assert len(list(store.load("positions"))) == 1
    assert store.largest_id() == 10_000_003


def test_a_deleted_conversation_is_emptied_even_after_a_restart(tmp_path: Path) -> None:
    row = ConversationRow(9, 3, "u", "u", 1, deleted=True)
    with opened(tmp_path / "parley.db") as store:
        store.write([put("a", "messages", message(seq)) for seq in range(1, 1501)], 1)
        store.write([put("a", "positions", PositionRow(9, "u")), put("a", "members", MemberRow(9, "u", 1))], 2)
        store.write([put("a", "conversations", row)], 3)
        assert store.trim() is True
    with opened(tmp_path / "parley.db") as store:
        trimmed(store)
        assert list(store.load("messages")) == []
        assert list(store.load("positions")) == []
        assert list(store.load("conversations")) == [("a", row)]
        assert len(list(store.load("members"))) == 1
        store.write([put("a", "conversations", row)], 4)
        assert store._db.execute("SELECT count(*) FROM trims").get == 0  # nothing has grown


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


def test_requests_to_join_a_deleted_conversation_are_trimmed(store: SqliteStore) -> None:
    asking = [JoinRequestRow(number, f"u{n}", 5) for number in (1, 2) for n in range(3)]
    store.write([put(app, "join_requests", row) for app in "ab" for row in asking], 1)
    store.write([put("a", "conversations", ConversationRow(1, 3, "u", "u", 5, deleted=True))], 2)
    while store.trim():
        pass
    left = [(app, row.conversation) for app, row in store.load("join_requests")]
    assert sorted(set(left)) == [("a", 2), ("b", 1), ("b", 2)]
    assert len(left) == 9


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
