"""The rules of input and how connections end, over loopback sockets."""

from __future__ import annotations

import math

import pytest
import trio
import trio.testing
from websockets.frames import Opcode

from broker.gateway.connection import FRAMES_BEFORE_LOGIN
from protocol.commands import Login, QueryPresence
from protocol.errors import CloseReason, Reason, Refused
from tests.broker.gateway.conftest import FakeCore, WebSocketClient, running

BOTH = pytest.mark.parametrize("framed", [False, True], ids=["websocket", "framed"])


@BOTH
async def test_login_echo_and_ping(framed: bool) -> None:
    async with running() as broker:
        client = await broker.client(framed)
        await client.send(b"echo a", b"ping")
        assert [await client.receive(), await client.receive()] == [b"pong", b"ok echo a"]


async def test_a_ping_is_answered_before_what_came_behind_it() -> None:
    """Autobahn 5.6: a ping between the fragments of a message, all in one packet."""
    async with running() as broker:
        client = await broker.client()
        assert isinstance(client, WebSocketClient)
        await client.stream.send_all(
            client.frame(b"pi", fin=False) + client.frame(b"x", Opcode.PING) + client.frame(b"ng", Opcode.CONT)
        )
        assert [bytes((await client.next()).data) for _ in range(2)] == [b"x", b"pong"]


@BOTH
async def test_a_hundred_frames_in_one_packet_are_all_answered(framed: bool) -> None:
    async with running() as broker:
        client = await broker.client(framed)
        await client.send(*[b"echo %d" % number for number in range(100)])
        assert [await client.receive() for _ in range(100)] == [b"ok echo %d" % number for number in range(100)]


@BOTH
async def test_the_farewell_arrives_although_the_socket_has_unread_input(framed: bool) -> None:
    async with running() as broker:
        client = await broker.client(framed)
        (session,) = broker.core.sessions()
        # The reactor stands still while the input comes in, so the kick meets it unread.
        await trio.testing.wait_all_tasks_blocked()
        await client.send(*[b"echo " + b"x" * 1000] * 60)
        broker.kick(session, CloseReason.REPLACED)
        answers = [await client.receive()]
        while answers[-1].startswith(b"ok"):
            answers.append(await client.receive())
        assert answers[-1] == b"bye replaced"
        if isinstance(client, WebSocketClient):
            assert await client.close_code() == 4001
        await client.send(b"echo still talking")
        assert await client.stream.receive_some() == b""
        await client.stream.aclose()
        await broker.until(lambda: broker.core.departed == [session])
        assert broker.reactor.statistics().closed == {"replaced": 1}


@BOTH
async def test_a_peer_that_does_not_close_is_closed_after_the_linger(framed: bool) -> None:
    async with running(linger_seconds=0.05) as broker:
        client = await broker.client(framed)
        broker.kick(broker.core.sessions()[0])
        assert await client.receive() == b"bye kicked"
        await broker.until(lambda: len(broker.core.departed) == 1)


async def test_continued_closes_without_a_word() -> None:
    async with running() as broker:
        client = await broker.client(framed=True)
        broker.kick(broker.core.sessions()[0], CloseReason.CONTINUED)
        assert await client.raw() == b""
        await broker.until(lambda: len(broker.core.departed) == 1)


async def test_nothing_follows_the_farewell() -> None:
    async with running() as broker:
        client = await broker.client(framed=True)
        (session,) = broker.core.sessions()
        broker.post([session], b"before")
        broker.kick(session)
        broker.post([session], b"after")
        assert [await client.receive(), await client.receive()] == [b"before", b"bye kicked"]
        assert await client.raw() == b""


@BOTH
async def test_before_login_one_frame_at_a_time_is_handed_on(framed: bool) -> None:
    core = FakeCore()
    core.silent = True
    async with running(core) as broker:
        client = await broker.client(framed, login=None)
        await client.send(b"login", b"echo " + b"x" * 10_000, b"echo b")
        await broker.until(lambda: len(core.submitted) == 1)
        turns = core.advanced
        await broker.until(lambda: core.advanced > turns + 10)
        assert broker.wires[0].heard == [b"login"]
        core.silent = False
        session, request, command = core.submitted.pop()
        core.submit(session, request, command)
        broker.reactor.wake()
        assert await client.receive() == b"ok login"
        assert await client.receive() == b"ok echo " + b"x" * 10_000
        assert await client.receive() == b"ok echo b"


@BOTH
@pytest.mark.F15
async def test_the_ninth_frame_without_login_is_the_end(framed: bool) -> None:
    async with running() as broker:
        client = await broker.client(framed, login=None)
        await client.send(*[b"ping"] * 20)
        answers = [await client.receive() for _ in range(FRAMES_BEFORE_LOGIN + 1)]
        assert answers == [b"pong"] * FRAMES_BEFORE_LOGIN + [b"bye bad_login"]


async def test_a_login_that_cannot_succeed_ends_after_its_answer() -> None:
    async with running() as broker:
        client = await broker.client(login=None)
        await client.send(b"wrong")
        assert await client.receive() == b"no bad_token"
        assert await client.receive() == b"bye bad_login"
        assert isinstance(client, WebSocketClient)
        assert await client.close_code() == 4010


async def test_a_wire_may_end_and_a_bug_in_it_ends_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as broker:
        first, second, third = [await broker.client() for _ in range(3)]
        await first.send(b"end")
        assert await first.receive() == b"bye kicked"
        await second.send(b"boom")
        assert await second.receive() == b"bye internal"
        assert isinstance(second, WebSocketClient)
        assert await second.close_code() == 1011
        assert "a bug in a wire" in caplog.text
        await third.send(b"echo alive")
        assert await third.receive() == b"ok echo alive"


async def test_over_the_frame_rate_requests_are_refused_and_the_stubborn_ended() -> None:
    async with running() as broker:
        client = await broker.client(login="login 5")
        await client.send(*[b"echo x"] * 40)
        answers = [await client.receive()]
        while answers[-1] != b"bye too_fast":
            answers.append(await client.receive())
        assert answers.count(b"no too_fast") >= 20
        assert isinstance(client, WebSocketClient)
        assert await client.close_code() == 4504
        asked = [command for _, _, command in broker.core.submitted if isinstance(command, QueryPresence)]
        assert len(asked) in (5, 6)
        assert broker.reactor.statistics().refused >= 20


async def test_refusals_by_the_core_count_too() -> None:
    core = FakeCore()
    async with running(core) as broker:
        client = await broker.client()
        core.refusal = Refused(Reason.TOO_FAST, retry_after_ms=10)
        await client.send(*[b"echo x"] * 30)
        answers = [await client.receive() for _ in range(21)]
        assert answers == [b"no too_fast"] * 20 + [b"bye too_fast"]


async def test_a_flood_of_what_counts_against_no_rate_is_only_read_slowly() -> None:
    async with running() as broker:
        client = await broker.client(login="login 2")
        await client.send(*[b"free %d" % number for number in range(25)])
        for number in range(25):
            assert await client.receive() == b"ok free %d" % number


@pytest.mark.F15
async def test_a_hundred_thousand_pings_cost_one_connection_nothing_but_time() -> None:
    async with running() as broker:
        flooder, other = await broker.client(login="login 200"), await broker.client()
        assert isinstance(flooder, WebSocketClient)
        flood = flooder.frame(b"x", Opcode.PING) * 100_000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flooder.stream.send_all, flood)
            for _ in range(50):
                await other.send(b"echo x")
                assert await other.receive() == b"ok echo x"
            nursery.cancel_scope.cancel()
        assert broker.reactor.statistics().late_max < 0.5


@BOTH
async def test_an_oversize_frame_is_answered_and_closed(framed: bool) -> None:
    async with running() as broker:
        client = await broker.client(framed)
        await client.send(b"echo " + b"x" * 65_536)
        if isinstance(client, WebSocketClient):
            assert await client.close_code() == 1009
        else:
            assert await client.receive() == b"too large"
        assert await client.raw() == b""
        await client.stream.aclose()
        await broker.until(lambda: broker.reactor.statistics().closed == {"broken": 1})


async def test_garbage_and_requests_that_are_no_upgrade_are_closed() -> None:
    async with running() as broker:
        for data in (b"\0" * 1_048_576, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            stream = await broker.connect()
            answer = b""
            with trio.fail_after(5):
                try:
                    await stream.send_all(data)
                    while more := await stream.receive_some():
                        answer += more
                except trio.BrokenResourceError:
                    pass
            await stream.aclose()
        assert answer.startswith(b"HTTP/1.1 426 ")
        await broker.until(lambda: broker.reactor.statistics().connections == 0)
        assert broker.core.departed == []


async def test_the_peers_close_is_echoed_then_the_connection_is_gone() -> None:
    async with running() as broker:
        client = await broker.client()
        assert isinstance(client, WebSocketClient)
        await client.stream.send_all(client.frame(b"\x03\xe8", Opcode.CLOSE))
        assert await client.close_code() == 1000
        assert broker.core.departed == broker.core.sessions()  # before its socket is closed: its slot is free
        assert await client.raw() == b""
        await client.stream.aclose()
        await broker.until(lambda: broker.reactor.statistics().connections == 0)
        assert broker.core.departed == broker.core.sessions()
        assert broker.reactor.statistics().closed == {"gone": 1}


@BOTH
@pytest.mark.F18
async def test_resets_and_ends_are_noticed_paused_or_not(framed: bool) -> None:
    core = FakeCore()
    async with running(core) as broker:
        reset, ended = await broker.client(framed), await broker.client(framed)
        reset.reset()
        await ended.stream.aclose()
        core.silent = True
        waiting = await broker.client(framed, login=None)
        await waiting.send(b"login", b"echo")
        await broker.until(lambda: len(core.submitted) == 3)
        await waiting.send(b"echo")
        turns = core.advanced
        await broker.until(lambda: core.advanced > turns + 5)
        waiting.reset()
        await broker.until(lambda: len(core.departed) == 3)
        assert sorted(core.departed) == sorted(session for session, _, command in core.submitted if type(command) is Login)


async def test_who_sends_durable_commands_is_held_back_while_the_journal_is_behind() -> None:
    core = FakeCore()
    async with running(core) as broker:
        sender, other = await broker.client(), await broker.client()
        core.paused = 1.0
        await broker.until(lambda: broker.reactor.table.pause_seconds)
        await sender.send(b"send 1", b"send 2")
        assert await sender.receive() == b"ok send 1"
        await other.send(b"echo x")
        assert await other.receive() == b"ok echo x"
        assert broker.wires[0].heard[-1] == b"send 1"
        core.paused = 0.0
        broker.reactor.wake()
        assert await sender.receive() == b"ok send 2"


async def test_while_too_much_waits_for_the_disk_nobody_is_read_and_nobody_is_lost() -> None:
    core = FakeCore()
    async with running(core) as broker:
        quiet, other = await broker.client(), await broker.client()
        core.paused = math.inf
        await broker.until(lambda: broker.reactor.table.pause_seconds == math.inf)
        for client in (quiet, other):
            await client.send(b"echo x", b"echo y")
        await broker.until(lambda: len(broker.reactor.table.senders) == 2)
        assert not any(b"echo" in word for wire in broker.wires for word in wire.heard)
        core.paused = 1.0  # as it gets better: who sent nothing durable is read first
        broker.reactor.wake()
        for client in (quiet, other):
            assert await client.receive() == b"ok echo x"
            assert await client.receive() == b"ok echo y"
