"""A full disk is met at the door: what would be durable is refused, everything else goes on, and it ends by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import Peer, json_peer

MIB = 1 << 20


@pytest.fixture
def small_disk(host: Host) -> Iterator[Path]:
    """The data directory on a file system of 200 MiB."""
    host.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(host.data)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs a small file system: run as root where mount(8) is allowed")
    yield host.data
    for program in host.programs:
        program.end()
    subprocess.run(["umount", "--lazy", str(host.data)], check=True)


async def until(peer: Peer, conversation: str, type: str) -> dict[str, object]:
    """Send until the answer has that type."""
    with trio.fail_after(10):
        while True:
            frame = await peer.request("msg.send", conv_id=conversation, type=-1, text="x")
            if frame["type"] == type:
                return frame
            await trio.sleep(0.05)


async def test_durable_commands_are_refused_until_there_is_room_again(host: Host, small_disk: Path) -> None:
    host.configure(store={"free_bytes": 64 * MIB, "segment_bytes": 8 * MIB})
    host.broker()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann:
        await tom.login("tom")
        await ann.login("ann")
        conversation = (await tom.ok("msg.send", to="ann", type=-1, text="first"))["conv_id"]
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (130 * MIB))
        refused = await until(tom, conversation, "msg.send.error")
        assert refused["code"] == 5030
        await tom.ok("msg.send", conv_id=conversation, type=-1, text="typing", transient=1)
        while (await ann.push("msg.new"))["text"] != "typing":
            pass
        await tom.ok("msg.history", conv_id=conversation)
        async with json_peer(host.url) as again:
            await again.login("ann", device_id="other")
        before = (await ann.ok("sync"))["conversations"][0]["last_seq"]
        filler.unlink()
        await until(tom, conversation, "msg.send.success")
        after = (await ann.ok("sync"))["conversations"][0]["last_seq"]
        assert after == before + 1
    assert host.running.process.poll() is None
    host.kill()
    host.broker()
    async with json_peer(host.url) as ann:
        await ann.login("ann")
        page = await ann.ok("msg.history", conv_id=conversation, limit=100)
        assert [message["seq"] for message in page["messages"]] == list(range(1, after + 1))


@pytest.mark.parametrize("limit", [{"journal_bytes": MIB}, {"journal_seconds": 1.5}], ids=["bytes", "age"])
async def test_a_journal_the_store_does_not_take_is_full_and_empties(host: Host, limit: dict[str, float]) -> None:
    """In bytes, or by the age of its oldest row. The store gathers for seconds here; either is met long before it writes."""
    host.configure(
        store={"journal_bytes": 64 * MIB, **limit, "segment_bytes": MIB // 16, "write_seconds": 6.0, "free_bytes": 0}
    )
    host.broker()
    seqs: list[int] = []
    refused, accepted = 0, False
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        with trio.fail_after(30):
            while not (refused and seqs[-1] == len(seqs) and accepted):
                frame = await tom.request("msg.send", conv_id=conversation, type=-1, text="x" * 5000)
                accepted = frame["type"] == "msg.send.success"
                if accepted:
                    seqs.append(frame["data"]["seq"])
                    await trio.sleep(0.005)
                    assert sum(path.stat().st_size for path in (host.data / "journal").iterdir()) < 16 * MIB
                else:
                    assert frame["code"] == 5030
                    refused += 1
                    await trio.sleep(0.1)
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) > MIB // 20_000  # each is on the journal as a message and in its head
