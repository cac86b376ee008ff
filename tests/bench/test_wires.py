"""Where frames end, on each wire, and that what is sent carries its number."""

from __future__ import annotations

import pytest

from bench.tally import NUMBER
from bench.wires.mqtt import MqttWire, packet
from bench.wires.nats import NatsWire
from bench.wires.parley import ParleyWire, data_of, masked
from bench.wires.wire import Unexpected, Wire


def server_frame(body: bytes) -> bytes:
    return bytes((0x81, len(body))) + body


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
    ],
)
def test_a_frame_ends_where_the_next_begins(wire: Wire, frame: bytes) -> None:
    assert wire.end(frame + frame, 0) == len(frame)
    assert wire.end(frame + frame, len(frame)) == 2 * len(frame)
    for cut in range(min(len(frame), 20)):
        end = wire.end(frame[:cut], 0)
        assert end == 0 or end == len(frame)


@pytest.mark.parametrize("wire", [ParleyWire(), NatsWire(), MqttWire()])
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
