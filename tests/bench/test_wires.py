"""Where frames end, on each wire, and that what is sent carries its number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.tally import NUMBER
from bench.wires.leancloud import ACK, DIRECT, ERROR, OPENED, SESSION, LeanCloudWire, field, fields
from bench.wires.mqtt import MqttWire, packet
from bench.wires.nats import NatsWire
from bench.wires.parley import ParleyWire, data_of
from bench.wires.websocket import masked
from bench.wires.wire import Unexpected, Wire
from bench.wires.xmpp import XmppWire
from protocol.wires.leancloud.schema import GenericCommand, read, write


def server_frame(body: bytes) -> bytes:
    return bytes((0x81, len(body))) + body if len(body) < 126 else bytes((0x81, 126)) + len(body).to_bytes(2, "big") + body


NATS_MESSAGE = b"MSG u.1 1 5\r\nhello\r\n"


@pytest.mark.parametrize(
    ("wire", "frame"),
    [
        (ParleyWire(), b"\x81\x03abc"),
        (ParleyWire(), b"\x81\x7e\x01\x00" + b"x" * 256),
        (ParleyWire(), b"\x81\x7f" + (70_000).to_bytes(8, "big") + b"x" * 70_000),
        (NatsWire(), NATS_MESSAGE),
        (NatsWire(), b"MSG u.1 1 inbox.u.1 2\r\n\r\n\r\n"),
        (NatsWire(), b"PONG\r\n"),
        (MqttWire(), packet(0x30, b"x" * 10)),
        (MqttWire(), packet(0x30, b"x" * 300)),
        (XmppWire(), b"<message to='a@bench/bench' type='groupchat'><body>#00000001#xx</body></message>"),
        (XmppWire(), b"<a xmlns='urn:xmpp:sm:3' h='1'/>"),
    ],
)
def test_a_frame_ends_where_the_next_begins(wire: Wire, frame: bytes) -> None:
    assert wire.end(frame + frame, 0) == len(frame)
    assert wire.end(frame + frame, len(frame)) == 2 * len(frame)
    for cut in range(min(len(frame), 20)):
        end = wire.end(frame[:cut], 0)
        assert end == 0 or end == len(frame)


@pytest.mark.parametrize("wire", [ParleyWire(), NatsWire(), MqttWire(), LeanCloudWire(), XmppWire()])
def test_a_send_carries_its_number(wire: Wire) -> None:
    found = NUMBER.search(wire.send("u.place", 12_345, 100))
    assert found is not None
    assert int(found[1]) == 12_345


def test_a_push_before_the_answer_is_passed_over() -> None:
    push, answer = server_frame(b'{"type":"conv.joined"}'), server_frame(b'{"type":"x.success","id":1,"data":{"conv_id":1}}')
    answered = ParleyWire().ask("x", {}).answered
    assert not answered(push)
    assert not answered(push + answer[:-1])
    assert answered(push + answer)
    assert data_of(push + answer, "x") == {"conv_id": 1}


def test_a_refusal_is_unexpected() -> None:
    body = b'{"type":"login.error","code":4004}'
    with pytest.raises(Unexpected, match="4004"):
        ParleyWire().ask("login", {}).answered(server_frame(body))


def test_a_client_frame_is_masked() -> None:
    assert masked(b"abc") == b"\x81\x83\0\0\0\0abc"
    assert masked(b"x" * 300)[:4] == b"\x81\xfe\x01\x2c"


def test_a_message_to_a_room_is_no_chat_and_has_one_number() -> None:
    wire = XmppWire()
    room = wire.gather(["a", "b"]).place(b"")
    assert b"to='room@conference.bench' type='groupchat'" in wire.send(room, 7, 20)
    assert b"to='a@bench/bench' type='chat'" in wire.send(wire.gather(["a"]).place(b""), 7, 20)
    assert len(NUMBER.findall(wire.send(room, 7, 20))) == 1


# LeanCloud, beside the schema that Parley reads and writes it by.

CID, UID = "0123456789abcdef01234567", "abcdefghijklmnopqrstuv"


def said_by(frame: bytes) -> Any:
    """What the generator has sent, as Parley reads it: masked with zeros, at least 126 bytes or less."""
    return read(frame[8 if frame[1] == 0xFE else 6 :])


def leancloud(**said: Any) -> bytes:
    return server_frame(write(GenericCommand(**said)))


def test_a_message_of_leanclouds_is_what_its_sdk_sends() -> None:
    said = said_by(LeanCloudWire().send(CID, 7, 20))
    assert (said.cmd, said.directMessage.cid, len(said.directMessage.dt)) == (DIRECT, CID, 32)
    assert json.loads(said.directMessage.msg) == {"_lctype": -1, "_lctext": "#00000007#".ljust(20, "x")}


@pytest.mark.parametrize("number", [0, 1, 200, 12_345, 99_999_999])
def test_an_acknowledgement_of_leanclouds_has_the_number_of_its_message(number: int) -> None:
    wire = LeanCloudWire()
    ack = {"cid": CID, "t": 1_800_000_000_000, "uid": UID}
    answer = leancloud(cmd=ACK, peerId="says", i=said_by(wire.send(CID, number, 20)).i, ackMessage=ack)
    assert wire.acknowledged(b"before" + answer, 6, 6 + len(answer)) == number
    assert answer.count(wire.ack) == 1


def test_a_refusal_of_leanclouds_acknowledges_nothing() -> None:
    answer = leancloud(cmd=ACK, peerId="says", i=1 << 27, ackMessage={"code": 4401, "reason": "INVALID_MESSAGING_TARGET"})
    assert LeanCloudWire().acknowledged(answer, 0, len(answer)) is None
    opened = LeanCloudWire().session("says")[1].answered
    with pytest.raises(Unexpected, match="4102"):
        opened(leancloud(cmd=ERROR, i=1, errorMessage={"code": 4102, "reason": "4102"}))
    assert opened(leancloud(cmd=SESSION, op=OPENED, i=1))
    assert not opened(leancloud(cmd=SESSION, op=OPENED))


def test_a_place_of_leanclouds_is_the_conversation_that_was_started() -> None:
    gathering = LeanCloudWire().gather(["b", "a"])
    asked = said_by(gathering.step.send)
    assert ([*asked.convMessage.m], asked.op) == (["a", "b"], 30)
    joined, started = leancloud(cmd=1, op=32), leancloud(cmd=1, op=31, i=asked.i, convMessage={"cid": CID})
    assert not gathering.step.answered(joined)
    assert gathering.step.answered(joined + started)
    assert gathering.place(joined + started) == CID


def test_a_receipt_of_leanclouds_names_the_time_of_the_message_heard() -> None:
    direct = {"cid": CID, "id": UID, "fromPeerId": "says", "timestamp": 1_800_000_000_000, "msg": "x" * 200}
    told = said_by(LeanCloudWire().receipt(leancloud(cmd=DIRECT, directMessage=direct, peerId="hears")))
    assert (told.cmd, told.HasField("i")) == (ACK, False)
    assert (told.ackMessage.cid, told.ackMessage.tots) == (CID, 1_800_000_000_000)


def test_fields_are_read_as_they_were_written() -> None:
    written = field(1, 0) + field(104, "text") + field(9, 1 << 40) + field(16, b"\xff" * 300)
    assert list(fields(written)) == [(1, 0), (104, b"text"), (9, 1 << 40), (16, b"\xff" * 300)]
