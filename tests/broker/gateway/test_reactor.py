"""Turns: what is served when, and what the reactor survives."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
import trio

from broker.gateway.listeners import address_of, bind_tcp, framed_door
from broker.gateway.reactor import Reactor
from broker.hub.effects import Post
from broker.settings import Sockets
from protocol.errors import CloseReason
from protocol.pushes import SystemNew
from protocol.wires.wire import Ending
from tests.broker.gateway.conftest import FakeCore, FramedClient, running

EMFILE = """
import resource, trio
from tests.broker.gateway.conftest import running

async def main():
    async with running(connections=1_000_000) as broker:
        first = await broker.client()
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        crowd = []
        try:
            while True:
                crowd.append(await broker.connect())
        except OSError:
            pass
        crowd.pop(0).socket.close()  # the broker takes this descriptor for its next accept, then has none
        await broker.until(lambda: bool(broker.reactor._resting))
        turns = broker.reactor.statistics().turns
        await trio.sleep(0.25)
        spun = broker.reactor.statistics().turns - turns
        await first.send(b"echo alive")
        assert await first.receive() == b"ok echo alive"
        for stream in crowd:
            stream.socket.close()
        second = await broker.client()
        await second.send(b"echo again")
        assert await second.receive() == b"ok echo again"
        print("turns while full:", spun)
        assert spun < 50, spun

trio.run(main)
"""


@pytest.mark.F22
def test_without_descriptors_accepting_rests_and_comes_back() -> None:
    root = os.path.dirname(os.path.abspath(__file__ + "/../../.."))
    done = subprocess.run(
        [sys.executable, "-c", EMFILE], env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.F20
async def test_beyond_the_number_of_connections_peers_wait_in_the_backlog() -> None:
    async with running(connections=2) as broker:
        first, _ = await broker.client(), await broker.client()
        waiting = await broker.connect()
        await broker.until(lambda: broker.reactor.statistics().turns > 5)
        assert broker.reactor.statistics().connections == 2
        await first.stream.aclose()
        await broker.until(lambda: broker.reactor.statistics().accepted == 3)
        await waiting.aclose()


async def test_at_the_number_of_connections_the_control_socket_still_lets_in() -> None:
    async with running(connections=1) as broker:
        (listener,) = bind_tcp("127.0.0.1", 0)
        trusted = msgspec.structs.replace(broker.limits, gated=False)
        broker.reactor.listen(listener, framed_door("control", trusted, broker.begin))
        await broker.client()
        waiting = await broker.connect()
        await broker.until(lambda: bool(broker.reactor._resting))
        async with await trio.open_tcp_stream(*address_of(listener)) as stream:
            control = FramedClient(stream)
            await control.send(b"echo x")
            assert await control.receive() == b"ok echo x"
        await waiting.aclose()


async def test_other_tasks_can_have_a_function_run_in_a_turn() -> None:
    async with running() as broker:
        ran: list[int] = []
        broker.reactor.call(lambda: ran.append(1))
        broker.reactor.call(lambda: ran.append(2))
        await broker.until(lambda: len(ran) == 2)
        assert ran == [1, 2]


async def test_stop_listening_closes_the_doors_and_keeps_the_connections() -> None:
    async with running() as broker:
        client = await broker.client()
        broker.reactor.stop_listening()
        with pytest.raises(OSError, match="connect"):
            await broker.connect()
        await client.send(b"echo x")
        assert await client.receive() == b"ok echo x"
        stranger_free = broker.reactor.statistics().connections
        assert stranger_free == 1


async def test_strangers_are_ended_and_emptiness_can_be_awaited() -> None:
    async with running() as broker:
        known, stranger = await broker.client(), await broker.client(login=None)
        broker.reactor.end_strangers(Ending(CloseReason.GOING_AWAY))
        assert await stranger.receive() == b"bye going_away"
        await stranger.stream.aclose()
        await known.send(b"echo x")
        assert await known.receive() == b"ok echo x"
        await known.stream.aclose()
        with trio.fail_after(5):
            await broker.reactor.wait_empty()


async def test_no_descriptor_is_left_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with running() as broker:
        for number in range(60):
            client = await broker.client(framed=number % 2 == 0)
            if number % 3:
                client.reset()
            else:
                await client.stream.aclose()
        await broker.until(lambda: len(broker.core.departed) == 60)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_cancelling_closes_everything_and_tells_the_core() -> None:
    core = FakeCore()
    async with running(core) as broker:
        await broker.client()
    assert core.departed == core.sessions()
    broker.reactor.wake()  # a task that ends later may still call


async def test_a_push_to_twenty_thousand_is_sliced_and_others_are_served_between() -> None:
    """Most of the twenty thousand are one connection's bytes many times over: what counts is the number of deliveries."""
    async with running(turn_ms=0.4) as broker:
        receivers = [await broker.client(framed=True) for _ in range(20)]
        other = await broker.client(framed=True)
        sessions = broker.core.sessions()[:20] * 1000
        seen: list[int] = []
        broker.core.on_advance = lambda: seen.append(broker.reactor.statistics().pushes)
        broker.core.outgoing.append(Post(sessions, SystemNew(app="a", content=b"p" * 20, sender="", time_ms=0)))
        await other.send(*[b"echo x"] * 30)
        for _ in range(30):
            assert await other.receive() == b"ok echo x"
        for receiver in receivers:
            for _ in range(1000):
                assert await receiver.receive() == b"p" * 20
        slices = [at for at in seen if 0 < at < 20_000]
        assert len(slices) > 1
        assert slices == sorted(slices)
        assert broker.reactor.statistics().pushes == 20_000


async def test_a_factory_that_fails_costs_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as broker:

        def failing() -> None:
            raise RuntimeError("no wire today")

        core = FakeCore()
        reactor = Reactor(core, Sockets())
        (listener,) = bind_tcp("127.0.0.1", 0)
        reactor.listen(listener, framed_door("tcp", broker.limits, failing))  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reactor.run)
            async with await trio.open_tcp_stream(*address_of(listener)) as stream:
                with trio.fail_after(5):
                    assert await stream.receive_some() == b""
            assert "no wire today" in caplog.text
            nursery.cancel_scope.cancel()
