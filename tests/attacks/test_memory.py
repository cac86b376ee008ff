"""F23: a broker whose control group leaves it little memory: it sheds those who read nothing and lives; killed, it loses
nothing."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.attacks.groups import kills, memory_group, narrow, used
from tests.attacks.strangers import GONE, UPGRADE, login, pulse, put, stranger
from tests.attacks.test_crowds import SLOW, counter
from tests.journeys.programs import APP, Host, Program
from tests.journeys.wire import json_peer

MIB = 1 << 20
INSIDE = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
"""A shell's."""


def confined(host: Host, group: Path) -> Program:
    """A broker that was in the group from its first byte on."""
    return host.broker(command=("sh", "-c", INSIDE, str(group), sys.executable, "-u"))


@pytest.mark.F23
async def test_in_a_group_with_little_memory_those_who_read_nothing_go_and_the_others_stay(host: Host) -> None:
    """F23: sixty deaf sessions could hold 1 MiB each; `all_outboxes_bytes` is set below what the group leaves, as the README
    says, so the kernel never has to kill."""
    host.configure(
        {**APP, "sessions_per_user": 100},
        sockets={"all_outboxes_bytes": 8 * MIB, "outbox_seconds": 60.0},
        store={"tail_bytes": 4 * MIB, "segment_bytes": MIB, "journal_bytes": 512 * MIB},
    )
    with memory_group(160 * MIB) as group:
        broker = confined(host, group)
        async with pulse(host.url) as beats, json_peer(host.url) as tom, AsyncExitStack() as stack:
            await tom.login("tom")
            for number in range(60):
                deaf = await stack.enter_async_context(stranger(host.port))
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                await put(deaf, UPGRADE + login("ann", device_id=f"deaf{number}"))
            sent = 0
            while not await counter(host, SLOW):
                for _ in range(10):
                    await tom.ok("msg.send", to="ann", type=-1, text="x" * 5000)
                sent += 10
                assert sent < 2000
        beats.check()
        assert broker.process.poll() is None
        assert kills(group) == 0


@pytest.mark.F23
async def test_killed_for_its_memory_it_loses_nothing(host: Host) -> None:
    """F23, F1: a group with less room than the tail may take, and a store that is behind: the kernel kills in the middle of
    sends. What was acknowledged is there after the next start."""
    host.configure(store={"write_seconds": 60.0})
    acknowledged: list[int] = []
    conversation = ""
    with memory_group(1 << 40) as group:
        broker = confined(host, group)
        narrow(group, used(group) + 6 * MIB)
        try:
            async with json_peer(host.url) as tom, json_peer(host.url) as ann:
                await ann.login("ann")
                await tom.login("tom")
                while len(acknowledged) < 20_000:
                    sent = await tom.ok("msg.send", to="ann", type=-1, text="x" * 5000)
                    acknowledged.append(sent["seq"])
                    conversation = sent["conv_id"]
        except* (EOFError, *GONE):
            pass
        assert broker.wait() == -signal.SIGKILL
        assert kills(group)
    host.broker()
    async with json_peer(host.url) as ann:
        await ann.login("ann")
        page = await ann.ok("msg.history", conv_id=conversation, limit=100)
        found = [message["seq"] for message in page["messages"]]
        assert acknowledged[-20:] == [seq for seq in found if seq <= acknowledged[-1]][-20:]
