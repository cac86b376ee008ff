"""What is promised of any store: what is written is there, once; what it refuses is set aside, not lost."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.hub.recent import MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import (
    ConversationRow,
    HeadRow,
    Image,
    JoinRequestRow,
    MemberRow,
    PositionRow,
    SendRow,
    delete,
    put,
)
from protocol.records import Message, PatchRecord
from tests.broker.persistence.conftest import any_image
from tests.broker.persistence.stores import Notes, Open, Opened, message, postgres_opened, sqlite_opened
from tests.postgres import execute

commits = st.lists(st.lists(any_image, min_size=1, max_size=4), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(commits, st.integers(0, 5))
def test_the_newest_image_of_a_key_is_what_is_there_in_sqlite(written: list[list[Image]], again: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        trio.run(write_and_write_again, partial(sqlite_opened, Path(name) / "parley.db"), written, again)


def test_the_newest_image_of_a_key_is_what_is_there_in_postgresql(database: str) -> None:
    """With rows it refuses among them: text with a zero byte is nothing for PostgreSQL."""

    @settings(deadline=None, max_examples=12)
    @given(commits, st.integers(0, 5))
    def check(written: list[list[Image]], again: int) -> None:
        execute(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        notes = Notes()
        trio.run(write_and_write_again, lambda: postgres_opened(database, notes), written, again)

    check()


async def write_and_write_again(open: Open, written: list[list[Image]], again: int) -> None:
    expected: dict[Any, str] = {}
    for images in written:
        for image in images:
            expected.pop((image.app, image.table, image.key), None)
            if image.row is not None:
                expected[image.app, image.table, image.key] = repr(image.row)
    batches = [list({(i.app, i.table, i.key): i for i in images}.values()) for images in written]
    async with open() as opened:
        for number, images in enumerate(batches, 1):
            assert await opened.store.write(images, number) == number
        assert await opened.contents() == expected
    # Written again from any earlier commit on, as after a crash between store and journal: nothing changes.
    async with open() as opened:
        assert opened.store.position == len(written)
        for number, images in list(enumerate(batches, 1))[min(again, len(batches) - 1) :]:
            await opened.store.write(images, number)
        assert await opened.contents() == expected
        assert opened.store.position == len(written)


@pytest.fixture(params=["sqlite", "postgresql"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same store again and again."""
    if request.param == "sqlite":
        return partial(sqlite_opened, tmp_path / "parley.db")
    make: Callable[[], str] = request.getfixturevalue("make_database")
    url, notes = make(), Notes()
    return lambda: postgres_opened(url, notes)


@pytest.fixture
async def opened(reopen: Open) -> AsyncIterator[Opened]:
    async with reopen() as opened:
        yield opened


async def test_fetch_gives_the_app_its_own_rows_only(opened: Opened) -> None:
    store = opened.store
    sends = [SendRow("u", "d", n % 64, n, str(n), n, 9, n) for n in range(1, 4)]
    patches = [PatchRecord(9, n, 9_000_001, 1, 3, b"{}", "u", 5, changed=10 * n) for n in range(1, 6)]
    images = [put("a", "messages", message(seq, mentions=("x", "y"), receipt=True)) for seq in range(1, 8)]
    images += [put("a", "sends", send) for send in sends] + [put("a", "patches", patch) for patch in patches]
    images += [put("b", "messages", message(1, conversation=10)), put("b", "sends", sends[0])]
    await store.write(images, 1)
    found = await store.fetch("a", [MessagesKey(9, 3, 5)])
    assert [row.seq for row in found if isinstance(row, Message)] == [3, 4, 5]
    assert repr(found[0]) == repr(message(3, mentions=("x", "y"), receipt=True))
    assert await store.fetch("a", [MessageKey(10_000_001), MessagesKey(10, 0, 9)]) == []
    assert await store.fetch("b", [MessageKey(10_000_001)]) == [message(1, conversation=10)]
    assert sorted(await store.fetch("a", [SendsKey("u", "d")]), key=repr) == sends
    assert len(await store.fetch("b", [SendsKey("u", "d")])) == 1
    assert await store.fetch("b", [PatchesKey(9, 0, 9)]) == []
    assert sorted(await store.fetch("a", [PatchesKey(9, 20, 2)]), key=repr) == patches[2:4]
    assert sorted(await store.fetch("a", [PatchesKey(9, 20, 2, last=True)]), key=repr) == patches[3:]
    assert len(await store.fetch("a", [PatchesKey(9, 0, 9)])) == 5
    assert await store.fetch("a", [MessagesKey(9, -5, 1 << 70)]) == [
        message(n, mentions=("x", "y"), receipt=True) for n in range(1, 8)
    ]


async def test_a_message_is_found_by_its_old_id(opened: Opened) -> None:
    store = opened.store
    rows = [message(seq, old_id=f"m{seq}" if seq % 2 else "") for seq in range(1, 8)]
    rows += [message(1, conversation=10, old_id="m1")]
    await store.write([put("a", "messages", row) for row in rows], 1)
    assert sorted(await store.fetch("a", [OldKey(9, "m3"), OldKey(10, "m1")]), key=repr) == [rows[-1], rows[2]]
    assert await store.fetch("a", [OldKey(9, "m2"), OldKey(9, ""), OldKey(10, "m3"), OldKey(9, "m1\0")]) == []
    assert await store.fetch("b", [OldKey(9, "m3")]) == []


# Rows the store refuses


@pytest.mark.parametrize(
    "bad", [{"edited_ms": 1 << 63}, {"sender": "half \ud800"}, {"rev": 1 << 65, "sender": "zero \0", "mentions": ("x",)}]
)
async def test_a_poison_row_is_set_aside_and_served_and_the_others_are_written(
    reopen: Open, caplog: pytest.LogCaptureFixture, bad: dict[str, Any]
) -> None:
    poison = message(50, **bad)
    images = [put("a", "messages", message(seq)) for seq in range(1, 100) if seq != 50]
    async with reopen() as opened:
        with caplog.at_level(logging.ERROR):
            await opened.store.write([*images[:40], put("a", "messages", poison), *images[40:]], 1)
        assert "quarantine" in caplog.text
        assert (opened.store.quarantined, opened.store.position) == (1, 1)
    async with reopen() as opened:
        again = opened.store
        assert repr(await again.fetch("a", [MessageKey(9_000_050)])) == repr([poison])
        assert again.quarantined == 1
        assert len(await opened.load("messages")) == 99
        assert poison in await again.fetch("a", [MessagesKey(9, 45, 55)])
        assert await again.fetch("b", [MessageKey(9_000_050)]) == []
        await again.write([put("a", "messages", message(50))], 2)
        assert again.quarantined == 0
        assert await again.fetch("a", [MessageKey(9_000_050)]) == [message(50)]


async def test_a_poison_image_takes_the_place_of_the_good_row_before(opened: Opened) -> None:
    store = opened.store
    good = MemberRow(1, "u", 5)
    poison = MemberRow(1, "u", 1 << 64, blocked=True)
    await store.write([put("a", "members", good)], 1)
    await store.write([put("a", "members", poison)], 2)
    assert await opened.load("members") == [("a", poison)]
    await store.write([delete("a", "members", 1, "u")], 3)
    assert (await opened.load("members"), store.quarantined) == ([], 0)


async def test_a_poison_key_can_be_deleted_again(opened: Opened) -> None:
    store = opened.store
    poison = MemberRow(1 << 70, "u", 5)
    await store.write([put("a", "members", poison), put("a", "members", MemberRow(1, "u", 5))], 1)
    assert ("a", poison) in await opened.load("members")
    await store.write([delete("a", "members", 1 << 70, "u")], 2)
    assert await opened.load("members") == [("a", MemberRow(1, "u", 5))]


async def test_a_value_of_another_type_is_poison_too(opened: Opened) -> None:
    store = opened.store
    await store.write([put("a", "members", MemberRow(1, "u", "soon"))], 1)  # type: ignore[arg-type]
    assert store.quarantined == 1
    assert [row.joined_ms for _, row in await opened.load("members")] == ["soon"]


# Retention


async def test_what_lies_behind_a_floor_goes_in_slices(opened: Opened) -> None:
    store = opened.store
    images = [put("a", "messages", message(seq)) for seq in range(1, 3001)]
    images += [put("a", "patches", PatchRecord(9, n, n, seq, 3, b"{}", "u", 5)) for n, seq in ((1, 5), (2, 2900))]
    images += [put("a", "messages", message(seq, conversation=10)) for seq in range(1, 4)]
    images += [put("a", "positions", PositionRow(9, "u"))]
    await store.write(images, 1)
    assert await store.trim() is False
    await store.write([put("a", "heads", HeadRow(9, 3000, floor=2500))], 2)
    assert len(await opened.load("messages")) == 3003
    assert await store.trim() is True
    assert len(await opened.load("messages")) == 2003
    assert await opened.trimmed() >= 1
    assert [row.seq for row in await store.fetch("a", [MessagesKey(9, 0, 9999)])] == list(range(2501, 3001))  # type: ignore[union-attr]
    assert len(await store.fetch("a", [MessagesKey(10, 0, 9999)])) == 3
    assert [row.number for _, row in await opened.load("patches")] == [2]
    assert len(await opened.load("positions")) == 1


async def test_a_deleted_conversation_is_emptied_even_after_a_restart(reopen: Open) -> None:
    row = ConversationRow(9, 3, "u", "u", 1, deleted=True)
    async with reopen() as opened:
        store = opened.store
        await store.write([put("a", "messages", message(seq)) for seq in range(1, 1501)], 1)
        await store.write([put("a", "positions", PositionRow(9, "u")), put("a", "members", MemberRow(9, "u", 1))], 2)
        await store.write([put("a", "conversations", row)], 3)
        assert await store.trim() is True
    async with reopen() as opened:
        await opened.trimmed()
        assert await opened.load("messages") == []
        assert await opened.load("positions") == []
        assert await opened.load("conversations") == [("a", row)]
        assert len(await opened.load("members")) == 1
        await opened.store.write([put("a", "conversations", row)], 4)
        assert await opened.trimmed() == 0  # nothing has grown


async def test_requests_to_join_a_deleted_conversation_are_trimmed(opened: Opened) -> None:
    store = opened.store
    asking = [JoinRequestRow(number, f"u{n}", 5) for number in (1, 2) for n in range(3)]
    await store.write([put(app, "join_requests", row) for app in "ab" for row in asking], 1)
    await store.write([put("a", "conversations", ConversationRow(1, 3, "u", "u", 5, deleted=True))], 2)
    while await store.trim():
        pass
    left = [(app, row.conversation) for app, row in await opened.load("join_requests")]
    assert sorted(set(left)) == [("a", 2), ("b", 1), ("b", 2)]
    assert len(left) == 9


async def test_sends_of_old_messages_are_forgotten_in_slices(opened: Opened) -> None:
    store = opened.store
    sends = [SendRow(f"u{n:04}", "d", 1, n, str(n), n, 9, n) for n in range(1, 3001)]
    await store.write([put(app, "sends", row) for app in "ab" for row in sends], 1)
    assert await store.trim() is False
    assert len(await opened.load("sends")) == 6000
    assert await store.trim(2901) is True
    assert len(await opened.load("sends")) == 5000
    while await store.trim(2901):
        pass
    assert sorted({row.message for _, row in await opened.load("sends")}) == list(range(2901, 3001))
    assert len(await opened.load("sends")) == 200
    await store.write([put("a", "sends", sends[0])], 2)
    while await store.trim(2902):  # the next hour looks from the beginning
        pass
    assert min(row.message for _, row in await opened.load("sends")) == 2902
