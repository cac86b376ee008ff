"""The end of a turn: what is sent, how often, and what happens to the rest."""

from __future__ import annotations

import socket

from broker.gateway.flush import LATER_SOCKETS, SOCKETS, flush
from broker.gateway.outbox import BLOCKED
from broker.gateway.socket_connection import SocketConnection
from broker.gateway.table import LATER, NOW, Table
from tests.broker.gateway.conftest import FakeCore
from tests.broker.gateway.pipes import Pipe, empty_table, make


def test_what_an_outbox_gathered_is_one_send_large_or_small() -> None:
    table, pipe = empty_table(FakeCore()), Pipe()
    connection = make(table, pipe)
    for size in (10, 40_000):
        frames = [bytes([number]) * size for number in range(5)]
        for frame in frames:
            connection.say_framed(frame)
        flush(table, ends=0.0)
        assert pipe.calls == [b"".join(frames)]
        pipe.calls.clear()
    assert table.counters.bytes_out == 5 * 10 + 5 * 40_000


def test_last_words_wait_for_an_end_that_follows_at_once_and_for_no_other() -> None:
    table = empty_table(FakeCore())
    for grace in (0.0, 2.0):
        pipe = Pipe()
        connection = make(table, pipe)
        connection.say_framed(b"before")
        connection.leave([b"last ", b"words"], grace)
        flush(table, ends=0.0)
        assert pipe.calls == [b"beforelast words"]
        assert pipe.corked == (pipe.room == 0) == (grace == 0.0)


def test_what_is_not_taken_waits_until_the_socket_is_writable() -> None:
    table, pipe = empty_table(FakeCore()), Pipe(room=7)
    connection = make(table, pipe)
    for frame in (b"first", b"second", b"third"):
        connection.say_framed(frame)
    flush(table, ends=0.0)
    assert pipe.calls == [b"firstse"]
    assert connection.outbox.mode & BLOCKED
    assert table.held_bytes == 9
    connection.say_framed(b"fourth")
    flush(table, ends=0.0)
    assert len(pipe.calls) == 1  # not tried in vain
    assert table.held_bytes == 15
    pipe.room = 1 << 30
    connection.writable()
    flush(table, ends=0.0)
    assert b"".join(pipe.calls) == b"firstsecondthirdfourth"
    assert table.held_bytes == 0
    assert not table.blocked


def test_the_clock_is_looked_at_after_250_sockets_and_the_rest_is_first_next_time() -> None:
    table = empty_table(FakeCore())
    pipes = [Pipe() for _ in range(SOCKETS * 2 + 10)]
    connections = [make(table, pipe) for pipe in pipes]
    for connection in connections:
        connection.say_framed(b"x")
    flush(table, ends=0.0)
    assert [len(pipe.calls) for pipe in pipes] == [1] * SOCKETS + [0] * (SOCKETS + 10)
    connections[0].say_framed(b"y")
    flush(table, ends=0.0)
    assert len(table.touched) == 11
    flush(table, ends=0.0)
    assert [len(pipe.calls) for pipe in pipes] == [2] + [1] * (SOCKETS * 2 + 9)


def test_a_socket_that_fails_is_lost_and_costs_nobody_else() -> None:
    table = empty_table(FakeCore())
    left, right = socket.socketpair()
    right.close()
    broken, good = make(table, Pipe()), make(table, Pipe())
    broken.outbox.sock = left
    broken.say_framed(b"x")
    good.say_framed(b"x")
    flush(table, ends=0.0)
    left.close()
    assert table.doomed == [broken]
    assert table.counters.closed == {"gone": 1}
    assert not good.outbox.frames


def told_later(count: int) -> tuple[Table, list[Pipe], list[SocketConnection]]:
    """Connections with something on the list of those who can wait."""
    table, pipes = empty_table(FakeCore()), [Pipe() for _ in range(count)]
    connections = [make(table, pipe) for pipe in pipes]
    for each in connections:
        each.outbox.put(b"room")
        table.touch(each.outbox, LATER)
    return table, pipes, connections


def test_whom_a_large_push_has_touched_comes_behind_the_others_however_many_they_are() -> None:
    table, pipes, _ = told_later(LATER_SOCKETS * 4)
    pair = [Pipe(), Pipe()]
    flush(table, ends=0.0)
    for pipe in pair:
        make(table, pipe).say_framed(b"x")
    flush(table, ends=0.0)
    assert [pipe.calls for pipe in pair] == [[b"x"], [b"x"]]
    assert [len(pipe.calls) for pipe in pipes] == [1] * LATER_SOCKETS * 2 + [0] * LATER_SOCKETS * 2  # nor are they left out


def test_who_waits_behind_a_large_push_and_is_answered_gets_both_at_once_in_order_and_nothing_again() -> None:
    table, pipes, connections = told_later(LATER_SOCKETS * 2)
    connections[-1].say_framed(b"answer")
    assert (connections[-1].outbox.touched, len(table.touched)) == (NOW, 1)
    flush(table, ends=0.0)
    assert pipes[-1].calls == [b"roomanswer"]
    connections[-1].outbox.put(b"again")
    table.touch(connections[-1].outbox, LATER)
    while table.later:
        flush(table, ends=0.0)
    assert pipes[-1].calls == [b"roomanswer", b"again"]
    assert all(pipe.calls == [b"room"] for pipe in pipes[:-1])


def test_thousands_who_can_be_written_to_again_wait_behind_who_could_be_all_the_time() -> None:
    table, pipes = empty_table(FakeCore()), [Pipe(room=1) for _ in range(LATER_SOCKETS * 2)]
    slow = [make(table, pipe) for pipe in pipes]
    for each in slow:
        each.say_framed(b"xy")
    while table.touched:
        flush(table, ends=0.0)
    for each in slow:
        each.writable()
    quick = Pipe()
    make(table, quick).say_framed(b"x")
    flush(table, ends=0.0)
    assert quick.calls == [b"x"]
    assert [len(pipe.calls) for pipe in pipes] == [2] * LATER_SOCKETS + [1] * LATER_SOCKETS
