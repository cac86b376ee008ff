"""Pushes whose receivers each get an end of their own, waiting in outboxes that may be sent, cut and dropped from."""

from __future__ import annotations

from typing import Any

import pytest

from broker.gateway.outbox import Fleeting, Mark, Outbox, Personal, SeatOutbox


def outbox() -> Outbox:
    return Outbox(None, None)  # type: ignore[arg-type]  # nobody asks for its connection


def seat(shared: Outbox, end: bytes) -> SeatOutbox:
    door = SeatOutbox(shared, "somebody")
    door.end = end
    return door


def push(*frames: bytes, mark: Mark = None) -> Personal:
    return Personal(list(frames), 2, mark)


def test_each_receiver_gets_its_own_end_behind_every_frame() -> None:
    shared, personal = outbox(), push(b"one", b"two")
    assert personal.put(seat(shared, b"!a")) is shared
    personal.put(seat(shared, b"!b"))
    shared.put(b"plain")
    assert shared.size == 25
    assert shared.joined() == [b"one!atwo!a", b"one!btwo!b", b"plain"]
    assert shared.joined() == shared.frames


@pytest.mark.parametrize("count", range(11))
def test_what_is_sent_in_part_goes_on_where_it_was_cut(count: int) -> None:
    shared = outbox()
    push(b"one", b"two").put(seat(shared, b"!a"))
    push(b"x").put(seat(shared, b"!b"))
    shared.sent(count)
    assert b"".join(shared.joined()) == b"one!atwo!ax!b"[count:]
    assert shared.size == 13 - count


def test_a_task_that_writes_is_given_bytes() -> None:
    shared = outbox()
    push(b"one").put(seat(shared, b"!a"))
    push(b"two").put(seat(shared, b"!a"))
    assert shared.begin(100) == b"one!atwo!a"


def test_what_may_be_dropped_is_and_nothing_else() -> None:
    shared = outbox()
    push(b"kept").put(seat(shared, b"!a"))
    push(b"fleeting", mark=Fleeting).put(seat(shared, b"!a"))
    assert shared.size == 16
    assert shared.drop(Fleeting) == 1
    assert (shared.joined(), shared.size) == ([b"kept!a"], 6)


def test_until_they_are_sent_all_receivers_share_the_bytes() -> None:
    personal, frames = push(b"one", b"two"), []
    for end in (b"!a", b"!b"):
        shared: Any = personal.put(seat(outbox(), end))
        frames.append(shared.frames[0])
    assert frames[0][0] is frames[1][0]
