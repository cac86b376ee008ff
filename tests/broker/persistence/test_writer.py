"""The writer: every durable commit reaches the store, whatever the store does in between."""

from __future__ import annotations

import itertools
import select
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import trio

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey
from broker.hub.rows import ConversationRow, HeadRow, Image, SendRow, put
from broker.persistence import writer as writer_module
from broker.persistence.images import decode, encode
from broker.persistence.journal import Journal
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import InThreads, StoreUnavailable
from broker.persistence.tail import Budget, Tail
from broker.persistence.targets import Targets
from protocol.records import Message


class FailingStore:
    """A SqliteStore that fails while `failing` says so."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.failing: Callable[[], Exception | None] = lambda: None
        self.batches: list[tuple[int, int]] = []
        self.before_fetch: Callable[[], None] = lambda: None

    @property
    def position(self) -> int:
        return self._store.position

    @property
    def quarantined(self) -> int:
        return self._store.quarantined

    def write(self, images: Sequence[Image], position: int) -> None:
        if (error := self.failing()) is not None:
            raise error
        self.batches.append((len(images), position))
        self._store.write(images, position)

    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        self.before_fetch()
        if (error := self.failing()) is not None:
            raise error
        return self._store.fetch(app, keys)

    def trim(self, sends_before: int) -> bool:
        return self._store.trim(sends_before)

    def close(self) -> None:
        self._store.close()


class Broker:
    """Journal, tail, store and writer as the server joins them, with the waiting left out."""

    def __init__(self, folder: Path, tail_bytes: int = 1 << 20) -> None:
        self.store = FailingStore(SqliteStore(folder / "parley.db"))
        self.journal = Journal(folder / "journal", segment_bytes=8192)
        self.tail = Tail(Budget(tail_bytes))
        local = InThreads(self.store, "parley.db")
        self.targets = Targets(self.journal, {"app": self.tail}, local, None, write_seconds=0.001)
        self.writer = self.targets.local
        self.recovered = 0
        for number, body in self.journal.recover(self.store.position):
            self._take(number, decode(body))
            self.recovered += 1
        self.journal.start(max(self.store.position, self.writer.applied + self.recovered) + 1)

    def _take(self, number: int, images: list[Image]) -> None:
        for image in images:
            if image.app == "app":
                self.tail.add(number, image)
        self.writer.submit(number, images)

    def commit(self, *images: Image) -> int:
        number = self.journal.durable + 1
        self.journal.append(number, encode(images))
        while self.journal.durable < number:
            select.select([self.journal], [], [])
            self.journal.drain()
        self._take(number, list(images))
        return number

    def close(self) -> None:
        self.journal.stop()
        self.store.close()


def message(seq: int, rev: int = 0, body: bytes = b"{}") -> Message:
    return Message(9000 + seq, 9, seq, "u", 1, body, rev=rev)


def said(seq: int, rev: int = 0, body: bytes = b"{}") -> Image:
    return put("app", "messages", message(seq, rev, body))


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    monkeypatch.setattr(writer_module, "FIRST_PAUSE_SECONDS", 0.001)
    broker = Broker(tmp_path)
    yield broker
    broker.close()


async def drain(broker: Broker) -> int:
    return await broker.writer.drain(trio.current_time() + 20)


async def test_other_tasks_go_on_while_the_tail_lets_go_of_a_batch(
    broker: Broker, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.persistence.targets.DROPPED_ROWS", 10)
    broker.commit(*(said(seq) for seq in range(1, 101)))
    nursery.start_soon(broker.writer.run)
    held = [100]
    with trio.fail_after(20):
        while held[-1]:
            await trio.lowlevel.checkpoint()
            held.append(broker.tail.statistics()["held"])
    # Tasks that are ready run in any order, so two parts may go between two looks.
    assert max(before - after for before, after in itertools.pairwise(held)) <= 20


async def test_commits_reach_the_store_and_leave_tail_and_journal(broker: Broker, nursery: trio.Nursery) -> None:
    nursery.start_soon(broker.writer.run)
    for seq in range(1, 200):
        broker.commit(said(seq, body=b"x" * 200), put("app", "heads", HeadRow(9, seq)))
    assert await drain(broker) == 0
    assert broker.store.position == broker.writer.applied == 199
    assert broker.tail.statistics() == {"held": 0, "let_go": 0}
    assert broker.journal.bytes_held == 8192
    assert len(broker.store.batches) < 199
    assert await broker.targets.fetch("app", broker.tail, [MessageKey(9123)]) == [message(123, body=b"x" * 200)]
    statistics = broker.writer.statistics()
    assert (statistics.lag, statistics.pending_bytes, statistics.last_error) == (0, 0, "")


async def test_of_a_key_only_the_newest_image_of_a_batch_is_written(broker: Broker, nursery: trio.Nursery) -> None:
    for seq in range(1, 51):
        broker.commit(put("app", "heads", HeadRow(9, seq)))
    nursery.start_soon(broker.writer.run)
    assert await drain(broker) == 0
    assert broker.store.batches == [(1, 50)]


async def test_a_store_that_is_away_loses_nothing_and_is_written_when_it_is_back(
    broker: Broker, nursery: trio.Nursery
) -> None:
    errors = iter([StoreUnavailable("away"), OSError("disk"), RuntimeError("a bug"), None])
    broker.store.failing = lambda: next(errors, None)
    broker.commit(said(1))
    broker.commit(said(2))
    nursery.start_soon(broker.writer.run)
    assert await drain(broker) == 0
    statistics = broker.writer.statistics()
    assert (statistics.failures, statistics.last_error, statistics.applied) == (3, "", 2)


async def test_while_the_store_is_away_lag_and_error_show_and_a_drain_ends_in_time(
    broker: Broker, nursery: trio.Nursery
) -> None:
    broker.store.failing = lambda: StoreUnavailable("away")
    broker.commit(said(1))
    nursery.start_soon(broker.writer.run)
    assert await broker.writer.drain(trio.current_time() + 0.05) == 1
    statistics = broker.writer.statistics()
    assert (statistics.lag, statistics.last_error) == (1, "StoreUnavailable: away")
    assert statistics.lag_seconds > 0
    with pytest.raises(StoreUnavailable):
        await broker.targets.fetch("app", broker.tail, [MessageKey(9001), MessageKey(9002)])
    assert await broker.targets.fetch("app", broker.tail, [MessageKey(9001)]) == [message(1)]


async def test_what_does_not_fit_in_memory_is_read_back_from_the_journal(
    broker: Broker, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "PENDING_BYTES", 2000)
    monkeypatch.setattr(writer_module, "BATCH_IMAGES", 7)
    for seq in range(1, 101):
        broker.commit(said(seq, body=b"x" * 100))
        assert broker.writer.statistics().pending_bytes <= 2000
    nursery.start_soon(broker.writer.run)
    assert await drain(broker) == 0
    broker.commit(said(101))
    assert await drain(broker) == 0
    found = await broker.targets.fetch("app", broker.tail, [MessagesKey(9, 1, 200)])
    assert [row.seq for row in found if isinstance(row, Message)] == list(range(1, 102))
    assert max(images for images, _ in broker.store.batches) <= 7


async def test_what_was_not_applied_is_recovered_and_applied_after_a_restart(
    broker: Broker, nursery: trio.Nursery, tmp_path: Path
) -> None:
    nursery.start_soon(broker.writer.run)
    broker.commit(said(1))
    assert await drain(broker) == 0
    broker.store.failing = lambda: StoreUnavailable("away")
    for seq in range(2, 60):
        broker.commit(said(seq, body=b"x" * 300))
    broker.close()
    again = Broker(tmp_path)
    assert again.recovered == 58
    nursery.start_soon(again.writer.run)
    assert await drain(again) == 0
    found = await again.targets.fetch("app", again.tail, [MessagesKey(9, 1, 100)])
    assert [row.seq for row in found if isinstance(row, Message)] == list(range(1, 60))
    nursery.cancel_scope.cancel()
    again.close()


async def test_a_fetch_joins_store_journal_and_tail(tmp_path: Path, nursery: trio.Nursery) -> None:
    broker = Broker(tmp_path, tail_bytes=3000)
    nursery.start_soon(broker.writer.run)
    for seq in range(1, 11):
        broker.commit(said(seq))
    assert await drain(broker) == 0
    broker.store.failing = lambda: StoreUnavailable("away")
    for seq in range(11, 31):
        broker.commit(said(seq))
    broker.commit(said(5, rev=1, body=b"edited"))
    broker.commit(put("other", "messages", message(31)))
    assert broker.tail.statistics()["let_go"] > 10
    broker.store.failing = lambda: None
    rows = await broker.targets.fetch("app", broker.tail, [MessagesKey(9, 1, 99)])
    assert [row.seq for row in rows if isinstance(row, Message)] == list(range(1, 31))
    assert rows[4] == message(5, rev=1, body=b"edited")
    nursery.cancel_scope.cancel()
    broker.close()


async def test_a_row_on_its_way_from_tail_to_store_is_never_missed(broker: Broker) -> None:
    """The store applies, and tail and journal drop, between the copy of the tail and the query."""
    broker.commit(said(1))

    def applied_meanwhile() -> None:
        broker.store._store.write([said(1)], 1)
        broker.tail.applied(1)

    broker.store.before_fetch = applied_meanwhile
    assert await broker.targets.fetch("app", broker.tail, [MessagesKey(9, 1, 2)]) == [message(1)]


async def test_floors_and_deletions_are_trimmed_without_further_commits(broker: Broker, nursery: trio.Nursery) -> None:
    broker.commit(*(said(seq) for seq in range(1, 2501)))
    nursery.start_soon(broker.writer.run)
    broker.commit(put("app", "heads", HeadRow(9, 2500, floor=2400)))
    with trio.fail_after(20):
        await until(lambda: len(broker.store._store.fetch("app", [MessagesKey(9, 1, 9999)])) == 100)
        broker.commit(put("app", "conversations", ConversationRow(9, 3, "u", "u", 1, deleted=True)))
        await until(lambda: not broker.store._store.fetch("app", [MessagesKey(9, 1, 9999)]))
        await until(lambda: not broker.writer.statistics().trims_left)


async def test_sends_are_forgotten_once_when_asked(broker: Broker, nursery: trio.Nursery) -> None:
    sends = [SendRow("u", f"d{n}", 1, 1, "c", n, 9, n) for n in range(1, 2501)]
    broker.commit(*(put("app", "sends", row) for row in sends))
    nursery.start_soon(broker.writer.run)
    with trio.fail_after(20):
        await until(lambda: not broker.writer.statistics().trims_left)
        broker.writer.forget_sends(2400)
        await until(lambda: not broker.writer.statistics().trims_left)
    assert [row.message for _, row in broker.store._store.load("sends") if row.message < 2400] == []
    assert len(list(broker.store._store.load("sends"))) == 101


async def until(condition: Callable[[], bool]) -> None:
    """Looks again every 5 ms; the test's deadline ends it. The writer tells nobody when it has trimmed."""
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.005)


async def test_commits_are_submitted_in_order(broker: Broker) -> None:
    broker.writer.submit(1, [said(1)])
    with pytest.raises(ValueError, match="after 1"):
        broker.writer.submit(3, [said(3)])
