"""What the operator asks of the broker as a whole, with a real store, journal and writer: watermark, quarantine, backup, and
what a restore makes of one."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
import trio

from broker.commits import Commits
from broker.hub.rows import TABLES, AppRow, ConversationRow, Image, MemberRow, UserRow, put
from broker.persistence.images import encode
from broker.persistence.journal import Journal
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import InThreads, StoreUnavailable
from broker.persistence.tail import Budget, Tail
from broker.persistence.targets import Targets
from broker.recovery import check, recover
from broker.restoring import NotRestored, restore
from broker.settings import Settings
from broker.upkeep import Upkeep, copy_whole, identity
from protocol.apps import App
from protocol.commands import BackedUp, Backup, ListQuarantine, Quarantine, Watermark, WatermarkReport
from protocol.errors import Reason, Refused
from protocol.ids import first_at
from protocol.records import Message

APP = App(id="a", key="k", master_key="m", secret="s")
CONVERSATION = first_at(1_750_000_000_000)


class Broker:
    """Journal, store, writer and commits as the server joins them; a turn is `commit`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.store = SqliteStore(data / "parley.db")
        self.journal = Journal(data / "journal", segment_bytes=1 << 20)
        list(self.journal.recover(self.store.position))
        tails = {"a": Tail(Budget(1 << 20))}
        targets = Targets(self.journal, tails, InThreads(self.store, "parley.db"), None, write_seconds=0.001)
        self.writer = targets.local
        self.journal.start(self.store.position + 1)
        self.commits = Commits(self.journal, encode, targets.submit, self.store.position + 1, deque(), lambda: 0.0)
        self.upkeep = Upkeep(self.store, None, targets.writers, self.commits)
        self.said = 0

    def add(self, *images: Image) -> None:
        self.commits.add(images)

    async def commit(self, *images: Image) -> None:
        self.add(*images)
        self.commits.advance()
        while not self.commits.settled:
            await trio.lowlevel.wait_readable(self.journal.fileno())
            self.commits.advance()

    def say(self, count: int = 1) -> list[Image]:
        """So many further messages."""
        first, self.said = self.said + 1, self.said + count
        return [
            put("a", "messages", Message(CONVERSATION + seq, CONVERSATION, seq, "tom", -1, b'{"text":"%d"}' % seq))
            for seq in range(first, first + count)
        ]

    def found(self) -> list[Image]:
        """Something to begin with."""
        return [
            put("", "apps", AppRow("a", msgspec.json.encode(APP), False)),
            put("a", "users", UserRow("tom", 1, password="hash")),
            put("a", "conversations", ConversationRow(CONVERSATION, 3, "tom", "tom", 1)),
            put("a", "members", MemberRow(CONVERSATION, "tom", 1, 2)),
        ]

    def close(self) -> None:
        self.journal.stop()
        self.store.close()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    data = tmp_path / "data"
    data.mkdir()
    broker = Broker(data)
    yield broker
    broker.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(path: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    store = SqliteStore(path)
    try:
        return {name: [(app, repr(row)) for app, row in store.load(name)] for name in TABLES}
    finally:
        store.close()


async def test_the_watermark_tells_accepted_durable_and_applied_apart(broker: Broker, nursery: trio.Nursery) -> None:
    await broker.commit(*broker.say())
    broker.add(*broker.say())
    report = await broker.upkeep.run(Watermark())
    assert isinstance(report, WatermarkReport)
    (target,) = report.targets
    assert (report.accepted, report.durable, target.target, target.applied) == (2, 1, "sqlite", 0)
    await trio.sleep(0.01)
    later = await broker.upkeep.run(Watermark())
    assert isinstance(later, WatermarkReport)
    assert later.targets[0].oldest_ms >= 10
    nursery.start_soon(broker.writer.run)
    await broker.commit()
    with trio.fail_after(5):
        await broker.writer.reach(2)
    done = await broker.upkeep.run(Watermark())
    assert isinstance(done, WatermarkReport)
    assert (done.accepted, done.durable, done.targets[0].applied, done.targets[0].oldest_ms) == (2, 2, 2, 0)
    nursery.cancel_scope.cancel()


async def test_a_backup_under_load_is_everything_up_to_one_commit(
    broker: Broker, nursery: trio.Nursery, tmp_path: Path
) -> None:
    """Each commit has two messages: a copy with one of them would be of no one commit."""
    nursery.start_soon(broker.writer.run)
    await broker.commit(*broker.found())
    for _ in range(300):
        await broker.commit(*broker.say(2))
    before = broker.commits.durable
    done: list[BackedUp] = []

    async def back_up() -> None:
        reply = await broker.upkeep.run(Backup(path=str(tmp_path / "copy")))
        assert isinstance(reply, BackedUp)
        done.append(reply)

    nursery.start_soon(back_up)
    while not done:
        await broker.commit(*broker.say(2))
    assert done[0].position >= before
    assert done[0].size == (tmp_path / "copy").stat().st_size
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["copy", "data"]
    data = tmp_path / "restored"
    data.mkdir()
    assert f"restored {tmp_path / 'copy'}" in restore(tmp_path / "copy", data)
    rows = contents(data / "parley.db")
    store = SqliteStore(data / "parley.db")
    position = store.position
    store.close()
    assert position >= done[0].position
    assert len(rows["messages"]) == 2 * (position - 1)
    with trio.fail_after(5):
        await broker.writer.reach(broker.commits.durable)
    nursery.cancel_scope.cancel()
    whole = contents(broker.data / "parley.db")
    assert rows["messages"] == whole["messages"][: len(rows["messages"])]
    assert {name: found for name, found in rows.items() if name != "messages"} == {
        name: found for name, found in whole.items() if name != "messages"
    }
    recovered = recover(data, Settings(), accept_clock=False, wall_ms=1_760_000_000_000)
    try:
        assert recovered.position == position
        assert recovered.store.epoch != broker.store.epoch
        assert "tom" in recovered.apps.hubs["a"].tables.users
        assert recovered.mint.last > CONVERSATION + len(rows["messages"])
    finally:
        recovered.journal.stop()
        recovered.store.close()


async def test_a_backup_that_cannot_be_written_says_why_and_leaves_nothing(broker: Broker, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    for path, words in (
        (str(there), "already"),
        (str(tmp_path / "no" / "x"), "No such"),
        ("copy", "absolute"),
        ("/sys/copy", r"Permission denied\. The broker writes the file itself, .* in its data directory"),
    ):
        with pytest.raises(Refused, match=words) as refused:
            await broker.upkeep.run(Backup(path=path))
        assert refused.value.reason is Reason.BAD_FILE
    assert there.read_text() == "mine"
    assert names(tmp_path) == ["data", "there"]


async def test_a_folder_that_is_another_one_for_the_caller_is_refused(broker: Broker, tmp_path: Path) -> None:
    """As /tmp is for a service with PrivateTmp: the file would be written, not be found, and be gone with the service."""
    copy, other = tmp_path / "copy", tmp_path / "data"
    with pytest.raises(Refused, match=f"{tmp_path} is another folder for the broker.*in its data directory") as refused:
        await broker.upkeep.run(Backup(path=str(copy), folder=identity(other)))
    assert refused.value.reason is Reason.BAD_FILE
    assert names(tmp_path) == ["data"]
    await broker.upkeep.run(Backup(path=str(copy), folder=identity(tmp_path)))
    assert names(tmp_path) == ["copy", "data"]


async def test_a_copy_that_is_stopped_leaves_no_part(broker: Broker, tmp_path: Path) -> None:
    """As when the broker is told to end meanwhile."""
    broker.store.write(broker.say(30_000), 1)
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoreUnavailable):
        copy_whole(broker.store, tmp_path / "copy", stop)
    assert names(tmp_path) == ["data"]
    assert len(list(broker.store.load("messages"))) == 30_000  # its readers still read
    assert copy_whole(broker.store, tmp_path / "copy", threading.Event()) > 30_000


def poison(broker: Broker) -> None:
    bad = UserRow("bad", 1 << 70)
    broker.store.write([put("a", "users", UserRow("good", 1)), put("a", "users", bad)], 1)


async def test_rows_in_quarantine_are_listed_with_their_error(broker: Broker) -> None:
    poison(broker)
    found = await broker.upkeep.run(ListQuarantine())
    assert isinstance(found, Quarantine)
    (row,) = found.rows
    assert (found.total, row.target, row.app, row.table, row.key) == (1, "sqlite", "a", "users", '["bad"]')
    assert "OverflowError" in row.error
    assert row.line(row.at_ms + 3 * 3_600_000).startswith(
        'quarantine: sqlite, app a, table users, key ["bad"], for 3 h: OverflowError'
    )
    ages = [row.line(row.at_ms + ms).partition(", for ")[2].partition(":")[0] for ms in (-5, 119 * 60_000, 72 * 3_600_000)]
    assert ages == ["0 min", "119 min", "3 days"]
    none = await broker.upkeep.run(ListQuarantine(limit=0))
    assert isinstance(none, Quarantine)
    assert (none.rows, none.total) == ([], 1)


async def test_a_stopped_broker_tells_them_too(broker: Broker) -> None:
    poison(broker)
    data = broker.data
    *rows, last = check(data, Settings(), cut=False, now_ms=1)
    assert [row.partition(", for")[0] for row in rows] == ['quarantine: sqlite, app a, table users, key ["bad"]']
    assert last.endswith("store: 1 rows in quarantine")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A sound backup."""
    store = SqliteStore(tmp_path / "parley.db")
    store.write([put("a", "users", UserRow(f"u{n}", 1)) for n in range(2000)], 7)
    store.copy(tmp_path / "copy", threading.Event())
    store.close()
    return tmp_path / "copy"


def test_a_restore_refuses_a_directory_that_holds_anything(copy: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "lock").touch()  # which we hold ourselves
    (data / "parley.db").write_text("x")
    with pytest.raises(NotRestored, match=r"not empty.*parley\.db"):
        restore(copy, data)
    assert (data / "parley.db").read_text() == "x"


@pytest.mark.parametrize("kind", ["none", "text", "other", "newer", "damaged"])
def test_what_is_no_sound_backup_is_not_restored(kind: str, copy: Path, tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / kind
    data.mkdir()
    if kind == "text":
        file.write_bytes(b"something else" * 1000)
    elif kind == "other":
        db = apsw.Connection(str(file))
        db.execute("CREATE TABLE meta (name, value)").fetchall()
        db.close()
    elif kind == "newer":
        os.link(copy, file)
        db = apsw.Connection(str(file))
        db.pragma("user_version", 99)
        db.close()
    elif kind == "damaged":
        whole = bytearray(copy.read_bytes())
        for place in range(len(whole) // 2, len(whole) // 2 + 9000):
            whole[place] ^= 0xFF
        file.write_bytes(whole)
    with pytest.raises(NotRestored, match=str(file)):
        restore(file, data)
    assert list(data.iterdir()) == []
