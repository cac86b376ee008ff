"""The ASGI wrapper around the Quart app: cures for two faults of Hypercorn 0.18 under Quart-Trio 0.12, and a pace.

The law: the last piece of an answer is sent to its end. Hypercorn closes or recycles the connection from inside that
send, and tells the app that the client is gone before it does; Quart-Trio then cancels the request, and a cancelled close
leaves a socket that nobody serves (stack.md 3.4: every later request on it hung; `Connection: close` never closed). So
the last send is shielded, under a deadline.

A head longer than the settings allow is answered here, before anything reads it; the HTTP library counts only while it
waits for more.

The pace: Quart gathers a body as fast as it comes, whoever reads it. Here the next piece is only fetched once the reader
has taken most of the last ones, so an upload is held by the disk's speed and not by memory.
"""

from __future__ import annotations

from typing import Any

import trio

from adminapi.settings import Settings

LAST_SEND_SECONDS = 10.0
AHEAD_BYTES = 262_144
"""Of a body, fetched but not yet taken by its reader."""
HEAD_TOO_LARGE = b'{"code":431,"error":"The headers of the request are too large."}'
KEY = "parley.pace"
"""Where the scope of a request carries its Pace."""


class Pace:
    """How much of a body was fetched and taken."""

    def __init__(self) -> None:
        self._ahead = 0
        self._moved = trio.Event()

    def took(self, size: int) -> None:
        self._ahead -= size
        self._moved.set()

    def fetched(self, size: int) -> None:
        self._ahead += size

    async def wait_room(self) -> None:
        while self._ahead > AHEAD_BYTES:
            self._moved = trio.Event()
            await self._moved.wait()


class Cured:
    """An ASGI application around another."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self.app = app
        self._headers = settings.headers
        self._header_bytes = settings.header_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":  # there is none here; Quart would stumble over its own 404
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._too_large(scope):
            await refuse_head(send)
            return
        pace = Pace()

        async def receive_paced() -> Any:
            await pace.wait_room()
            message = await receive()
            if message["type"] == "http.request":
                pace.fetched(len(message.get("body", b"")))
            return message

        async def send_whole(message: Any) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.CancelScope(shield=True, deadline=trio.current_time() + LAST_SEND_SECONDS):
                    await send(message)
            else:
                await send(message)

        await self.app({**scope, KEY: pace}, receive_paced, send_whole)

    def _too_large(self, scope: Any) -> bool:
        headers = scope["headers"]
        size = (
            len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(name) + len(value) + 4 for name, value in headers)
        )
        return len(headers) > self._headers or size > self._header_bytes


async def refuse_head(send: Any) -> None:
    """The body, if any, is not read: the connection ends."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(HEAD_TOO_LARGE)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 431, "headers": headers})
    await send({"type": "http.response.body", "body": HEAD_TOO_LARGE})
