"""The bytes waiting for one connection."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from broker.gateway.connection import Connection
from broker.gateway.outbox import Fleeting, Minor, Outbox


def make(*frames: bytes) -> Outbox:
    outbox = Outbox(cast(Connection, None), None)
    for frame in frames:
        outbox.put(frame)
    return outbox


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1), st.lists(st.integers(0, 12)))
def test_whatever_the_peer_takes_the_rest_stays_in_order(frames: list[bytes], takes: list[int]) -> None:
    outbox = make(*frames)
    everything = b"".join(frames)
    for take in takes:
        count = min(take, outbox.size)
        outbox.sent(count)
        everything = everything[count:]
        assert b"".join(outbox.frames) == everything
        assert outbox.size == len(everything)


def test_only_whole_frames_that_are_marked_are_dropped_the_minor_ones_by_themselves() -> None:
    outbox = make(Minor(b"begun"), b"kept", Fleeting(b"dropped"), Minor(b"first"))
    outbox.sent(2)
    assert outbox.drop(Minor) == 1
    assert outbox.frames == [b"gun", b"kept", b"dropped"]
    assert outbox.drop(Fleeting) == 1
    assert outbox.frames == [b"gun", b"kept"]
    assert outbox.size == 7


def test_a_writer_begins_whole_frames_and_they_stay_until_they_are_sent() -> None:
    outbox = make(b"long frame", Fleeting(b"b"), b"c", Fleeting(b"d"))
    assert outbox.begin(3) == b"long frame"
    outbox.sent(10)
    assert outbox.begin(2) == b"bc"
    assert outbox.drop(Fleeting) == 1
    assert outbox.size == 2
    outbox.sent(2)
    assert outbox.frames == []
    assert outbox.size == 0
