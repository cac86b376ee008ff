"""F6 and F8 on a file system of our own: a disk that is full to the last byte, and one that cannot be written at all.

A full disk is met at the door: what would be durable is refused, everything else goes on, and it ends without a restart.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.faults import checker
from tests.faults.crowd import read_history, say
from tests.faults.ledger import Ledger, Outcome
from tests.journeys.programs import Host
from tests.journeys.wire import Peer, json_peer

MIB = 1 << 20
FULL = 5030


@pytest.fixture
def small_disk(host: Host) -> Iterator[Path]:
    """The data directory on a file system of 64 MiB."""
    host.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(host.data)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs a small file system: run as root where mount(8) is allowed")
    host.configure(store={"free_bytes": 16 * MIB, "segment_bytes": 4 * MIB, "write_seconds": 0.01})
    yield host.data
    for program in host.programs:
        program.end()
    subprocess.run(["umount", "--lazy", str(host.data)], check=True)


def fill(file: Path, leave: int = 0) -> None:
    """Take what room there is, but for `leave` bytes."""
    with file.open("ab", buffering=0) as filler:
        disk = os.statvfs(file.parent)
        os.posix_fallocate(filler.fileno(), 0, filler.tell() + disk.f_bavail * disk.f_frsize - leave)
        if not leave:
            with pytest.raises(OSError, match="No space") as caught:
                filler.write(b"x" * MIB)
            assert caught.value.errno == errno.ENOSPC


async def until(peer: Peer, ledger: Ledger, conversation: str, outcome: Outcome) -> None:
    """Send until the answer is that."""
    with trio.fail_after(10):
        while True:
            ask = ledger.ask("tom", conversation)
            await say(peer, ledger, [ask])
            if ask.outcome is outcome:
                return
            await trio.sleep(0.05)


@pytest.mark.F6
async def test_a_full_disk_refuses_what_is_durable_keeps_the_rest_and_ends_by_itself(host: Host, small_disk: Path) -> None:
    """F6: first at the door, with room left; then nothing at all is left, for the store neither."""
    host.broker()
    ledger = Ledger()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann:
        await tom.login("tom")
        await ann.login("ann")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=["ann"]))["conv_id"]
        await until(tom, ledger, conversation, Outcome.OK)
        for leave in (15 * MIB, 0):
            fill(small_disk / "filler", leave)
            await until(tom, ledger, conversation, Outcome.FAIL)
            assert {ask.code for ask in ledger.of(Outcome.FAIL)} == {FULL}
            await tom.ok("msg.send", conv_id=conversation, type=-1, text=f"typing {leave}", transient=1)
            while (await ann.push("msg.new"))["text"] != f"typing {leave}":
                pass
            await tom.ok("msg.read", conv_id=conversation, seq=1)
            async with json_peer(host.url) as again:
                await again.login("ann", device_id="other")
            checked(ledger, conversation, await read_history(ann, conversation))
        (small_disk / "filler").unlink()
        await until(tom, ledger, conversation, Outcome.OK)
    assert host.running.process.poll() is None
    host.kill()
    host.broker()
    async with json_peer(host.url) as ann:
        await ann.login("ann")
        checked(ledger, conversation, await read_history(ann, conversation))


def checked(ledger: Ledger, conversation: str, history: list[checker.Said]) -> None:
    histories = {conversation: history}
    checker.acknowledged_is_there_once(ledger, histories)
    checker.nothing_is_there_unasked(ledger, histories)
    checker.seqs_have_no_gap(histories)


@pytest.mark.F6
async def test_a_start_on_a_full_disk_serves_what_is_there_and_refuses_what_is_durable(host: Host, small_disk: Path) -> None:
    """F6: what was acknowledged can be read although not a byte can be written."""
    host.broker()
    ledger = Ledger()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        await until(tom, ledger, conversation, Outcome.OK)
    host.kill()
    fill(small_disk / "filler")
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        await until(tom, ledger, conversation, Outcome.FAIL)
        checked(ledger, conversation, await read_history(tom, conversation))
        (small_disk / "filler").unlink()
        await until(tom, ledger, conversation, Outcome.OK)
        checked(ledger, conversation, await read_history(tom, conversation))


@pytest.mark.F8
def test_a_start_on_a_read_only_disk_says_so(host: Host, small_disk: Path) -> None:
    """F8, at the start."""
    host.broker()
    assert host.stop() == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = host.start("-m", "broker")
    assert refused.wait() == 78
    assert "Read-only file system" in refused.lines[-1]
    assert str(small_disk) in refused.lines[-1]
    assert not any("Traceback" in line for line in refused.lines)
