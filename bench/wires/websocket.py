"""WebSocket as the generator speaks it (RFC 6455): the upgrade, frames as a client sends them, and where a server's end.

Frames are masked with zeros: the server unmasks them like any other, and the generator need not mask.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.wires.wire import Buffer, Unexpected

TEXT, BINARY, CLOSE = 0x81, 0x82, 0x88


def upgrade(subprotocol: str = "", path: str = "/") -> bytes:
    offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"{offer}\r\n"
    ).encode()


def upgraded(answer: bytes) -> bool:
    if not answer.endswith(b"\r\n\r\n"):
        return False
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise Unexpected(answer.decode(errors="replace"))
    return True


def greeted(answer: bytes) -> bool:
    """Upgraded, and the server has said something of itself."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    return bool(end) and upgraded(head + end) and any(True for _ in bodies(rest))


def masked(body: bytes, head: int = TEXT) -> bytes:
    """A frame as a client sends it."""
    size = len(body)
    if size < 126:
        start = bytes((head, 0x80 | size))
    elif size < 65_536:
        start = bytes((head, 0xFE)) + size.to_bytes(2, "big")
    else:
        start = bytes((head, 0xFF)) + size.to_bytes(8, "big")
    return start + b"\0\0\0\0" + body


def frame_end(buffer: Buffer, start: int) -> int:
    """Where a server's frame, which is not masked, ends (`Wire.end`)."""
    if len(buffer) < start + 2:
        return 0
    size = buffer[start + 1]
    if size < 126:
        return start + 2 + size
    if size == 126:
        if len(buffer) < start + 4:
            return 0
        return start + 4 + (buffer[start + 2] << 8 | buffer[start + 3])
    return start + 10 + int.from_bytes(buffer[start + 2 : start + 10], "big") if len(buffer) >= start + 10 else 0


def body_of(frame: bytes) -> bytes:
    """What a server's whole frame carries."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def bodies(answer: bytes) -> Iterator[bytes]:
    """Of the whole frames of an answer."""
    start = 0
    while 0 < (end := frame_end(answer, start)) <= len(answer):
        yield body_of(answer[start:end])
        start = end
