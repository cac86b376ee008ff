"""What is written by hand is what the library would write, byte for byte."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import time_of
from protocol.records import Kind, Message
from protocol.richtext import binary_body_of, body_of
from protocol.wires.leancloud.rendering import ack, direct
from protocol.wires.leancloud.schema import MESSAGING, SERIAL, Cmd, GenericCommand, Op, head, read, varint, write
from protocol.wires.native.ids import AppIds

IDS = AppIds("666666")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(["é" * 70, "x" * 20_000])
NUMBERS = st.integers(1, 2**53 - 1)
CONV_TYPES = {Kind.DIRECT: 1, Kind.GROUP: 1, Kind.ROOM: 2, Kind.SYSTEM: 3, Kind.TEMPORARY: 4}


@given(TEXTS, NUMBERS, TEXTS)
def test_an_ack(uid: str, time_ms: int, cid: str) -> None:
    assert ack(uid, time_ms, cid) == write(GenericCommand(cmd=Cmd.ACK, ackMessage={"cid": cid, "t": time_ms, "uid": uid}))


@given(
    number=NUMBERS, seq=st.integers(0, 3), sender=TEXTS, said=TEXTS | st.binary(max_size=200), cid=TEXTS,
    mentions=st.lists(TEXTS, max_size=3), everybody=st.booleans(), edited_ms=st.just(0) | NUMBERS, old_id=TEXTS,
    kind=st.sampled_from(Kind), at_ms=st.just(0) | NUMBERS,
)  # fmt: skip
def test_a_message(
    number: int, seq: int, sender: str, said: str | bytes, cid: str, mentions: list[str], everybody: bool, edited_ms: int,
    old_id: str, kind: Kind, at_ms: int,
) -> None:  # fmt: skip
    type, body = body_of(said) if isinstance(said, str) else binary_body_of(said)
    message = Message(
        number, 5, seq, sender, type, body,
        edited_ms=edited_ms, mention_all=everybody, mentions=tuple(mentions), old_id=old_id,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "cid": cid, "id": old_id or IDS.forms.base64(number), "fromPeerId": sender, "timestamp": time_of(number),
        "convType": CONV_TYPES[kind], "mentionPids": mentions, "binaryMsg" if isinstance(said, bytes) else "msg": said,
    }  # fmt: skip
    odd = {"transient": not seq, "mentionAll": everybody, "patchTimestamp": edited_ms}
    fields |= {name: value for name, value in odd.items() if value}
    command = GenericCommand(cmd=Cmd.DIRECT, service=MESSAGING, directMessage=fields)
    if at_ms:
        command.serverTs = at_ms
    assert direct(message, cid, kind, IDS, at_ms) == write(command)


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_serial(i: int) -> None:
    assert read(head(Cmd.CONV) + SERIAL + varint(i)) == GenericCommand(cmd=Cmd.CONV, i=i)


def test_a_number_above_127() -> None:
    assert varint(Op.MODIFIED).hex() == "9701"
