"""Length-prefixed frames."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from broker.gateway.framing import Framing, LengthFraming, format_of
from tests.broker.gateway.conftest import FakeWire


def frames_of(framing: Framing) -> list[bytes]:
    frames = []
    while (message := framing.take()) is not None:
        frames.append(message[0])
    return frames


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40)))
def test_any_fragmentation_gives_the_same_frames(payloads: list[bytes], cuts: list[int]) -> None:
    framing = LengthFraming(300)
    stream = b"".join(framing.pack(payload, False) for payload in payloads)
    got = []
    for cut in [*cuts, *[1] * len(stream)]:
        framing.feed(stream[:cut])
        stream = stream[cut:]
        got += frames_of(framing)
    assert got == payloads
    assert not framing.finished


def test_a_declared_length_over_the_limit_ends_it_with_the_hooks_words() -> None:
    framing = LengthFraming(10, lambda: b"too large")
    framing.feed(b"\x00\x00\x00\x02ab\x7f\xff\xff\xff")
    assert framing.take() == (b"ab", False)
    assert framing.take() is None
    assert framing.finished == "broken"
    assert framing.out == [b"\x00\x00\x00\x09too large"]


def test_lifting_the_limit_lets_larger_frames_in() -> None:
    framing = LengthFraming(4)
    framing.lift(8)
    framing.feed(framing.pack(b"12345678", False))
    assert framing.take() == (b"12345678", False)


def test_equal_forms_share_one_format_and_unused_ones_vanish() -> None:
    framing = LengthFraming(4)
    wire = FakeWire()
    first = format_of(framing, wire, None)
    assert format_of(LengthFraming(4), FakeWire(), None) is first
    assert format_of(framing, wire, first) is first
    other = FakeWire(text=False)
    assert format_of(framing, other, first) is not first
    before = id(first)
    del first
    gc.collect()
    assert format_of(framing, wire, None) is not None
    assert before
