"""Parley's native socket protocol: JSON in WebSocket text frames (SOCKET.md).

Frames are masked with zeros: the server unmasks them like any other, and the generator need not mask. Sends carry a
`client_msg_id`, as every client library's do, so each also costs the server a remembered send.
"""

from __future__ import annotations

import orjson

from bench.servers import APP, SECRET
from bench.tally import marked, payload
from bench.wires.wire import Buffer, Script, Step, Unexpected
from protocol.tokens import make_jwt

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: parley.v1\r\n\r\n"
)
EXPIRES = 4_102_444_800
"""2100-01-01: tokens of the bench do not end."""


class ParleyWire:
    ack = b'"msg.send.success"'
    settles = 0.3

    def end(self, buffer: Buffer, start: int) -> int:
        if len(buffer) < start + 2:
            return 0
        size = buffer[start + 1]  # the server's frames are not masked
        if size < 126:
            return start + 2 + size
        if size == 126:
            if len(buffer) < start + 4:
                return 0
            return start + 4 + (buffer[start + 2] << 8 | buffer[start + 3])
        return start + 10 + int.from_bytes(buffer[start + 2 : start + 10], "big") if len(buffer) >= start + 10 else 0

    def session(self, user: str, topic: str = "") -> Script:
        data = {"app_id": APP, "client_id": user, "device_id": "bench", "token": token(user)}
        return (Step(UPGRADE, _upgraded), self.ask("login", data))

    def ask(self, kind: str, data: object) -> Step:
        """One request whose answer must be a success."""
        frame = masked(orjson.dumps({"type": kind, "id": 1, "data": data}))
        success = f'"{kind}.success"'.encode()

        def answered(answer: bytes) -> bool:
            start = 0
            while 0 < (end := self.end(answer, start)) <= len(answer):
                if success in answer[start:end]:
                    return True
                if b'.error"' in answer[start:end]:
                    raise Unexpected(answer[start:end].decode(errors="replace"))
                start = end  # a push
            return False

        return Step(frame, answered)

    def send(self, place: str, number: int, size: int) -> bytes:
        return masked(
            b'{"type":"msg.send","id":"%s","data":{"conv_id":"%s","type":-1,"text":"%s","client_msg_id":"%032x"}}'
            % (marked(number), place.encode(), payload(number, size), number)
        )


def token(user: str) -> str:
    return make_jwt(SECRET, {"unique_name": user, "exp": EXPIRES})


def masked(body: bytes) -> bytes:
    """A text frame as a client sends it."""
    size = len(body)
    if size < 126:
        head = bytes((0x81, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x81, 0xFF)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + body


def data_of(answer: bytes, kind: str) -> dict[str, object]:
    """The data of the success among the frames of an answer."""
    wire, start = ParleyWire(), 0
    while 0 < (end := wire.end(answer, start)) <= len(answer):
        frame = answer[start:end]
        start = end
        if f'"{kind}.success"'.encode() in frame:
            data = orjson.loads(frame[frame.index(b"{") :])["data"]
            assert isinstance(data, dict)
            return data
    raise Unexpected(f"no {kind}.success in {answer!r}")


def _upgraded(answer: bytes) -> bool:
    if not answer.endswith(b"\r\n\r\n"):
        return False
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise Unexpected(answer.decode(errors="replace"))
    return True
