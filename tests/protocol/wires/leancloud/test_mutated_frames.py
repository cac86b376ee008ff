"""Frames of every command, damaged on their way: cut, with bits flipped, fields of other types, repeated, far too large.

The law: whoever sends them is answered and keeps his session, nobody else notices, and nothing breaks. What is sent is drawn
by Hypothesis in the same way at every run.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.wires.leancloud.requests import REQUESTS, UNANSWERED
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op, Unreadable, read, write
from tests.protocol.wires.leancloud.gateway import Gateway, Line
from tests.protocol.wires.leancloud.test_any_input import MESSAGES, of

COMMANDS = [*sorted(REQUESTS), (Cmd.SESSION, Op.OPEN), (Cmd.ECHO, 0)]
FRAMES = 8
"""Of one example."""


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number: int, kind: int, data: bytes = b"") -> bytes:
    """A field with its wire type; text and messages have their length in front."""
    return varint(number << 3 | kind) + (varint(len(data)) if kind == 2 else b"") + data


@st.composite
def frames(draw: st.DrawFn, ids: list[str]) -> bytes:
    """A frame as a client would send it, but for what it says."""
    cmd, op = draw(st.sampled_from(COMMANDS))
    said: dict[str, Any] = {"cmd": cmd, "i": draw(st.integers(1, 9)), "appId": "a"}
    if op:
        said["op"] = op
    if draw(st.booleans()):
        said["peerId"] = draw(st.sampled_from(["tom", "tom", "tom", "ann", "nobody"]))
    name = MESSAGES.get(Cmd(cmd))
    if name is not None:
        said[name] = draw(of(name[0].upper() + name[1:].replace("Message", "Command"), ids))
    return write(GenericCommand(**said))


HUGE = [
    field(1, 0, b"\xff" * 9 + b"\x01"),  # cmd -1
    field(1, 0, b"\xff" * 11),  # a varint that does not end
    field(5, 0, b"\x80" * 9 + b"\x01"),  # i beyond 64 bits
    field(4, 2, b"p" * 70_000),
    field(104, 2, field(1, 2, b"x" * 200_000)),
    field(104, 2, field(20, 2, b"pid") * 10_000),
    field(110, 2, field(1, 2, b"m") * 10_000),
    field(110, 2, field(101, 2, field(1, 2, b'{"$or":[' * 400))),
    field(114, 2, field(1, 2, b"") * 10_000),
    field(107, 2, field(3, 2, b"") * 10_000),
    field(109, 2, field(2, 0, varint(2**63)) + field(4, 0, varint(2**63))),
    field(7, 3) * 500,  # groups within groups
    field(102, 2, b"\xff" * 8),
]
ANY_FIELD = st.one_of(
    st.builds(field, st.integers(1, 130), st.integers(0, 7), st.binary(max_size=12)),
    st.builds(field, st.integers(1, 22), st.just(0), st.integers(0, 2**64 - 1).map(varint)),
    st.builds(field, st.integers(1, 22), st.just(2), st.binary(max_size=12)),
)


@st.composite
def damaged(draw: st.DrawFn, frame: bytes) -> bytes:
    how = draw(st.sampled_from(["cut", "bits", "field", "inside", "inside", "twice", "twice", "huge", "bytes"]))
    place = draw(st.integers(0, len(frame)))
    if how == "cut":
        return frame[:place]
    if how == "bits":
        changed = bytearray(frame)
        for bit in draw(st.lists(st.integers(0, len(frame) * 8 - 1), min_size=1, max_size=4)):
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)
    if how == "field":
        return frame + draw(ANY_FIELD)
    if how == "inside":  # of another type within the message it belongs to, which protobuf merges with the one before
        return frame + field(draw(st.sampled_from([102, 104, 105, 107, 109, 110, 114, 116])), 2, draw(ANY_FIELD))
    if how == "twice":
        return frame + draw(st.sampled_from([frame, frame[place:]]))
    if how == "huge":
        return frame + draw(st.sampled_from(HUGE))
    return frame[:place] + draw(st.binary(min_size=1, max_size=8)) + frame[place:]


@pytest.mark.parametrize("subprotocol", ["lc.protobuf2.3", "lc.proto2base64.1"])
@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.data())
def test_a_damaged_frame_harms_nobody(subprotocol: str, data: st.DataObject) -> None:
    gateway = Gateway()
    tom = gateway.line(subprotocol)
    tom.open("tom")
    ann, eve = gateway.opened("ann", "eve")
    cid = tom.start("tom", "ann", peer="tom")
    hers = eve.start("eve")
    ids = [cid, tom.say(cid, "hi", "tom").uid, hers]
    for _ in range(FRAMES):
        frame = data.draw(damaged(data.draw(frames(ids))))
        tom.frames.clear()
        tom.raw(base64.b64encode(frame) if tom.wire.text else frame)
        check_answer(tom, frame)
        assert tom.closed is None
        if tom.sessions.get("tom") is None:
            tom.i = 1000
            assert tom.open("tom").op == Op.OPENED
        # What is not damaged has its answer, as ever.
        tom.i = 2000
        asked = {"sessionPeerIds": ["eve"]}
        answer = tom.ask(cmd=Cmd.SESSION, op=Op.QUERY, peerId="tom", sessionMessage=asked)
        assert list(answer.sessionMessage.onlineSessionPeerIds) == ["eve"]
    assert eve.heard() == []
    assert [row.data for row in eve.logs(hers)] == []
    assert ann.closed is eve.closed is None
    assert gateway.core.statistics()['refused_total{reason="internal"}'] == 0


def check_answer(line: Line, frame: bytes) -> None:
    """One, and for what cannot be read 4114."""
    try:
        g = read(frame)
    except Unreadable:
        g = GenericCommand()
    if not g.HasField("cmd"):
        (said,) = line.frames
        assert (said.cmd, said.errorMessage.code, said.HasField("i")) == (Cmd.ERROR, 4114, False)
        return
    answers = [each for each in line.frames if each.HasField("i")]
    assert [each.i for each in answers] == [g.i] * len(answers)
    assert len(answers) == 1 or not g.HasField("i") or (not answers and g.cmd in UNANSWERED), (g, answers)


@pytest.mark.parametrize(("cmd", "op"), [(999, 0), (Cmd.CONV, 999), (Cmd.DATA, 0), (-1, -1), (Cmd.GOAWAY, 0)])
def test_a_command_there_is_not_is_refused(gateway: Gateway, cmd: int, op: int) -> None:
    tom = gateway.opened("tom")
    answer = tom.ask(cmd=cmd, op=op)
    assert (answer.cmd, answer.errorMessage.code) == (Cmd.ERROR, 4114)
    assert tom.start("tom")


def test_a_frame_of_the_other_kind_is_unparseable(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    tom.take(tom.wire.receive(write(GenericCommand(cmd=Cmd.ECHO, i=1)), True, gateway.ms))
    assert [push.errorMessage.code for push in tom.heard()] == [4114]
    assert (tom.closed, tom.ask(cmd=Cmd.ECHO).cmd) == (None, Cmd.ECHO)
