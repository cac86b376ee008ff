"""Too many at once: connections, descriptors, memory; and a broker that stands still (F20, F22, F23, F24, F39)."""

from __future__ import annotations

import gc
import resource
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import cast

import pytest
import trio

from adminapi.control import connected
from protocol.commands import Stats, StatsReport
from tests.attacks.strangers import GONE, UPGRADE, busy_seconds, descriptors, login, memory, pulse, put, rest, stranger
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

SLOW = 'closed_total{reason="slow"}'


async def counter(host: Host, name: str) -> float:
    """One of the broker's own counts."""
    async with connected(host.data / "control.sock") as channel:
        return cast(StatsReport, await channel.call(Stats())).counters.get(name, 0.0)


async def arrive(port: int, number: int, stack: AsyncExitStack) -> bool:
    """One of a storm, from one of fifty addresses: whether it got its login answered."""
    try:
        stream = await stack.enter_async_context(stranger(port, source=f"127.0.1.{number % 50 + 1}"))
        await put(stream, UPGRADE + login(f"user{number}"))
        said = b""
        with trio.fail_after(60):
            while b"login.success" not in said:
                chunk = await stream.receive_some(4096)
                if not chunk:
                    return False
                said += chunk
    except GONE:
        return False
    return True


@pytest.mark.F20
@pytest.mark.parametrize("crowd", [500, pytest.param(9000, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
async def test_a_storm_is_served_and_those_who_are_there_notice_little(host: Host, crowd: int) -> None:
    """F20: all at once; everybody is logged in, and all of it is given back."""
    host.configure(sockets={"login_seconds": 120.0})  # nine thousand clients of one process are slow themselves
    broker = host.broker()
    served: list[bool] = []
    before = descriptors(broker.process.pid)
    async with pulse(host.url) as beats, AsyncExitStack() as stack:

        async def one(number: int) -> None:
            served.append(await arrive(host.port, number, stack))

        async with trio.open_nursery() as nursery:
            for number in range(crowd):
                nursery.start_soon(one, number)
    assert served == [True] * crowd
    beats.check(2.0 if crowd <= 500 else 60.0)  # this process is the slower one
    assert await counter(host, "turn_late_seconds_max") < 2.0
    with trio.fail_after(20):
        while descriptors(broker.process.pid) > before + 1:
            await trio.sleep(0.02)


@pytest.mark.F22
@pytest.mark.parametrize("ending", [False, True])
async def test_without_descriptors_those_who_are_there_are_served(host: Host, ending: bool) -> None:
    """F22: 300 on a limit of 256, and a limit that is met in the middle (EMFILE): accepting rests without spinning, and is
    back by itself."""
    broker = host.broker(command=(("prlimit", "--nofile=256") if not ending else ()) + (sys.executable, "-u"))
    pid = broker.process.pid
    async with pulse(host.url) as beats:
        if ending:
            most = descriptors(pid) + 20
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        async with AsyncExitStack() as stack:
            for _ in range(60 if ending else 300):
                await stack.enter_async_context(stranger(host.port))
            broker.wait_line("accepting rests why=" + ("EMFILE" if ending else "limit"))
            spent = busy_seconds(pid)
            await trio.sleep(1)
            assert busy_seconds(pid) - spent < 0.7
            assert descriptors(pid) <= (most if ending else 256)
        async with json_peer(host.url) as peer:
            await peer.login("late")
    beats.check()


@pytest.mark.F23
async def test_all_outboxes_together_have_a_bound_and_the_fullest_go(host: Host) -> None:
    """F23: twenty who read nothing, each with room for 1 MiB, 4 MiB for all: memory is bounded, readers stay."""
    host.configure(sockets={"all_outboxes_bytes": 4 << 20, "outbox_seconds": 60.0})
    broker = host.broker()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann, AsyncExitStack() as stack:
        await tom.login("tom")
        await ann.login("ann", device_id="reads")
        for number in range(10):
            deaf = await stack.enter_async_context(stranger(host.port))
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            await put(deaf, UPGRADE + login("ann", device_id=f"deaf{number}"))
        before = memory(broker.process.pid)
        sent, heard = 0, 0

        async def listen() -> None:
            nonlocal heard
            while True:
                if (await ann.take())["type"] == "msg.new":
                    heard += 1

        nursery = await stack.enter_async_context(trio.open_nursery())
        nursery.start_soon(listen)
        while not (cut := await counter(host, SLOW)):
            for _ in range(100):
                await tom.ok("msg.send", to="ann", type=-1, text="x" * 5000)
            sent += 100
            assert sent < 4000
        assert memory(broker.process.pid) - before < 64 << 20  # what was said is in the tail, too
        assert await counter(host, "outbox_bytes") < 6 << 20
        with trio.fail_after(10):
            while heard < sent:
                await trio.sleep(0.02)
        nursery.cancel_scope.cancel()
        assert 0 < cut <= 10


@pytest.mark.F24
async def test_a_broker_that_stood_still_disconnects_nobody(host: Host) -> None:
    """F24: SIGSTOP for longer than ping and pong together; nobody is held to what he could not have been heard to say."""
    host.configure(sockets={"ping_seconds": 0.5, "pong_seconds": 0.5})
    broker = host.broker()
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(json_peer(host.url)) for _ in range(20)]
        for number, peer in enumerate(peers):
            await peer.login(f"user{number}")
        broker.signal(signal.SIGSTOP)
        await trio.sleep(2.5)
        broker.signal(signal.SIGCONT)
        await trio.sleep(0.8)
        for peer in peers:
            await peer.ok("ping")
    broker.wait_line("turn late")


@pytest.mark.F39
@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_a_hundred_thousand_logins_leave_nothing(host: Host) -> None:
    """F39: churn of one crowd of users; after the first fifth neither memory nor descriptors grow."""
    broker = host.broker()
    pid = broker.process.pid
    sizes = []

    async def churn(user: int, rounds: int) -> None:
        for _ in range(rounds):
            async with stranger(host.port) as stream:
                await put(stream, UPGRADE + login(f"user{user}"))
                said = b""
                while b"login.success" not in said:
                    said += await stream.receive_some(4096)
                await put(stream, b"\x88\x80\0\0\0\0")
                await rest(stream)

    for _ in range(5):
        async with trio.open_nursery() as nursery:
            for user in range(50):
                nursery.start_soon(churn, user, 400)
        gc.collect()
        sizes.append((memory(pid), descriptors(pid)))
    assert sizes[-1][0] - sizes[0][0] < 8 << 20, sizes
    assert sizes[-1][1] == sizes[0][1], sizes
