"""MQTT 3.1.1, as far as a fan-out needs it: publishers use QoS 1 (acknowledged), receivers QoS 0 (the same bytes for all).

PUBACK carries no number of ours but a packet id, so acknowledgements are counted, not told apart.
"""

from __future__ import annotations

from bench.servers import TOKEN
from bench.tally import payload
from bench.wires.wire import Buffer, Script, Step, Unexpected, Wire

PUBACK = b"\x40\x02"
SUBACK = b"\x90"
MOST_ID = 0x3FFF
"""Below 0x4000, so that no packet id looks like the beginning of a PUBACK."""


class MqttWire(Wire):
    ack = PUBACK
    settles = 0.1

    def end(self, buffer: Buffer, start: int) -> int:
        size = shift = 0
        for at in range(start + 1, min(start + 5, len(buffer))):
            size |= (buffer[at] & 0x7F) << shift
            if buffer[at] < 0x80:
                return at + 1 + size
            shift += 7
        return 0

    def session(self, user: str, topic: str = "") -> Script:
        steps = [Step(connect(user), _accepted)]
        if topic:
            steps.append(Step(packet(0x82, b"\0\x01" + text(topic) + b"\0"), _subscribed))
        return steps

    def send(self, place: str, number: int, size: int) -> bytes:
        return packet(0x32, text(place) + (number % MOST_ID + 1).to_bytes(2, "big") + payload(number, size))


def connect(user: str, *, clean: bool = True) -> bytes:
    """With name and password; a session that is not clean stays when its client goes."""
    flags, keep_alive = b"\xc2" if clean else b"\xc0", b"\0\0"
    return packet(0x10, text("MQTT") + b"\x04" + flags + keep_alive + text(user) + text("bench") + text(TOKEN))


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def packet(head: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while True:
        size, low = divmod(size, 128)
        length.append(low | (0x80 if size else 0))
        if not size:
            return bytes((head,)) + length + body


def _accepted(answer: bytes) -> bool:
    if len(answer) >= 4 and answer[3]:
        raise Unexpected(f"CONNACK {answer[3]}")
    return len(answer) == 4


def _subscribed(answer: bytes) -> bool:
    return answer.startswith(SUBACK) and len(answer) == 5
