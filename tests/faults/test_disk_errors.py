"""F5, F6, F7: what the disk says to the journal and to the store, call by call, injected by strace.

A write or sync of the journal that fails ends the process with exit code 74 before anything more is acknowledged.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.faults.crowd import Crowd
from tests.faults.ledger import Outcome
from tests.faults.tracing import SENDS, WRITES, calls_of, needed, strace, synced_before_told
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

pytestmark = needed
NOT_NOW = {"write_seconds": 60.0}
"""The store keeps still, so that every sync after the start is the journal's."""


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("fdatasync:error=EIO:when=25", marks=[pytest.mark.F5, pytest.mark.soak]),
        pytest.param("fdatasync:error=EIO:when=25+", marks=pytest.mark.F5),
        pytest.param("pwrite64:error=EIO:when=150", marks=pytest.mark.F5),
        pytest.param("pwrite64:error=ENOSPC:when=150", marks=pytest.mark.F6),
        pytest.param("fallocate:error=ENOSPC:when=2", marks=pytest.mark.F6),
        pytest.param("pwrite64:error=EROFS:when=150", marks=[pytest.mark.F8, pytest.mark.soak]),
    ],
)
async def test_a_commit_that_fails_ends_the_process_before_anything_more_is_acknowledged(
    host: Host, tmp_path: Path, fault: str
) -> None:
    """F5: the sync, once and for ever, and the write; F6: no room for a record, or for a new segment; F8: read-only of a
    sudden."""
    small = {"segment_bytes": 64 * 1024, "journal_bytes": 1 << 30} if fault.startswith("fallocate") else {}
    host.configure(store={**NOT_NOW, **small})
    host.broker(command=strace(tmp_path / "calls", fault, calls=f"{WRITES},{SENDS}"))
    crowd = Crowd(host, size=1000)
    await crowd.gather()
    with trio.fail_after(20):
        await crowd.talk_until_lost()
    assert host.running.wait() == 74
    assert "could not be written" in host.running.lines[-1]
    assert not any("Traceback" in line for line in host.running.lines)
    calls = calls_of(tmp_path / "calls")
    assert synced_before_told(calls, crowd.ledger, host.data / "journal") >= len(crowd.ledger.of(Outcome.OK)) > 10
    failed = next(call for call in calls if call.injected)
    assert str(host.data / "journal") in failed.path
    assert not [call for call in calls if call.began > failed.began and "journal" in call.path]
    host.configure()
    host.broker()
    await crowd.check_store(await crowd.check())


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("fsync:error=EIO:when=1", marks=pytest.mark.F5),
        pytest.param("pwrite64:error=ENOSPC:when=1", marks=pytest.mark.F6),
        pytest.param("pwrite64:error=EROFS:when=2", marks=[pytest.mark.F8, pytest.mark.soak]),
    ],
)
async def test_a_journal_that_cannot_be_written_at_start_is_told_in_words_and_tried_again(
    host: Host, tmp_path: Path, fault: str
) -> None:
    """F5, F6, F8, where the last record is written once more before it is believed: exit 74, and the next start is whole."""
    host.configure(store=NOT_NOW)
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        await tom.ok("msg.send", conv_id=conversation, type=-1, text="kept")
    host.kill()
    (segment,) = (host.data / "journal").iterdir()
    ended = host.start("-m", "broker", command=strace(tmp_path / "calls", fault, only=[segment]))
    assert ended.wait() == 74
    assert str(host.data / "journal") in ended.lines[-1]
    assert not any("Traceback" in line for line in ended.lines)
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        assert [said["text"] for said in (await tom.ok("msg.history", conv_id=conversation))["messages"]] == ["kept"]


@pytest.mark.F5
async def test_a_store_that_cannot_sync_is_waited_out(host: Host, tmp_path: Path) -> None:
    """F5, on the other side of the journal: what is acknowledged does not depend on the store, which is tried again."""
    host.configure(store={"write_seconds": 0.01})
    only = [host.data / "parley.db-wal"]
    host.broker(command=strace(tmp_path / "calls", "fdatasync:error=EIO:when=8..9", only=only))
    crowd = Crowd(host)
    await crowd.gather()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        with trio.fail_after(20):
            while not any("parley.db answers again" in line for line in host.running.lines):
                await trio.sleep(0.02)
        assert host.running.process.poll() is None
        host.kill()
    assert any("parley.db" in line and "ERROR" in line for line in host.running.lines)
    host.broker()
    await crowd.check_store(await crowd.check())


@pytest.mark.F7
async def test_a_slow_disk_makes_batches_not_a_stall(host: Host, tmp_path: Path) -> None:
    """F7: 200 ms a sync. What comes in meanwhile shares the next one, and the reactor goes on answering."""
    host.configure(store=NOT_NOW)
    host.broker()
    crowd = Crowd(host, senders=8, burst=16)
    await crowd.gather()
    host.kill()
    (segment,) = (host.data / "journal").iterdir()
    slow = "fdatasync:delay_enter=200000"
    host.broker(command=strace(tmp_path / "calls", slow, calls="fdatasync", only=[segment]))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        async with json_peer(host.url) as ann:
            await ann.login("ann")
            pings = []
            for _ in range(11):
                began = trio.current_time()
                await ann.ok("ping")
                pings.append(trio.current_time() - began)
                await trio.sleep(0.03)
        host.kill()
    acknowledged = len(crowd.ledger.of(Outcome.OK))
    assert sorted(pings)[5] < 0.1  # they do not wait for the disk
    assert acknowledged > 10 * len(calls_of(tmp_path / "calls"))
    host.broker()
    await crowd.check()
