"""WebSocket frames of an upgraded connection, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from broker.gateway.websocket import FEED_BYTES, PONGS, WebSocketFraming, close_frame, frame_end, frame_of


def masked(payload: bytes, opcode: Opcode = Opcode.BINARY, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


def drain(framing: WebSocketFraming) -> list[tuple[bytes, bool]]:
    messages = []
    while (message := framing.take()) is not None or framing.pending():
        if message is not None:
            messages.append(message)
    return messages


def test_one_call_parses_little_so_that_the_caller_can_look_at_the_clock() -> None:
    framing = WebSocketFraming(4096, 64)
    framing.lift(4096)
    framing.feed(masked(b"", Opcode.PING) * 1000)
    calls = 0
    while framing.pending():
        assert framing.take() is None
        calls += 1
    assert framing.controls == 1000
    assert calls == -(-6000 // FEED_BYTES)


def close_code(framing: WebSocketFraming) -> int:
    out = b"".join(framing.out)
    assert out[0] == 0x88
    return int.from_bytes(out[2:4], "big")


messages = st.lists(st.tuples(st.binary(max_size=400), st.integers(1, 5), st.booleans()), max_size=6)


@given(messages, st.lists(st.integers(1, 30)), st.booleans())
def test_any_fragmentation_gives_the_same_messages(
    sent: list[tuple[bytes, int, bool]], cuts: list[int], careful: bool
) -> None:
    framing = WebSocketFraming(4096, 64)
    if not careful:
        framing.lift(4096)
    stream, controls = b"", 0
    for payload, parts, pinged in sent:
        size = len(payload) // parts + 1
        pieces = [payload[at : at + size] for at in range(0, len(payload) or 1, size)]
        for number, piece in enumerate(pieces):
            opcode = Opcode.CONT if number else Opcode.BINARY
            stream += masked(piece, opcode, number == len(pieces) - 1)
            if pinged:
                stream += masked(b"hi", Opcode.PING) + masked(b"ho", Opcode.PONG)
                controls += 2
    got = []
    for cut in [*cuts, *[1] * len(stream)]:
        framing.feed(stream[:cut])
        stream = stream[cut:]
        got += drain(framing)
    assert got == [(payload, False) for payload, _, _ in sent]
    assert framing.controls == controls
    assert not framing.finished


@pytest.mark.parametrize("piece", [1, 5, 7, 1000])
def test_plain_pongs_are_counted_and_cost_no_parser(piece: int) -> None:
    framing = WebSocketFraming(4096, 64)
    framing.lift(4096)
    stream = b"".join(masked(b"x" * size, Opcode.PONG) for size in (0, 1, 125)) + masked(b"hi") + masked(b"", Opcode.PONG)
    got = []
    for at in range(0, len(stream), piece):
        framing.feed(stream[at : at + piece])
        got += drain(framing)
    assert got == [(b"hi", False)]
    assert framing.controls == 4
    assert framing._protocol is None


def test_text_split_inside_a_character_is_whole_again() -> None:
    framing = WebSocketFraming(4096, 64)
    data = "é€".encode()
    framing.feed(masked(data[:1], Opcode.TEXT, fin=False) + masked(data[1:], Opcode.CONT))
    assert drain(framing) == [(data, True)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(Frame(Opcode.TEXT, b"unmasked").serialize(mask=False), 1002, id="unmasked"),
        pytest.param(Frame(Opcode.TEXT, b"").serialize(mask=False), 1002, id="unmasked and empty"),
        pytest.param(Frame(Opcode.PONG, b"unmasked").serialize(mask=False), 1002, id="unmasked pong"),
        pytest.param(bytes([0x80 | 0x40 | 1]) + masked(b"rsv1")[1:], 1002, id="rsv1 set"),
        pytest.param(bytes([0x83]) + masked(b"opcode 3")[1:], 1002, id="unknown opcode"),
        pytest.param(masked(b"x", Opcode.CONT), 1002, id="continuation of nothing"),
        pytest.param(masked(b"x", fin=False) + masked(b"y"), 1002, id="new message inside another"),
        pytest.param(bytes([0x09]) + masked(b"fragmented ping", Opcode.PING)[1:], 1002, id="fragmented ping"),
        pytest.param(b"\x89\xfe\x00\x80", 1002, id="long ping"),
        pytest.param(masked(b"\xff\xfe", Opcode.TEXT), 1007, id="no utf-8"),
        pytest.param(masked(b"\xc0\xaf", Opcode.TEXT), 1007, id="overlong utf-8"),
        pytest.param(masked(b"ok \xe2\x82", Opcode.TEXT), 1007, id="half a character"),
        pytest.param(masked(b"x" * 5000), 1009, id="too long"),
        pytest.param(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009, id="declares 2^63"),
        pytest.param(masked(b"x" * 3000, fin=False) + masked(b"x" * 3000, Opcode.CONT), 1009, id="too long in fragments"),
        pytest.param(masked(b"", fin=False) + masked(b"", Opcode.CONT, fin=False) * 64, 1009, id="too many fragments"),
        pytest.param(masked(b"\x03", Opcode.CLOSE), 1002, id="close of one byte"),
    ],
)
@pytest.mark.parametrize("careful", [True, False])
@pytest.mark.F27
@pytest.mark.F28
def test_what_breaks_the_rules_is_closed_with_its_code(data: bytes, code: int, careful: bool) -> None:
    framing = WebSocketFraming(4096, 64)
    if not careful:
        framing.lift(4096)
    framing.feed(data)
    # A ping that declares too much is judged when it is there; in careful mode it is 1009 by its size or waits.
    if data == b"\x89\xfe\x00\x80":
        framing.feed(b"\0" * 132)
    assert drain(framing) == []
    assert framing.finished == "broken"
    assert close_code(framing) == code
    assert not framing.pending()


def test_the_peers_close_is_echoed_and_is_no_breach() -> None:
    framing = WebSocketFraming(4096, 64)
    framing.feed(masked(b"last") + masked(b"\x03\xe8done", Opcode.CLOSE) + masked(b"after"))
    assert drain(framing) == [(b"last", False)]
    assert framing.finished == "gone"
    assert b"".join(framing.out) == b"\x88\x06\x03\xe8done"


def test_pings_are_answered_and_a_flood_only_with_the_newest() -> None:
    framing = WebSocketFraming(4096, 64)
    framing.lift(4096)
    framing.feed(masked(b"1", Opcode.PING) + masked(b"2", Opcode.PING))
    assert drain(framing) == []
    assert framing.out == [b"\x8a\x011", b"\x8a\x012"]
    assert framing.controls == 2
    framing.out.clear()
    framing.feed(b"".join(masked(b"%d" % number, Opcode.PING) for number in range(100)))
    framing.take()
    assert len(framing.out) == PONGS
    assert framing.out[-1] == b"\x8a\x0299"


@pytest.mark.parametrize("size", [100, 8_000, 70_000, 180_000])
@pytest.mark.parametrize("piece", [1_000, 8_192, 1_000_000])
def test_frames_of_any_length_are_read_as_they_come_and_nothing_is_pending_that_is_not_here(size: int, piece: int) -> None:
    framing = WebSocketFraming(4096, 64)
    framing.lift(200_000)
    payloads = [bytes([65 + number]) * size for number in range(3)]
    stream = b"".join(masked(b"a", Opcode.PING) + masked(payload) for payload in payloads)
    got: list[bytes] = []
    for at in range(0, len(stream), piece):
        framing.feed(stream[at : at + piece])
        got += [payload for payload, _ in drain(framing)]
        assert not framing.pending()
    assert got == payloads
    assert framing.controls == 3


def test_a_plain_frame_inside_a_message_is_judged() -> None:
    framing = WebSocketFraming(4096, 64)
    framing.lift(4096)
    framing.feed(masked(b"begun", fin=False))
    assert framing.take() is None
    framing.feed(masked(b"another"))
    assert drain(framing) == []
    assert (framing.finished, close_code(framing)) == ("broken", 1002)


def test_a_plain_frame_behind_half_of_a_long_one_is_part_of_it() -> None:
    framing = WebSocketFraming(4096, 64)
    framing.lift(200_000)
    inner = masked(b"not a frame")
    long = bytes((0x82, 0xFF)) + (100_000 + len(inner)).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 100_000 + inner
    framing.feed(long[: -len(inner)])
    assert drain(framing) == []
    framing.feed(inner)
    assert drain(framing) == [(b"x" * 100_000 + inner, False)]


@pytest.mark.parametrize(
    "login", [masked(b"login"), masked(b"log", fin=False) + masked(b"in", Opcode.CONT)], ids=["whole", "in fragments"]
)
def test_a_frame_behind_the_first_is_judged_by_the_limit_after_login(login: bytes) -> None:
    framing = WebSocketFraming(100, 64)
    framing.feed(login + masked(b"x" * 900))
    message = framing.take() or framing.take()
    assert message == (b"login", False)
    framing.lift(2000)
    assert framing.take() == (b"x" * 900, False)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_built_are_those_of_the_library(size: int) -> None:
    payload = b"x" * size
    assert frame_of(0x82, payload) == Frame(Opcode.BINARY, payload).serialize(mask=False)
    assert frame_end(masked(payload) + b"more", 100_000) == len(masked(payload))
    assert frame_end(masked(payload)[:-1], 100_000) == len(masked(payload))
    assert frame_end(b"four" + masked(payload), 100_000, 4) == 4 + len(masked(payload))
    heads = [masked(payload)[:cut] for cut in range(2 if size < 126 else 4 if size < 65_536 else 10)]
    assert {frame_end(head, 100_000) for head in heads} == {0}


def test_a_long_close_text_is_cut_at_a_character() -> None:
    frame = close_frame(4001, "é" * 100)
    assert len(frame) == 2 + 2 + 122
    assert frame[4:].decode() == "é" * 61
