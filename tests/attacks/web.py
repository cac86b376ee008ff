"""Raw HTTP to the admin API: what no client library would send, and what came back."""

from __future__ import annotations

import trio

from tests.attacks.strangers import put, rest, stranger

PROOF = b"app-id: 666666\r\napp-key: master\r\n"


def request(method: str, path: str, headers: bytes = PROOF, body: bytes = b"", *, length: int | None = None) -> bytes:
    """A request that says it is the last one; `length` may lie."""
    size = len(body) if length is None else length
    said = b"Content-Length: %d\r\n" % size if size or method == "POST" else b""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n".encode() + headers + said + b"Connection: close\r\n\r\n" + body


async def ask(port: int, raw: bytes, *, seconds: float = 15.0) -> bytes:
    """Everything that comes back until the connection ends, which it must; what cannot be sent any more is not."""
    async with stranger(port) as stream, trio.open_nursery() as nursery:
        nursery.start_soon(put, stream, raw)
        answer = await rest(stream, seconds)
        nursery.cancel_scope.cancel()
    return answer


def status(answer: bytes) -> int:
    """Of the first answer; 0 for none."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
