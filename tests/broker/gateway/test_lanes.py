"""Large pushes: who gets what in which order, and who waits for whom. Counted in turns and sessions, not in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.gateway import flush as flushing
from broker.gateway import lanes
from broker.gateway.delivery import Delivery
from broker.gateway.flush import LATER_SOCKETS, SOCKETS, flush
from broker.gateway.lanes import SLICE
from broker.hub.effects import Effect, EndSession, Post, ReplyTo
from protocol.commands import Done
from protocol.errors import CloseReason
from protocol.pushes import MessageNew, Push
from protocol.records import Message
from protocol.wires.wire import Ending
from tests.broker.gateway.conftest import FakeCore, FakeWire
from tests.broker.gateway.pipes import Pipe, empty_table, make


class MessageWire(FakeWire):
    def push(self, push: Push) -> bytes | None:
        assert isinstance(push, MessageNew)
        return push.message.body


class Gateway:
    """Delivery and flush over connections without sockets, a turn at a time, each as short as can be."""

    def __init__(self, connections: int) -> None:
        self.core = FakeCore()
        self.table = empty_table(self.core)
        self.delivery = Delivery(self.core, self.table)
        pipes = [Pipe() for _ in range(connections)]
        self.pipes = {make(self.table, pipe, MessageWire(text=False)).session: pipe for pipe in pipes}
        self.sessions = tuple(self.pipes)

    def post(self, sessions: Sequence[int], body: bytes, skip: int = 0) -> None:
        self.do(Post(sessions, MessageNew(app="app", message=Message(1, 1, 1, "a", -1, body), kind=3), skip))

    def do(self, effect: Effect) -> None:
        self.core.outgoing.append(effect)

    def turn(self) -> None:
        self.delivery.perform(0.0)
        flush(self.table, 0.0)

    def settle(self) -> int:
        """Turns until nothing is left to do; how many those were."""
        turns = 0
        while self.delivery.pending() or self.table.touched or self.table.later:
            self.turn()
            turns += 1
        return turns

    def heard(self, session: int) -> list[bytes]:
        return [*payloads(b"".join(self.pipes[session].calls))]

    def told(self, sessions: Sequence[int]) -> int:
        """How many of them have been written to."""
        return sum(1 for session in sessions if self.pipes[session].calls)


def payloads(stream: bytes) -> Iterator[bytes]:
    while stream:
        end = 4 + int.from_bytes(stream[:4], "big")
        yield stream[4:end]
        stream = stream[end:]


CONNECTIONS = 9
ROOMS = (range(9), range(5), range(3, 9), (8, 1, 6, 3, 4))
"""By the numbers of connections; they overlap, and each is large by the slices below."""
PLACES = st.integers(0, CONNECTIONS - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("large"), st.integers(0, len(ROOMS) - 1), st.one_of(st.none(), PLACES)),
        st.tuples(st.just("few"), st.lists(PLACES, min_size=1, max_size=3, unique=True), st.none()),
        st.tuples(st.just("reply"), PLACES, st.none()),
        st.tuples(st.just("end"), PLACES, st.none()),
        st.tuples(st.just("turn"), st.none(), st.none()),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_every_session_gets_what_is_for_it_once_and_in_order(steps: list[tuple[str, object, int | None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "SLICE", 3)
        patch.setattr(flushing, "SOCKETS", 2)
        patch.setattr(flushing, "LATER_SOCKETS", 2)
        gateway = Gateway(CONNECTIONS)
        sessions = gateway.sessions
        rooms = [tuple(sessions[at] for at in room) for room in ROOMS]
        due: dict[int, list[bytes]] = {session: [] for session in sessions}
        ended: set[int] = set()
        for number, (kind, what, skipped) in enumerate(steps):
            body = b"%d" % number
            to: Sequence[int] = ()
            match kind, what:
                case "turn", _:
                    gateway.turn()
                case "large", int(room):
                    to, skip = rooms[room], 0 if skipped is None else sessions[skipped]
                    gateway.post(to, body, skip)
                    to = [session for session in to if session != skip]
                case "few", list(places):
                    to = tuple(sessions[place] for place in places)
                    gateway.post(to, body)
                case "reply", int(place):
                    to = (sessions[place],)
                    gateway.do(ReplyTo(to[0], body, Done(time_ms=1)))
                    body = b"ok " + body
                case "end", int(place):
                    to = (sessions[place],)
                    gateway.do(EndSession(to[0], Ending(CloseReason.KICKED)))
                    body = b"bye kicked"
            for session in to:
                if session not in ended:
                    due[session].append(body)
            if kind == "end":
                ended.update(to)
        gateway.settle()
        assert {session: gateway.heard(session) for session in sessions} == due


def test_a_pair_hears_its_message_in_the_same_turn_while_a_large_room_is_told() -> None:
    gateway = Gateway(SLICE * 4)
    pair, room = gateway.sessions[:2], gateway.sessions[2:]
    gateway.post(room, b"to all")
    gateway.turn()
    for turn in range(1, 4):
        gateway.post(pair, b"to you")
        gateway.turn()
        assert [gateway.heard(each) for each in pair] == [[b"to you"] * turn] * 2
        assert gateway.told(room) == (turn + 1) * LATER_SOCKETS
    gateway.settle()
    assert gateway.told(room) == len(room)


def test_a_large_room_is_told_however_much_else_there_is_to_do() -> None:
    gateway = Gateway(SLICE * 4 + SOCKETS * 2)
    others, room = gateway.sessions[: SOCKETS * 2], gateway.sessions[SOCKETS * 2 :]
    gateway.post(room, b"to all")
    turns = 0
    while gateway.told(room) < len(room):
        gateway.post(others, b"to us")
        gateway.post(others, b"to us")  # more than a turn can do
        gateway.turn()
        turns += 1
    assert turns <= len(room) / LATER_SOCKETS + 2


def test_large_rooms_take_turns_so_the_smallest_is_told_first_wherever_it_came() -> None:
    gateway = Gateway(SLICE * 11)
    rooms = [gateway.sessions[: SLICE * 5], gateway.sessions[SLICE * 5 : SLICE * 9], gateway.sessions[SLICE * 9 :]]
    for room in rooms:
        gateway.post(room, b"to all")
    for _ in range(8):
        gateway.delivery.perform(0.0)
    told = [[bool(gateway.table.outboxes[each].frames) for each in room].count(True) for room in rooms]
    assert told == [SLICE * 4, SLICE * 2, SLICE * 2]  # one after the other, the third would not have begun


def test_messages_to_one_large_room_travel_together_unless_one_has_begun() -> None:
    gateway = Gateway(SLICE + 2)
    sender, room = gateway.sessions[0], gateway.sessions
    for number in range(3):
        gateway.post(room, b"%d" % number, sender)
        gateway.do(ReplyTo(sender, b"%d" % number, Done(time_ms=1)))
    for _ in range(6):
        gateway.delivery.perform(0.0)
    assert [len(gateway.table.outboxes[each].frames) for each in (room[1], room[-1])] == [3, 3]  # each turn began one
    gateway.settle()
    for number in range(3, 6):
        gateway.post(room, b"%d" % number, sender)
        gateway.do(ReplyTo(sender, b"%d" % number, Done(time_ms=1)))
    gateway.delivery.perform(float("inf"))
    assert [len(gateway.table.outboxes[each].frames) for each in (sender, room[1], room[-1])] == [3, 1, 1]
    gateway.settle()
    assert gateway.heard(room[1]) == gateway.heard(room[-1]) == [b"%d" % number for number in range(6)]
    assert gateway.heard(sender) == [b"ok %d" % number for number in range(6)]
