"""The ASGI wrapper around the Quart app: cures for two faults of Hypercorn 0.18 under Quart-Trio 0.12, and the body.

The law: the last piece of an answer is sent to its end. Hypercorn closes or recycles the connection from inside that
send, and tells the app that the client is gone before it does; a request cancelled by that, in the middle of a close,
leaves a socket that nobody serves (stack.md 3.4: every later request on it hung; `Connection: close` never closed). So the
last send is shielded, under a deadline.

A head longer than the settings allow is answered here, before anything reads it; the HTTP library counts only while it
waits for more.

Quart gathers a body as fast as it comes, whoever reads it. Here each piece is fetched when its reader has use for it, so an
upload is held by the disk's speed and not by memory.
"""

from __future__ import annotations

from typing import Any

import trio

from adminapi.settings import Settings

LAST_SEND_SECONDS = 10.0
HEAD_TOO_LARGE = b'{"code":431,"error":"The headers of the request are too large."}'
BODY = "parley.body"
"""Where the scope of a request carries its Body."""


class Body:
    """The body of a request, as it comes."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._more = True

    async def piece(self) -> bytes | None:
        """The next one, None at the end."""
        while self._more:
            message = await self._receive()
            self._more = message.get("more_body", False)
            if message.get("body"):
                return bytes(message["body"])
        return None


def body_of(scope: Any) -> Body:
    found: Body = scope[BODY]
    return found


def peer_of(scope: Any) -> str:
    client = scope.get("client")
    return client[0] if client else ""


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

        async def send_whole(message: Any) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.CancelScope(shield=True, deadline=trio.current_time() + LAST_SEND_SECONDS):
                    await send(message)
            else:
                await send(message)

        scope[BODY] = Body(receive)
        await self.app(scope, receive, send_whole)

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
