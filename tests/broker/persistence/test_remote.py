"""Messages move from `parley.db` to PostgreSQL: all of them, once, read all the while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.hub.recent import MessagesKey
from broker.hub.rows import HeadRow, MemberRow, put
from broker.persistence import remote
from broker.persistence.postgres.known import Known
from broker.persistence.remote import Old, known, open_remote
from broker.persistence.schema import Columns, Shape
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import StoreUnavailable
from broker.settings import StoreSettings
from tests.broker.persistence.proxy import proxied
from tests.broker.persistence.stores import Notes, message, postgres_opened

MESSAGES = 95


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """Its position is 7; a row of it is in quarantine, and three messages lie behind a floor."""
    monkeypatch.setattr(remote, "PAGE_ROWS", 10)
    store = SqliteStore(tmp_path / "parley.db")
    images = [put("a", "messages", message(seq, mentions=("x",))) for seq in range(1, MESSAGES)]
    images += [put("b", "members", MemberRow(n, f"u{n}", 1 << 70 if n == 5 else 5)) for n in range(25)]
    store.write([*images, put("a", "heads", HeadRow(9, MESSAGES, floor=3))], 6)
    store.write([put("a", "messages", message(MESSAGES, sender="zero \0"))], 7)
    yield store
    store.close()


def test_a_directory_that_has_messages_is_one_to_copy(store: SqliteStore) -> None:
    settings = StoreSettings(url="postgresql://nobody@127.0.0.1:1/nothing")
    found = open_remote(store, settings)
    assert found is not None
    assert found.position == 7
    assert known(store) == Known(7, 7, copied=False)
    store.write([put("a", "messages", message(999))], 8)
    assert open_remote(store, settings) is not None
    assert known(store) == Known(7, 7, copied=False)
    assert all(row.seq != 999 for _, row in store.load("messages"))


async def test_everything_is_copied_before_the_first_write_and_what_was_refused_too(
    store: SqliteStore, database: str
) -> None:
    notes = Notes()
    notes.known = Known(7, 7, copied=False)
    async with postgres_opened(database, notes, old=Old(store)) as opened:
        # Until then it is read where it was.
        assert len(await opened.store.fetch("a", [MessagesKey(9, 4, 50)])) == 47
        assert await opened.store.write([put("a", "messages", message(MESSAGES + 1))], 8) == 8
        assert notes.known == Known(8, 8)
        copied = await opened.store.fetch("a", [MessagesKey(9, 1, 200)])
        assert sorted(row.seq for row in copied) == list(range(1, MESSAGES + 2))  # type: ignore[union-attr]
        assert message(5, mentions=("x",)) in copied
        members = sorted(await opened.load("members"), key=lambda found: found[1].conversation)
        assert members == [("b", MemberRow(n, f"u{n}", 1 << 70 if n == 5 else 5)) for n in range(25)]
        assert opened.store.quarantined == 2
        assert await opened.trimmed() == 0
        assert min(row.seq for _, row in await opened.load("messages")) == 4


async def test_a_copy_that_is_cut_off_goes_on_and_one_that_was_not_noted_is_not_made_again(
    store: SqliteStore, database: str
) -> None:
    notes = Notes()
    notes.known = Known(7, 7, copied=False)
    async with proxied(database) as proxy, postgres_opened(proxy.url, notes, old=Old(store), seconds=0.5) as opened:
        for after in (b"COMMIT", b"BEGIN", b"COMMIT"):
            proxy.cut_after = after
            with pytest.raises(StoreUnavailable):
                await opened.store.write([put("a", "messages", message(MESSAGES + 1))], 8)
            assert notes.known == Known(7, 7, copied=False)
        assert await opened.store.write([put("a", "messages", message(MESSAGES + 1))], 8) == 8
        assert len(await opened.load("messages")) == MESSAGES + 1
    # As if the process had ended between the copy and the note.
    notes.known = Known(8, 8, copied=False)
    async with postgres_opened(database, notes) as opened:
        assert await opened.store.write([put("a", "messages", message(MESSAGES + 2))], 9) == 9
        assert notes.known == Known(9, 9)


async def test_a_source_that_fails_is_read_again_from_its_beginning(store: SqliteStore, database: str) -> None:
    class Failing(Old):
        failures = 0

        def _page(self, shape: Shape, after: tuple[Any, ...]) -> list[Columns]:
            if after and self.failures < 2:
                self.failures += 1
                raise StoreUnavailable("a disk that stutters")
            return super()._page(shape, after)

    notes = Notes()
    notes.known = Known(7, 7, copied=False)
    async with postgres_opened(database, notes, old=Failing(store)) as opened:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="stutters"):
                await opened.store.trim()
        await opened.trimmed()
        assert notes.known == Known(7, 7)
        assert len(await opened.load("messages")) == MESSAGES - 3
