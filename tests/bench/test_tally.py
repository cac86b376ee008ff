"""What makes a round void."""

from __future__ import annotations

import pytest

from bench.cases.fanout import Streams
from bench.tally import NUMBER, Tally, marked, payload
from bench.wires.leancloud import LeanCloudWire
from bench.wires.parley import ParleyWire
from bench.wires.xmpp import XmppWire


def frames(*numbers: int) -> bytes:
    """Messages as a server sends them."""
    return b"".join(bytes((0x81, 40)) + payload(number, 40) for number in numbers)


def test_every_message_once_is_sound() -> None:
    tally = Tally(10, 3)
    assert all(tally.add(number) for number in (12, 10, 11))
    assert tally.verdict("messages") == ""


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ([0, 2], "1 messages lost"),
        ([0, 1, 1, 2], "1 messages twice or more"),
        ([0, 1, 2, 3], "1 messages never sent"),
        ([0, 0, 9], "2 messages lost, 1 messages twice or more, 1 messages never sent"),
    ],
)
def test_a_message_lost_doubled_or_invented_is_void(numbers: list[int], verdict: str) -> None:
    tally = Tally(0, 3)
    for number in numbers:
        tally.add(number)
    assert tally.verdict("messages") == verdict


def test_a_message_seen_300_times_is_still_doubled() -> None:
    tally = Tally(0, 1)
    for _ in range(300):
        tally.add(0)
    assert tally.verdict("messages") == "1 messages twice or more"


def test_a_frame_without_a_number_was_never_sent() -> None:
    tally = Tally(0, 1)
    assert tally.add_frame(b'{"type":"x"}') is False
    assert tally.add_frame(b"..." + marked(0))
    assert tally.verdict("messages") == "1 messages never sent"


def test_a_number_is_found_in_its_payload() -> None:
    text = payload(42, 100)
    found = NUMBER.search(text)
    assert found is not None
    assert (int(found[1]), len(text)) == (42, 100)


def test_streams_cut_anywhere_are_sound() -> None:
    streams = Streams(ParleyWire(), ["a", "b"])
    whole = frames(0, 1, 2)
    streams.hear(0, whole[:50])
    streams.hear(1, whole[:90])
    assert streams.slowest == 1
    streams.hear(0, whole[50:])
    assert streams.slowest == 2
    streams.hear(1, whole[90:])
    assert (streams.slowest, streams.verdict(Tally(0, 3))) == (3, "")


def test_a_receiver_that_misses_a_message_is_void() -> None:
    streams = Streams(ParleyWire(), ["a", "b"])
    streams.hear(0, frames(0, 1))
    streams.hear(1, frames(0))
    assert streams.slowest == 1
    assert streams.verdict(Tally(0, 2)) == "1 receivers did not get exactly 2 messages"


@pytest.mark.parametrize("numbers", [(0, 2, 1), (0, 1, 1), (0, 1, 3)])
def test_a_receiver_with_other_bytes_than_the_rest_is_void(numbers: tuple[int, ...]) -> None:
    streams = Streams(ParleyWire(), ["a", "b", "c"])
    streams.hear(0, frames(0, 1))
    streams.hear(1, frames(*numbers))
    streams.hear(0, frames(2))
    streams.hear(2, frames(0, 1, 2))
    assert streams.verdict(Tally(0, 3)) != ""


def test_half_a_message_too_much_is_void() -> None:
    streams = Streams(ParleyWire(), ["a"])
    streams.hear(0, frames(0) + b"\x81")
    assert streams.verdict(Tally(0, 1)) == "0 receivers did not get exactly 1 messages"


def test_a_message_all_receivers_got_twice_is_void() -> None:
    streams = Streams(ParleyWire(), ["a", "b"])
    for receiver in (0, 1):
        streams.hear(receiver, frames(0, 1, 1))
    assert streams.verdict(Tally(0, 2)) == "1 messages twice or more"


# Receivers whose messages end with their own names.


def personal(user: str, *numbers: int) -> bytes:
    end = LeanCloudWire().own_end(user)
    return b"".join(bytes((0x82, 40 + len(end))) + payload(number, 40) + end for number in numbers)


def test_streams_with_ends_of_their_own_are_sound_wherever_they_are_cut() -> None:
    whole = [personal(user, 0, 1, 2) for user in ("a1", "b2")]
    for cut in range(1, len(whole[0])):
        streams = Streams(LeanCloudWire(), ["a1", "b2"])
        streams.hear(1, whole[1][:cut])
        streams.hear(0, whole[0])
        streams.hear(1, whole[1][cut:])
        assert (streams.slowest, streams.verdict(Tally(0, 3))) == (3, ""), cut
        assert streams.newest(1) == personal("a1", 2)


@pytest.mark.parametrize(
    "stream", [personal("a1", 0, 1), personal("b2", 0) + personal("a1", 1), personal("b2", 0, 1) + b"x"]
)
def test_an_end_that_is_somebody_elses_is_void(stream: bytes) -> None:
    streams = Streams(LeanCloudWire(), ["a1", "b2"])
    streams.hear(0, personal("a1", 0, 1))
    streams.hear(1, stream)
    assert streams.verdict(Tally(0, 2)) != ""


def named(user: str, *numbers: int) -> bytes:
    """Messages that have their receivers' names in their middle."""
    own = XmppWire().own_end(user)
    return b"".join(b"<message %s><body>%s</body></message>" % (own, payload(number, 40)) for number in numbers)


def test_streams_with_names_within_are_sound_wherever_they_are_cut_and_void_with_anothers() -> None:
    whole = [named(user, 0, 1, 2) for user in ("a1", "b2")]
    for cut in range(1, len(whole[0])):
        streams = Streams(XmppWire(), ["a1", "b2"])
        streams.hear(1, whole[1][:cut])
        streams.hear(0, whole[0])
        streams.hear(1, whole[1][cut:])
        assert (streams.slowest, streams.verdict(Tally(0, 3))) == (3, ""), cut
    streams = Streams(XmppWire(), ["a1", "b2"])
    streams.hear(0, whole[0])
    streams.hear(1, whole[0])
    assert streams.verdict(Tally(0, 3)) == "1 receivers got other bytes than the rest"
