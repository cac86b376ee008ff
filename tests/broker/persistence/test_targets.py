"""Two targets: `parley.db` and one that keeps the messages and may be away. Nothing is lost, and only what it alone has is
missed."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from broker.hub.recent import Key, MessageKey, MessagesKey, PatchesKey, SendsKey
from broker.hub.rows import HeadRow, Image, SendRow, put
from broker.persistence import writer as writer_module
from broker.persistence.images import decode, encode
from broker.persistence.journal import Journal
from broker.persistence.remote import ELSEWHERE
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import InThreads, StoreUnavailable
from broker.persistence.tail import Budget, Tail
from broker.persistence.targets import Targets
from protocol.records import Message, PatchRecord
from tests.broker.persistence.stores import message
from tests.broker.persistence.test_writer import FailingStore


class Both:
    """Journal, tail and both targets as a start joins them."""

    def __init__(self, folder: Path, tail_bytes: int = 1 << 20) -> None:
        self.local = SqliteStore(folder / "parley.db")
        self.local.elsewhere = ELSEWHERE
        self.remote = FailingStore(SqliteStore(folder / "remote.db"))
        self.journal = Journal(folder / "journal", segment_bytes=8192)
        assert list(self.journal.recover(0)) == []
        self.journal.start(1)
        self.tail = Tail(Budget(tail_bytes))
        stores = (InThreads(self.local, "parley.db"), InThreads(self.remote, "remote"))
        self.targets = Targets(self.journal, {"a": self.tail}, *stores, write_seconds=0.001)

    def commit(self, *images: Image) -> int:
        number = self.journal.durable + 1
        self.journal.append(number, encode(images))
        while self.journal.durable < number:
            select.select([self.journal], [], [])
            self.journal.drain()
        for image in images:
            self.tail.add(number, image)
        self.targets.submit(number, images)
        return number

    def images(self, number: int) -> list[Image]:
        return [image for _, body in self.journal.read(number, number) for image in decode(body)]

    def say(self, *seqs: int) -> None:
        for seq in seqs:
            self.commit(put("a", "messages", message(seq, body=b"x" * 200)), put("a", "heads", HeadRow(9, seq)))

    def away(self, error: Exception | None) -> None:
        self.remote.failing = lambda: error

    async def seqs(self, *keys: Key) -> list[int]:
        found = await self.targets.fetch("a", self.tail, keys)
        return [row.seq for row in found if isinstance(row, Message)]

    async def drained(self) -> None:
        with trio.fail_after(20):
            assert await self.targets.drain(trio.current_time() + 15) == 0


AWAY = StoreUnavailable("away")


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    monkeypatch.setattr(writer_module, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE_SECONDS", 0.05)
    both = Both(tmp_path, tail_bytes=4000)
    yield both
    both.journal.stop()
    both.local.close()
    both.remote.close()


@pytest.fixture
def running(both: Both, nursery: trio.Nursery) -> Both:
    for writer in both.targets.writers:
        nursery.start_soon(writer.run)
    return both


async def test_messages_are_in_the_one_and_all_else_in_both(running: Both) -> None:
    running.say(1, 2)
    await running.drained()
    assert list(running.local.load("messages")) == []
    assert [row.last_seq for _, row in running.local.load("heads")] == [2]
    assert [row.seq for _, row in running.remote._store.load("messages")] == [1, 2]
    assert [row.last_seq for _, row in running.remote._store.load("heads")] == [2]
    assert running.local.largest_id() == 9_000_002
    assert await running.seqs(MessagesKey(9, 1, 2)) == [1, 2]


async def test_while_it_is_away_what_tail_and_journal_have_is_served_and_older_history_is_not(running: Both) -> None:
    running.say(1, 2, 3)
    await running.drained()
    running.away(AWAY)
    running.say(*range(4, 104))
    assert running.tail.statistics()["let_go"] > 90
    with trio.fail_after(20):
        await until(lambda: running.targets.local.applied == 103)
    assert await running.seqs(MessagesKey(9, 4, 103)) == list(range(4, 104))
    assert await running.seqs(*(MessageKey(9_000_000 + seq) for seq in (4, 60, 103))) == [4, 60, 103]
    for key in (MessagesKey(9, 3, 10), MessageKey(9_000_003)):
        with pytest.raises(StoreUnavailable):
            await running.seqs(key)
    statistics = running.targets.writers[1].statistics()
    assert (statistics.lag, statistics.last_error) == (100, "StoreUnavailable: away")
    assert running.targets.local.statistics().last_error == ""

    running.away(None)
    await running.drained()
    assert await running.seqs(MessagesKey(9, 1, 200)) == list(range(1, 104))
    positions = [position for _, position in running.remote.batches]
    assert positions == sorted(set(positions))


async def test_segments_are_kept_until_every_target_has_them(running: Both) -> None:
    running.away(AWAY)
    running.say(*range(1, 101))
    with trio.fail_after(20):
        await until(lambda: running.targets.local.applied == 100)
    assert running.targets.applied == 0
    assert running.journal.bytes_held > 30_000
    assert [number for number, _ in running.journal.read(1, 100)] == list(range(1, 101))
    running.away(None)
    await running.drained()
    assert running.journal.bytes_held == 8192


async def test_sends_are_remembered_whatever_is_away(running: Both) -> None:
    """A login must not wait for the database."""
    running.away(AWAY)
    sends = [SendRow("u", "d", n, n, f"c{n}", n, 9, n) for n in range(1, 30)]
    for send in sends:
        running.commit(put("a", "sends", send))
    with trio.fail_after(20):
        await until(lambda: running.targets.local.applied == 29)
    running.tail.sends_applied(29)
    assert running.tail.commits_for([SendsKey("u", "d")]) == []
    assert await running.targets.fetch("a", running.tail, [SendsKey("u", "d")]) == sends


async def test_patches_since_what_it_has_are_served_while_it_is_away(running: Both) -> None:
    running.say(1)
    await running.drained()
    running.away(AWAY)
    patches = []
    for number in range(1, 40):
        record = PatchRecord(9, number, 9_000_001, 1, 3, b"y" * 200, "u", 5, changed=running.journal.durable + 1)
        patches.append(record)
        running.commit(put("a", "patches", record))
    assert await running.targets.fetch("a", running.tail, [PatchesKey(9, 1, 100)]) == patches
    assert await running.targets.fetch("a", running.tail, [PatchesKey(9, 20, 3)]) == patches[19:22]
    assert await running.targets.fetch("a", running.tail, [PatchesKey(9, 0, 39, last=True)]) == patches
    for key in (PatchesKey(9, 0, 100), PatchesKey(9, 0, 40, last=True)):
        with pytest.raises(StoreUnavailable):
            await running.targets.fetch("a", running.tail, [key])


async def test_an_edit_the_journal_forgets_while_it_is_read_is_asked_of_the_store(both: Both) -> None:
    """The first commit of a message was read; then the store applied all, and the journal let go of the second."""
    both.say(*range(1, 30))
    edit = both.commit(put("a", "messages", message(1, body=b"edited", rev=1)))
    both.say(*range(30, 90))
    assert both.tail.commits_for([MessageKey(9_000_001)]) == [1, edit]

    class Forgetting:
        def read(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
            if first == edit:
                newest = {(image.table, image.key): image for n in range(1, 91) for image in both.images(n)}
                both.remote._store.write(list(newest.values()), 90)
                both.journal.release(90)
            return both.journal.read(first, last)

        def release(self, applied: int) -> None:
            raise AssertionError

    stores = [writer.store for writer in both.targets.writers]
    targets = Targets(Forgetting(), {"a": both.tail}, *stores, write_seconds=0.001)
    [row] = await targets.fetch("a", both.tail, [MessageKey(9_000_001)])
    assert row == message(1, body=b"edited", rev=1)


async def until(condition: Callable[[], bool]) -> None:
    """Looks again every 5 ms; the test's deadline ends it. The writers tell nobody how far they are."""
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.005)
