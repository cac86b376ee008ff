"""LeanCloud's socket protocol as its SDKs speak it: protobuf in WebSocket binary frames (`protocols.md` 2).

Written and read by hand, field by field: the generator must not be what is measured. A message carries what the SDK puts
into one (`dt`, text as JSON), and each receiver says once a second what it has received. A push ends with its receiver's
own id, so no two receivers get the same bytes.

Numbers travel as `i`, with a bit above them all, so that each takes four bytes and is found again without reading a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bench.servers import APP
from bench.tally import payload
from bench.wires.websocket import BINARY, bodies, body_of, frame_end, masked, upgrade, upgraded
from bench.wires.wire import Buffer, Gathering, Script, Step, Unexpected, Wire

SESSION, CONV, DIRECT, ACK, ERROR = 0, 1, 2, 3, 7
OPEN, OPENED, START, STARTED = 1, 5, 30, 31
CMD, OP, APP_ID, PEER_ID, SERIAL = 1, 2, 3, 4, 5
SESSION_MESSAGE, DIRECT_MESSAGE, ACK_MESSAGE, CONV_MESSAGE = 102, 104, 105, 110
LONG = 1 << 27
"""Makes a number a varint of four bytes."""
NUMBER = re.compile(rb"\x28([\x80-\xff]{3}[\x01-\x7f])")
"""`i`, the first of the fields that could look so."""
SDK_BITS = 59
"""`configBitmap` of the SDK's version 4.3.1."""


class LeanCloudWire(Wire):
    ack = b"\xca\x06\x39\x22\x18"
    """An ackMessage of 57 bytes that begins with a `cid` of 24: what a refusal begins with is its `code`."""
    settles = 0.3
    receipt_seconds = 1.0
    end = staticmethod(frame_end)

    def session(self, user: str, topic: str = "") -> Script:
        said = field(4, "js/4.3.1") + field(7, f"device-of-{user}") + field(19, SDK_BITS)
        command = field(CMD, SESSION) + field(OP, OPEN) + field(APP_ID, APP) + field(PEER_ID, user) + field(SERIAL, 1)
        return (
            Step(upgrade("lc.protobuf2.3"), upgraded),
            Step(masked(command + field(SESSION_MESSAGE, said), BINARY), lambda answer: bool(answer_of(answer, OPENED))),
        )

    def gather(self, users: Sequence[str]) -> Gathering:
        said = b"".join(field(1, user) for user in sorted(users)) + field(3, 1)
        command = field(CMD, CONV) + field(OP, START) + field(SERIAL, 2) + field(CONV_MESSAGE, said)
        return Gathering(
            Step(masked(command, BINARY), lambda answer: bool(answer_of(answer, STARTED))),
            lambda answer: bytes_in(dict(fields(bytes_in(answer_of(answer, STARTED), CONV_MESSAGE))), 4).decode(),
        )

    def send(self, place: str, number: int, size: int) -> bytes:
        text = b'{"_lctype":-1,"_lctext":"%s"}' % payload(number, size)
        said = field(1, text) + field(11, place) + field(14, f"{number:032x}")
        return masked(field(CMD, DIRECT) + field(SERIAL, number | LONG) + field(DIRECT_MESSAGE, said), BINARY)

    def acknowledged(self, buffer: Buffer, start: int, stop: int) -> int | None:
        if buffer.find(self.ack, start, stop) < 0:
            return None
        found = NUMBER.search(buffer, start, stop)
        if found is None:
            return -1
        low, second, third, high = found[1]
        return (low & 0x7F | (second & 0x7F) << 7 | (third & 0x7F) << 14 | high << 21) ^ LONG

    def own_end(self, user: str) -> bytes:
        return field(PEER_ID, user)

    def receipt(self, frame: bytes) -> bytes:
        said = dict(fields(bytes_in(dict(fields(body_of(frame))), DIRECT_MESSAGE)))
        time_ms = said[4]
        told = field(4, bytes_in(said, 11)) + field(7, time_ms) + field(8, time_ms)
        return masked(field(CMD, ACK) + field(ACK_MESSAGE, told), BINARY)


Value = int | bytes


def varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(message):
        tag = number()
        value: Value = number()
        if tag & 7 == 2:
            at += (size := int(value))
            value = message[at - size : at]
        yield tag >> 3, value


def bytes_in(message: dict[int, Value], number: int) -> bytes:
    value = message[number]
    assert isinstance(value, bytes)
    return value


def answer_of(answer: bytes, op: int) -> dict[int, Value]:
    """The fields of the command with this `op` among the frames of an answer; {} if it is not there yet."""
    for body in bodies(answer):
        command = dict(fields(body))
        if command[CMD] == ERROR:
            raise Unexpected(repr(command))
        if command.get(OP) == op and SERIAL in command:
            return command
    return {}
