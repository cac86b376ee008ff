"""Several users on one connection: each hears its own, each ends alone, and they leave together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager

import pytest

from broker.gateway import reactor
from broker.gateway.framing import LengthFraming
from broker.gateway.listeners import address_of, bind_tcp, framed_door
from broker.gateway.outbox import Fleeting
from broker.gateway.seats import MOST_SEATS
from broker.gateway.table import Table
from broker.hub.effects import Post
from protocol.commands import LoggedIn, Login, Logout, QueryPresence, Reply
from protocol.errors import CloseReason, Refused
from protocol.pushes import MessageNew, Push
from protocol.records import Message
from protocol.wires.wire import Ending, Inbound, Submit
from tests.broker.gateway.conftest import Broker, Client, FakeWire, FramedClient, running


class SeatedWire(FakeWire):
    """Frames are `SEAT WORD ...`; the words are `login`, `echo X`, `logout`. After a login it asks for an echo by itself."""

    def __init__(self) -> None:
        super().__init__(text=False)
        self.asks: list[Inbound] = []
        self.leaves = False

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        seat, _, words = payload.partition(b" ")
        command = {b"login": Login(app="app", user="u"), b"logout": Logout()}.get(words, QueryPresence(users=()))
        return [Submit(payload, command, seat.decode())]

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        assert isinstance(request, bytes)
        seat, _, words = request.partition(b" ")
        self.asks = []
        self.leaves = words == b"logout"
        if isinstance(reply, LoggedIn):
            self.asks = [Submit(seat + b" by itself", QueryPresence(users=()), seat.decode())]
        return super().reply(request, reply)

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        return CloseReason.LOGOUT if self.leaves else None

    def push_key(self) -> Hashable:
        return "seated"

    def push(self, push: Push) -> bytes | None:
        return push.message.body if isinstance(push, MessageNew) else super().push(push)

    def end_of(self, seat: str) -> bytes:
        return b">" + seat.encode()

    def follow_up(self) -> Sequence[Inbound]:
        return self.asks

    def part(self, ending: Ending, seat: str, now_ms: int) -> Sequence[bytes]:
        return [] if ending.reason is CloseReason.LOGOUT else [f"{seat} {ending.reason.word}".encode()]


@asynccontextmanager
async def shared() -> AsyncIterator[tuple[Broker, Client]]:
    """A connection that may carry several."""
    async with running() as broker:
        (listener,) = bind_tcp("127.0.0.1", 0)

        def begin() -> tuple[LengthFraming, SeatedWire]:
            return LengthFraming(10_000), SeatedWire()

        broker.reactor.listen(listener, framed_door("shared", broker.limits, begin))
        broker.framed = address_of(listener)
        yield broker, FramedClient(await broker.connect(framed=True))


async def login(broker: Broker, client: Client, *seats: str) -> list[int]:
    """Their sessions."""
    for seat in seats:
        await client.send(f"{seat} login".encode())
        assert await client.receive() == f"ok {seat} login".encode()
        assert await client.receive() == f"ok {seat} by itself".encode()
    return broker.core.sessions()


async def test_each_has_a_session_of_its_own_and_hears_what_is_for_it() -> None:
    async with shared() as (broker, client):
        ann, bob = await login(broker, client, "ann", "bob")
        assert ann != bob
        await client.send(b"bob echo", b"ann echo")
        assert [await client.receive(), await client.receive()] == [b"ok bob echo", b"ok ann echo"]
        assert [session for session, _, _ in broker.core.submitted[-2:]] == [bob, ann]
        broker.post([ann, bob], b"both")
        broker.post([ann, bob], b"not ann", skip=ann)
        broker.post([bob], b"bob")
        expected = [b"both>ann", b"both>bob", b"not ann>bob", b"bob>bob"]
        assert [await client.receive() for _ in expected] == expected


async def test_a_push_is_encoded_once_for_all_of_them_and_no_seat_hears_before_its_login() -> None:
    async with shared() as (broker, client):
        sessions = await login(broker, client, *(f"s{number}" for number in range(5)))
        broker.core.silent = True
        await client.send(b"late login")
        await broker.until(lambda: len(broker.core.sessions()) == 6)
        broker.post([*broker.core.sessions()], b"x")
        assert [await client.receive() for _ in sessions] == [f"x>s{number}".encode() for number in range(5)]
        assert broker.reactor.statistics().pushes == 5


async def test_ends_of_any_length_follow_each_of_many_pushes() -> None:
    async with shared() as (broker, client):
        sessions = await login(broker, client, "a", "bob", "eve", "somebody")
        skipped = sessions.pop(0)
        audience = (skipped, *sessions)
        for number in range(3):
            message = Message(number, 1, number + 1, "a", -1, b"%d" % number)
            broker.effect(Post(audience, MessageNew(app="app", message=message, kind=3), skipped))
        heard = [await client.receive() for _ in range(9)]
        assert heard == [b"%d>%s" % (number, seat) for seat in (b"bob", b"eve", b"somebody") for number in range(3)]


async def test_a_push_that_may_be_dropped_is_marked_for_each_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shared() as (broker, client):
        sessions = await login(broker, client, "ann", "bob")
        marked: list[type[bytes]] = []
        flush = reactor.flush

        def looking(table: Table, ends: float) -> None:
            marked.extend(type(frame) for outbox in table.touched for frame in outbox.frames)
            flush(table, ends)

        monkeypatch.setattr(reactor, "flush", looking)
        broker.effect(Post(sessions, MessageNew(app="app", message=Message(1, 1, 0, "a", -1, b"fleeting"), kind=3)))
        assert [await client.receive(), await client.receive()] == [b"fleeting>ann", b"fleeting>bob"]
        assert marked == [Fleeting, Fleeting]


async def test_one_is_ended_and_the_others_stay() -> None:
    async with shared() as (broker, client):
        ann, bob = await login(broker, client, "ann", "bob")
        broker.kick(ann, CloseReason.REPLACED)
        assert await client.receive() == b"ann replaced"
        await broker.until(lambda: broker.core.departed == [ann])
        broker.post([ann, bob], b"x")
        assert await client.receive() == b"x>bob"
        await client.send(b"bob logout", b"ann login")
        assert await client.receive() == b"ok bob logout"
        assert await client.receive() == b"ok ann login"
        assert broker.core.departed == [ann, bob]
        assert broker.core.sessions()[-1] not in (ann, bob)


async def test_a_wire_that_fails_at_a_parting_costs_nobody_else_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SeatedWire, "part", lambda self, ending, seat, now_ms: 1 // 0)
    async with shared() as (broker, client):
        ann, bob = await login(broker, client, "ann", "bob")
        broker.kick(ann, CloseReason.KICKED)
        await broker.until(lambda: broker.core.departed == [ann])
        broker.post([bob], b"x")
        assert await client.receive() == b"x>bob"


async def test_they_leave_together_with_the_connection() -> None:
    async with shared() as (broker, client):
        sessions = await login(broker, client, "ann", "bob")
        await client.stream.aclose()
        await broker.until(lambda: sorted(broker.core.departed) == sorted(sessions))
    async with shared() as (broker, client):
        sessions = await login(broker, client, "ann", "bob")
        broker.kick(sessions[0], CloseReason.GOING_AWAY)
        assert await client.receive() == b"bye going_away"
        await client.stream.aclose()
        await broker.until(lambda: sorted(broker.core.departed) == sorted(sessions))


async def test_a_connection_carries_so_many_and_no_more() -> None:
    async with shared() as (broker, client):
        await login(broker, client, *(f"s{number}" for number in range(MOST_SEATS)))
        await client.send(b"more login", b"s0 echo")
        assert [await client.receive(), await client.receive()] == [b"no full", b"ok s0 echo"]
        await client.send(b"s0 logout")
        assert await client.receive() == b"ok s0 logout"
        await client.send(b"more login")
        assert await client.receive() == b"ok more login"
