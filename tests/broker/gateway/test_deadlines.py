"""Login, idle, slow readers, lingering, and time that does not count."""

from __future__ import annotations

import pytest
import trio
from websockets.frames import Opcode

from broker.gateway.outbox import BLOCKED, Fleeting, Minor
from broker.hub.effects import Post
from protocol.errors import CloseReason
from protocol.pushes import MessageNew
from protocol.records import Kind, Message
from tests.broker.gateway.conftest import Broker, Clock, FakeCore, WebSocketClient, running


async def pass_time(broker: Broker, clock: Clock, seconds: float) -> None:
    """Let time pass in steps that are not late, each seen by a whole round of the sweep."""
    while seconds > 0:
        clock.offset += min(0.9, seconds)
        seconds -= 0.9
        turns = broker.reactor.statistics().turns
        await broker.until(lambda turns=turns: broker.reactor.statistics().turns > turns + 2)  # type: ignore[misc]


@pytest.mark.F16
async def test_who_does_not_log_in_is_ended_with_4503() -> None:
    clock = Clock()
    async with running(clock=clock) as broker:
        silent, upgraded = await broker.connect(), await broker.client(login=None)
        await broker.until(lambda: broker.reactor.statistics().connections == 2)
        await pass_time(broker, clock, 9.0)
        assert broker.reactor.statistics().connections == 2
        await pass_time(broker, clock, 3.0)
        assert await upgraded.receive() == b"bye login_timeout"
        assert isinstance(upgraded, WebSocketClient)
        assert await upgraded.close_code() == 4503
        with trio.fail_after(5):
            assert await silent.receive_some() == b""


@pytest.mark.F17
async def test_a_silent_peer_is_asked_and_then_ended() -> None:
    clock = Clock()
    async with running(clock=clock) as broker:
        half_open, answering = await broker.client(), await broker.client()
        assert isinstance(half_open, WebSocketClient)
        assert isinstance(answering, WebSocketClient)
        await pass_time(broker, clock, 27.0)
        for client in (half_open, answering):
            assert (await client.next()).opcode is Opcode.PING
            assert await client.receive() == b"probe"
        await answering.stream.send_all(answering.frame(b"", Opcode.PONG))
        await broker.until(lambda: len([c for c in broker.reactor.table.connections.values() if c.heard > c.probed]) == 1)
        await pass_time(broker, clock, 12.0)
        assert await half_open.receive() == b"bye idle"
        assert broker.reactor.statistics().logged_in == 1
        await answering.send(b"echo x")
        assert await answering.receive() == b"ok echo x"


@pytest.mark.F24
async def test_a_stopped_process_disconnects_nobody() -> None:
    clock = Clock()
    async with running(clock=clock) as broker:
        client, stranger = await broker.client(), await broker.client(login=None)
        await pass_time(broker, clock, 8.0)
        clock.offset += 300.0  # SIGSTOP, five minutes, SIGCONT
        await pass_time(broker, clock, 1.0)
        assert broker.reactor.statistics().connections == 2
        assert broker.reactor.statistics().late_max > 250
        await client.send(b"echo x")
        await stranger.send(b"login")
        assert await client.receive() == b"ok echo x"
        assert await stranger.receive() == b"ok login"


async def test_while_the_core_checks_a_login_no_deadline_runs() -> None:
    clock, core = Clock(), FakeCore()
    core.silent = True
    async with running(core, clock) as broker:
        client = await broker.client(login=None)
        await client.send(b"login")
        await broker.until(lambda: len(core.submitted) == 1)
        await pass_time(broker, clock, 20.0)
        core.silent = False
        core.submit(*core.submitted.pop())
        broker.reactor.wake()
        assert await client.receive() == b"ok login"


async def test_a_slow_reader_is_cut_at_the_limit_and_the_others_are_not() -> None:
    async with running(outbox_bytes=100_000) as broker:
        slow, good = await broker.client(framed=True), await broker.client(framed=True)
        sessions = broker.core.sessions()
        sent = 0
        while broker.reactor.statistics().closed.get("slow") is None:
            broker.post(sessions, b"x" * 10_000)
            sent += 1
            assert await good.receive() == b"x" * 10_000
            assert sent < 5000
        assert broker.core.departed == [sessions[0]]
        await good.send(b"echo x")
        assert await good.receive() == b"ok echo x"
        await slow.closed()


def said(priority: int, kind: Kind, seq: int) -> MessageNew:
    return MessageNew(app="a", message=Message(1, 1, seq, "a", 1, b"{}", priority=priority), kind=kind)


@pytest.mark.parametrize("push", [said(1, Kind.DIRECT, 0), said(3, Kind.GROUP, 0), said(2, Kind.ROOM, 9)])
async def test_what_can_be_done_without_is_dropped_before_a_connection_is(push: MessageNew) -> None:
    async with running(outbox_bytes=50_000) as broker:
        slow = await broker.client(framed=True)
        (session,) = broker.core.sessions()
        while not broker.reactor.statistics().dropped_pushes:
            broker.effect(Post([session] * 100, push))
            await trio.lowlevel.checkpoint()
        assert broker.reactor.statistics().closed == {}
        assert broker.reactor.statistics().logged_in == 1
        broker.kick(session)
        answer = b""
        while answer != b"bye kicked":
            answer = await slow.receive()


@pytest.mark.parametrize("push", [said(3, Kind.GROUP, 9), said(1, Kind.ROOM, 9)])
async def test_messages_are_kept_but_for_the_lesser_ones_of_rooms(push: MessageNew) -> None:
    """LC-23: priority is of transient messages and of rooms, and the high ones queue."""
    async with running(outbox_bytes=50_000) as broker:
        await broker.client(framed=True)
        (session,) = broker.core.sessions()
        while not broker.core.departed:
            broker.effect(Post([session] * 100, push))
            await trio.lowlevel.checkpoint()
        assert broker.reactor.statistics().closed == {"slow": 1}
        assert broker.reactor.statistics().dropped_pushes == 0


async def test_of_what_can_be_done_without_the_lesser_goes_first() -> None:
    async with running(outbox_bytes=1_000_000_000) as broker:
        await broker.client(framed=True)
        (session,) = broker.core.sessions()
        (outbox,) = broker.reactor.table.outboxes.values()
        before = 0
        while not before:
            before = outbox.size  # what comes behind these stays too
            for push in (said(3, Kind.DIRECT, 0), said(1, Kind.DIRECT, 0), said(1, Kind.DIRECT, 9)):
                broker.effect(Post([session] * 100, push))
            await broker.until(lambda: not broker.core.outgoing)
        frames = list(outbox.frames[1:])  # of the first some bytes may be sent
        low, high = (sum(len(frame) for frame in frames if type(frame) is mark) for mark in (Minor, Fleeting))
        assert low
        assert high
        outbox.connection.crowded(outbox.size - low)
        assert [frame for frame in frames if type(frame) is not Minor] == outbox.frames[1:]
        outbox.connection.crowded(outbox.size - high)
        assert {type(frame) for frame in outbox.frames} == {bytes}
        assert broker.reactor.statistics().logged_in == 1


async def test_what_follows_each_other_is_dropped_together_and_every_push_of_it_is_counted() -> None:
    async with running() as broker:
        for _ in range(2):
            await broker.client(framed=True)
        sessions = broker.core.sessions()
        outbox = broker.reactor.table.outboxes[sessions[0]]
        outbox.mode |= BLOCKED  # as if its socket took nothing
        lesser, kept, least = said(1, Kind.DIRECT, 0), said(1, Kind.DIRECT, 9), said(3, Kind.DIRECT, 0)
        for push in (lesser, lesser, lesser, kept, kept, least, least, lesser):
            broker.effect(Post(sessions, push, skip=sessions[1]))
        await broker.until(lambda: not broker.core.outgoing)
        assert [type(frame) for frame in outbox.frames] == [Fleeting, bytes, Minor, Fleeting]
        outbox.connection.crowded(limit=0)
        assert broker.reactor.statistics().dropped_pushes == 6


async def test_without_progress_for_ten_seconds_a_connection_is_slow() -> None:
    clock = Clock()
    async with running(clock=clock) as broker:
        slow = await broker.client(framed=True)
        sessions = broker.core.sessions()
        while not broker.reactor.statistics().outbox_bytes:
            broker.post(sessions, b"x" * 50_000)
            await trio.sleep(0.001)
        await pass_time(broker, clock, 9.0)
        assert broker.reactor.statistics().closed == {}
        await pass_time(broker, clock, 2.0)
        assert broker.reactor.statistics().closed == {"slow": 1}
        await slow.closed()


@pytest.mark.F23
async def test_over_the_sum_of_all_outboxes_the_largest_goes_first() -> None:
    async with running(all_outboxes_bytes=500_000) as broker:
        small, large = await broker.client(framed=True), await broker.client(framed=True)
        first, second = broker.core.sessions()
        while broker.reactor.statistics().closed.get("slow") is None:
            broker.post([first, second, second], b"x" * 30_000)
            await trio.sleep(0.001)
            assert broker.reactor.statistics().outbox_bytes <= 500_000
        await broker.until(lambda: broker.core.departed == [second])
        await large.closed()
        broker.kick(first, CloseReason.CONTINUED)
        await small.closed()
