"""PostgreSQL as a store, beside what `test_store` asks of any: whose database it is, its versions, and being away."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import trio
import trio.testing

from broker.hub.recent import MessageKey, MessagesKey
from broker.hub.rows import HeadRow, MemberRow, put
from broker.persistence.postgres.known import Known
from broker.persistence.postgres.line import LONGEST_PAUSE_SECONDS
from broker.persistence.postgres.schema import SHAPES
from broker.persistence.store import StoreRefused, StoreUnavailable
from tests.broker.persistence.proxy import proxied
from tests.broker.persistence.stores import Notes, Opened, message, postgres_opened
from tests.postgres import execute

SOON = 0.5
"""Of seconds a database has to answer here."""


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def say(opened: Opened, *seqs: int, position: int) -> int:
    return await opened.store.write([put("a", "messages", message(seq, sender=f"of {seq}")) for seq in seqs], position)


async def seqs(opened: Opened) -> list[int]:
    return sorted(row.seq for _, row in await opened.load("messages"))


# Whose it is


async def test_what_is_known_is_noted_before_it_is_asked_and_after_it_is_there(database: str) -> None:
    kept: list[Known] = []

    class Kept(Notes):
        def keep(self, known: Known) -> None:
            super().keep(known)
            kept.append(known)

    async with postgres_opened(database, Kept()) as opened:
        await say(opened, 1, position=4)
        await say(opened, 2, position=7)
    assert kept == [Known(0, 4), Known(4, 4), Known(4, 7), Known(7, 7)]


async def test_a_database_of_another_data_directory_is_left_alone(database: str, notes: Notes) -> None:
    async with postgres_opened(database, notes) as opened:
        await say(opened, 1, position=1)
    async with postgres_opened(database, Notes(), identity="them") as opened:
        with pytest.raises(StoreRefused, match="another data directory"):
            await say(opened, 2, position=1)
        with pytest.raises(StoreRefused, match="another data directory"):
            await opened.store.fetch("a", [MessageKey(9_000_001)])
    async with postgres_opened(database, notes) as opened:
        assert await seqs(opened) == [1]


async def test_an_older_copy_of_the_database_is_refused_and_so_is_an_empty_one(
    make_database: Callable[[], str], notes: Notes
) -> None:
    async with postgres_opened(await trio.to_thread.run_sync(make_database), notes) as opened:
        await say(opened, 1, position=8)
    fresh = await trio.to_thread.run_sync(make_database)
    async with postgres_opened(fresh, notes) as opened:
        with pytest.raises(StoreRefused, match="at commit 0 and was at 8") as caught:
            await say(opened, 2, position=9)
        rescue = str(caught.value).partition("say there: ")[2]
        await trio.to_thread.run_sync(execute, fresh, rescue)
        assert await say(opened, 2, position=9) == 9
        assert await seqs(opened) == [2]


async def test_a_database_ahead_of_the_data_directory_is_refused_for_good(database: str, notes: Notes) -> None:
    """An older copy of the data directory would use its commit numbers again, and the database pass them over."""
    async with postgres_opened(database, notes) as opened:
        await say(opened, 1, position=8)
    notes.known = Known(5, 5)
    for position in (6, 9):
        async with postgres_opened(database, notes) as opened:
            with pytest.raises(StoreRefused, match="at commit 8, and this data directory has come to 5"):
                await say(opened, 2, position=position)
        assert notes.known == Known(5, 5)


async def test_columns_and_tables_that_are_missing_are_added(database: str, notes: Notes) -> None:
    async with postgres_opened(database, notes) as opened:
        await opened.store.write([put("a", "members", MemberRow(1, "u", 5))], 1)
    newest = [("members", SHAPES["members"].fields[-1]), *(("messages", name) for name in SHAPES["messages"].fields[-2:])]
    statements = ["DROP TABLE mentions", *(f"ALTER TABLE {table} DROP COLUMN {name}" for table, name in newest)]
    await trio.to_thread.run_sync(execute, database, *statements)
    async with postgres_opened(database, notes) as opened:
        await opened.store.write([put("a", "messages", message(1, numeric_sender=True))], 2)
        assert repr(await opened.load("members")) == repr([("a", MemberRow(1, "u", 5))])
        assert await opened.load("mentions") == []


@pytest.mark.parametrize(
    "newer", ["UPDATE meta SET value = '99' WHERE name = 'format'", "ALTER TABLE heads ADD COLUMN colour text"]
)
async def test_a_database_of_a_newer_program_is_refused_with_a_sentence(database: str, notes: Notes, newer: str) -> None:
    async with postgres_opened(database, notes) as opened:
        await say(opened, 1, position=1)
    await trio.to_thread.run_sync(execute, database, newer)
    async with postgres_opened(database, notes) as opened:
        with pytest.raises(StoreRefused, match="newer"):
            await say(opened, 2, position=2)


def test_the_app_is_in_every_key() -> None:
    assert {shape.key.split(", ")[0] for shape in SHAPES.values()} == {'"app"'}


# Being away


@pytest.mark.F9
async def test_a_store_that_is_not_there_is_unavailable_and_the_password_stays_secret(
    caplog: pytest.LogCaptureFixture, notes: Notes
) -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with caplog.at_level(logging.DEBUG):
        async with postgres_opened(f"postgresql://u:hunter%402@127.0.0.1:{port}/d", notes) as opened:
            with pytest.raises(StoreUnavailable) as caught:
                await say(opened, 1, position=1)
            with pytest.raises(StoreUnavailable):
                await opened.store.fetch("a", [MessageKey(1)])
    assert "127.0.0.1" in str(caught.value)
    assert "hunter" not in str(caught.value) + caplog.text
    assert notes.known == Known(0, 0)


@pytest.mark.F10
async def test_a_server_that_hangs_is_given_up_in_time_and_asked_on_a_new_connection(database: str, notes: Notes) -> None:
    async with proxied(database) as proxy, postgres_opened(proxy.url, notes, seconds=SOON) as opened:
        await say(opened, 1, position=1)
        proxy.clog()
        with trio.fail_after(10 * SOON):
            for _ in range(2):  # in the middle, then while it connects
                with pytest.raises(StoreUnavailable, match="TimeoutError"):
                    await say(opened, 2, position=2)
        proxy.unclog()
        with trio.fail_after(10 * SOON):
            while True:
                try:
                    assert await say(opened, 2, position=2) == 2
                    break
                except StoreUnavailable:  # what was left hanging still holds the row
                    await trio.sleep(0.05)
        assert await seqs(opened) == [1, 2]


@pytest.mark.F10
async def test_readers_of_a_server_that_hangs_are_answered_at_once_soon(database: str, notes: Notes) -> None:
    async with proxied(database) as proxy, postgres_opened(proxy.url, notes, seconds=SOON) as opened:
        await say(opened, 1, position=1)
        assert await opened.store.fetch("a", [MessagesKey(9, 1, 1)]) == [message(1, sender="of 1")]
        proxy.clog()
        accepted = proxy.accepted
        refused = 0

        async def ask() -> None:
            nonlocal refused
            with pytest.raises(StoreUnavailable):
                await opened.store.fetch("a", [MessagesKey(9, 1, 1)])
            refused += 1

        with trio.fail_after(10 * SOON):
            async with trio.open_nursery() as nursery:
                for _ in range(100):
                    nursery.start_soon(ask)
        assert refused == 100
        assert proxy.accepted - accepted < 10
        proxy.unclog()
        with trio.fail_after(2 * LONGEST_PAUSE_SECONDS):
            while True:
                try:
                    found = await opened.store.fetch("a", [MessagesKey(9, 1, 1)])
                    break
                except StoreUnavailable:
                    await trio.sleep(0.05)
        assert found == [message(1, sender="of 1")]


@pytest.mark.parametrize("after", [b"BEGIN", b"of 2", b"COMMIT"])
@pytest.mark.F10
async def test_a_connection_cut_in_the_middle_leaves_all_or_nothing(database: str, notes: Notes, after: bytes) -> None:
    """Of a commit whose answer was lost the position tells: it is passed over, not made again."""
    async with proxied(database) as proxy, postgres_opened(proxy.url, notes, seconds=SOON) as opened:
        await say(opened, 1, position=1)
        proxy.cut_after = after
        with pytest.raises(StoreUnavailable):
            await say(opened, 2, position=2)
        expected = [1, 2] if after == b"COMMIT" else [1]
        assert await seqs(opened) == expected
        # More has come in meanwhile.
        found = await say(opened, 2, 3, position=3)
        assert found == (2 if after == b"COMMIT" else 3)
        if found == 2:
            assert await say(opened, 3, position=3) == 3
        assert await seqs(opened) == [1, 2, 3]
        assert notes.known == Known(3, 3)


async def test_a_write_that_is_cancelled_leaves_nothing_and_the_next_one_works(database: str, notes: Notes) -> None:
    async with proxied(database) as proxy, postgres_opened(proxy.url, notes) as opened:
        await say(opened, 1, position=1)
        proxy.clog()
        with trio.move_on_after(0.1) as scope:
            await say(opened, 2, position=2)
        assert scope.cancelled_caught
        proxy.unclog()
        assert await say(opened, 2, 3, position=3) == 3
        assert await seqs(opened) == [1, 2, 3]


async def test_what_goes_wrong_where_nobody_waits_is_logged_and_ends_nothing(
    database: str, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    async with postgres_opened(database.replace("postgres@", "postgres:hunter2@"), notes) as opened:
        await say(opened, 1, position=1)
        loop = opened.store._loop  # type: ignore[attr-defined]
        loop.call_soon(lambda: int("hunter2"))
        loop.call_exception_handler({"message": "a future was never awaited"})
        await trio.testing.wait_all_tasks_blocked()
        assert await say(opened, 2, position=2) == 2
    assert "ValueError" in caplog.text
    assert "never awaited" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_meta_table_somebody_wrote_into_is_refused_not_fatal(database: str, notes: Notes) -> None:
    async with postgres_opened(database, notes) as opened:
        await say(opened, 1, position=1)
        await trio.to_thread.run_sync(execute, database, "UPDATE meta SET value = 'x' WHERE name = 'position'")
        with pytest.raises(StoreRefused, match="not as Parley left it"):
            await opened.store.fetch("a", [MessageKey(1)])


async def test_floors_of_poison_heads_do_not_stop_a_write(database: str, notes: Notes) -> None:
    async with postgres_opened(database, notes) as opened:
        images = [put("a", "heads", HeadRow(1 << 70, 5, floor=3)), put("a", "heads", HeadRow(9, 5, floor=3))]
        await opened.store.write([*images, *(put("a", "messages", message(seq)) for seq in range(1, 6))], 1)
        await opened.trimmed()
        assert await seqs(opened) == [4, 5]
        assert opened.store.quarantined == 1
