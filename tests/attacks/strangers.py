"""What an attacker has: sockets that send any bytes at all, and an honest session beside them that says how it fares.

The law: nobody here is polite. Ends are noticed, never waited for without a deadline, and a reset is an end like any other.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.journeys.wire import json_peer

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + KEY + b"\r\n"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset."""
GONE = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


@asynccontextmanager
async def stranger(port: int, *, source: str = "127.0.0.1") -> AsyncIterator[trio.SocketStream]:
    """A connection, from any address of the loopback network."""
    stream = await trio.open_tcp_stream("127.0.0.1", port, local_address=source)
    try:
        yield stream
    finally:
        await trio.aclose_forcefully(stream)


async def put(stream: trio.abc.SendStream, data: bytes) -> bool:
    """Send; False if the other side has ended it."""
    try:
        await stream.send_all(data)
    except GONE:
        return False
    return True


async def rest(stream: trio.abc.ReceiveStream, seconds: float = 15.0) -> bytes:
    """Everything until the end, which has to come."""
    data = bytearray()
    with trio.fail_after(seconds):
        try:
            while chunk := await stream.receive_some(65_536):
                data += chunk
        except GONE:
            pass
    return bytes(data)


def masked(head: int, payload: bytes, *, declared: int | None = None) -> bytes:
    """A client's frame: FIN and opcode in `head`; `declared` may lie about the length."""
    size = len(payload) if declared is None else declared
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 65_536:
        length = b"\xfe" + struct.pack(">H", size)
    else:
        length = b"\xff" + struct.pack(">Q", size)
    return bytes((head,)) + length + b"\0\0\0\0" + payload


def login(user: str, **data: str) -> bytes:
    """A login in a text frame."""
    data = {"app_id": "666666", "client_id": user, **data}
    return masked(0x81, json.dumps({"type": "login", "id": 1, "data": data}).encode())


def close_code(data: bytes) -> int:
    """Of the close frame that ends what a WebSocket said; 0 if there is none."""
    found = data.rfind(b"\x88")
    return int.from_bytes(data[found + 2 : found + 4], "big") if found >= 0 else 0


def reset(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


class Pulse:
    """How an honest session fares meanwhile: round trips of its pings."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def check(self, most: float = 2.0) -> None:
        """It was answered, all the time. Generous: other tests run beside this one."""
        assert len(self.seconds) >= 3
        assert max(self.seconds) < most, sorted(self.seconds)[-5:]


@asynccontextmanager
async def pulse(url: str) -> AsyncIterator[Pulse]:
    found = Pulse()
    async with json_peer(url) as peer, trio.open_nursery() as nursery:
        await peer.login("honest")

        async def beat() -> None:
            while True:
                began = trio.current_time()
                await peer.ok("ping")
                found.seconds.append(trio.current_time() - began)
                await trio.sleep(0.02)

        nursery.start_soon(beat)
        yield found
        while len(found.seconds) < 3:
            await trio.sleep(0.02)
        nursery.cancel_scope.cancel()


def memory(pid: int) -> int:
    """Resident bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def busy_seconds(pid: int) -> float:
    """Processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
