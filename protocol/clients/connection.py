"""One WebSocket connection of a client, opened and closed under deadlines.

The law: the stream is ours, so that it is closed whatever happened. trio-websocket 0.12 as a client leaves it open after
the server's close frame and then waits for the server without a deadline; hence `wrap_client_stream` on our own stream
and our own nursery, not `open_websocket_url`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import trio
from trio_websocket import ConnectionRejected, HandshakeError, WebSocketConnection, wrap_client_stream

from protocol.clients.waits import CLOSE_SECONDS

SUBPROTOCOL = "parley.v1"
MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest answer taken: a page of history or sync may be far larger than a request."""


class Unreachable(Exception):
    """There is no connection. The text says why, without a full stop."""


@asynccontextmanager
async def open_connection(url: str, connect_seconds: float) -> AsyncIterator[WebSocketConnection]:
    """A connection to a `ws:` or `wss:` URL. Unreachable; exceptions of the body come out as they are."""
    address = urlsplit(url)
    host = address.hostname or ""
    resource = (address.path or "/") + ("?" + address.query if address.query else "")
    failure: Exception | None = None
    with trio.move_on_after(connect_seconds) as opening:
        try:
            stream = await _open_stream(address.scheme, host, address.port)
        except OSError as error:
            raise Unreachable(_words(error)) from None
    if opening.cancelled_caught:
        raise Unreachable("nobody answered in time")
    try:
        async with trio.open_nursery() as nursery:
            try:
                with trio.fail_after(connect_seconds):
                    socket = await wrap_client_stream(
                        nursery,
                        stream,
                        address.netloc.rpartition("@")[2],
                        resource,
                        subprotocols=[SUBPROTOCOL],
                        max_message_size=MESSAGE_BYTES,
                    )
            except trio.TooSlowError:
                failure = Unreachable("the server did not answer in time")
            else:
                try:
                    yield socket
                except Exception as error:
                    failure = error  # carried past the nursery by hand: a group of one helps nobody
                with trio.move_on_after(CLOSE_SECONDS):
                    await socket.aclose()
            nursery.cancel_scope.cancel()
    except* HandshakeError as group:
        failure = Unreachable(_refusal(group))
    finally:
        await trio.aclose_forcefully(stream)
    if failure is not None:
        raise failure


async def _open_stream(scheme: str, host: str, port: int | None) -> Any:
    # Any: what `wrap_client_stream` takes, a type with a parameter in Trio and without one in its old stub package.
    if scheme == "wss":
        return await trio.open_ssl_over_tcp_stream(host, port or 443)
    return await trio.open_tcp_stream(host, port or 80)


def _words(error: OSError) -> str:
    inner: BaseException = error.__cause__ or error  # Trio gathers the errors of all addresses it tried
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    text = getattr(inner, "strerror", None) or str(error) or "it cannot be reached"
    return str(text).rpartition(": ")[2]  # without "Error connecting to (..): ", the URL is in the sentence already


def _refusal(group: BaseExceptionGroup[HandshakeError]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, ConnectionRejected):
        return f"it answered HTTP {first.status_code} instead of opening a WebSocket"
    return str(first) or type(first).__name__
