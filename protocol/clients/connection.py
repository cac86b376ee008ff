"""One WebSocket connection of a client: opened and closed under deadlines, envelopes in and whole frames out.

The law: a frame that was handed over goes out whole, whatever becomes of the task that sent it, for half a frame would
make garbage of all that follow; a task of the connection's own writes, and what cannot be written in time ends the
connection. Nothing is buffered: a frame waits with who sends it until the one before it is out.

The stream is ours, so that it is closed whatever happened. trio-websocket 0.12 as a client leaves it open after the
server's close frame and then waits for the server without a deadline; hence `wrap_client_stream` on our own stream and
our own nursery, not `open_websocket_url`.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import cbor2
import msgspec
import orjson
import trio
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from protocol.clients.outcomes import LOST, Envelope
from protocol.clients.waits import CLOSE_SECONDS, WRITE_SECONDS

SUBPROTOCOL = "parley.v1"
MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest answer taken: a page of history or sync may be far larger than a request."""


class Unreachable(Exception):
    """There is no connection. The text says why, without a full stop."""


class Closed(Exception):
    """The connection has ended. `code` is the close code, LOST if there was none, `reason` its word."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Address(msgspec.Struct, frozen=True):
    """Where a `ws:` or `wss:` URL leads."""

    url: str
    secure: bool
    host: str
    port: int
    authority: str
    resource: str


def address_of(url: str) -> Address:
    """ValueError says what is wrong with the URL, without a full stop."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("it must begin with ws:// or wss:// and name a host")
    try:
        parts.hostname.encode("idna")  # as will be done to look it up
    except UnicodeError:
        raise ValueError(f"{parts.hostname!r} cannot be the name of a host") from None
    secure = parts.scheme == "wss"
    port = parts.port if parts.port is not None else 443 if secure else 80
    resource = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    if not resource.isascii() or not resource.isprintable() or " " in resource:
        raise ValueError("what follows the host must be percent-encoded")
    return Address(url, secure, parts.hostname, port, parts.netloc.rpartition("@")[2], resource)


def encode(envelope: Envelope, text: bool) -> bytes:
    """The payload of a text frame (JSON) or a binary one (CBOR). ValueError for what cannot be written."""
    try:
        return orjson.dumps(envelope) if text else cbor2.dumps(envelope)
    except (TypeError, ValueError, cbor2.CBORError) as error:
        raise ValueError(f"a {envelope['type']} cannot be written as {'JSON' if text else 'CBOR'}: {error}") from error


class Connection:
    """An open connection: any number of tasks write, one reads."""

    def __init__(self, socket: WebSocketConnection, stream: trio.abc.AsyncResource, text: bool) -> None:
        self._socket = socket
        self._stream = stream
        self._text = text
        self._inlet, self._outlet = trio.open_memory_channel[bytes](0)
        self._drained = trio.Event()

    async def write(self, frame: bytes) -> bool:
        """Hand over what `encode` made, to be written whole. False: the connection is ending, nothing will be written."""
        try:
            await self._inlet.send(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    def show_life(self) -> None:
        """Let the server hear from us, without waiting: if a frame is being written, that is a sign of life too."""
        with suppress(trio.WouldBlock, trio.BrokenResourceError):
            self._inlet.send_nowait(encode({"type": "ping"}, self._text))

    async def read(self) -> Envelope:
        """The next frame. Closed."""
        try:
            message = await self._socket.get_message()
        except ConnectionClosed as closed:
            # A frame larger than we take: the library closes by itself, with 1009, and only this tells it from a server
            # that found ours too large.
            if isinstance(closed.__context__, trio.ClosedResourceError):
                raise Closed(LOST, f"the server sent a frame of more than {MESSAGE_BYTES} bytes") from None
            raise _ending(closed.reason) from None
        return _decode(message)

    async def drain(self) -> None:
        """Write what is handed over, until `finish` or the end of the connection."""
        try:
            async with self._outlet:
                async for frame in self._outlet:
                    with trio.fail_after(WRITE_SECONDS):
                        await self._socket.send_message(frame.decode() if self._text else frame)
        except ConnectionClosed:
            pass  # whoever reads learns it
        except trio.TooSlowError:
            await trio.aclose_forcefully(self._stream)
        finally:
            self._drained.set()

    async def finish(self) -> None:
        """Say goodbye, behind what was handed over."""
        self._inlet.close()
        await self._drained.wait()
        await self._socket.aclose()


@asynccontextmanager
async def open_connection(address: Address, text: bool, deadline: float) -> AsyncIterator[Connection]:
    """A connection that writes JSON or CBOR, open before `deadline` (Trio's clock). Unreachable; exceptions of the body
    come out as they are."""
    failure: Exception | None = None
    with trio.move_on_at(deadline) as opening:
        stream = await _open_stream(address)
    if opening.cancelled_caught:
        raise Unreachable("nobody answered in time")
    try:
        async with trio.open_nursery() as nursery:
            try:
                with trio.fail_at(deadline):
                    socket = await _open_websocket(nursery, stream, address)
            except trio.TooSlowError:
                failure = Unreachable("the server did not answer in time")
            except trio.BrokenResourceError as error:
                failure = Unreachable(_words(error))
            else:
                connection = Connection(socket, stream, text)
                nursery.start_soon(connection.drain)
                try:
                    yield connection
                except Exception as error:
                    failure = error  # carried past the nursery by hand: a group of one helps nobody
                with trio.move_on_after(CLOSE_SECONDS):
                    await connection.finish()
            nursery.cancel_scope.cancel()
    except* HandshakeError as group:
        failure = Unreachable(_refusal(group))
    finally:
        await trio.aclose_forcefully(stream)
    if failure is not None:
        raise failure


async def _open_stream(address: Address) -> Any:
    # Any: what `wrap_client_stream` takes, a type with a parameter in Trio and without one in its old stub package.
    try:
        if address.secure:
            return await trio.open_ssl_over_tcp_stream(address.host, address.port)
        return await trio.open_tcp_stream(address.host, address.port)
    except OSError as error:
        raise Unreachable(_words(error)) from None


async def _open_websocket(nursery: trio.Nursery, stream: Any, address: Address) -> WebSocketConnection:
    if address.secure:
        await stream.do_handshake()  # by ourselves: trio-websocket would not say what is wrong with a certificate
    return await wrap_client_stream(
        nursery,
        stream,
        address.authority,
        address.resource,
        subprotocols=[SUBPROTOCOL],
        max_message_size=MESSAGE_BYTES,
    )


def _words(error: Exception) -> str:
    inner: BaseException = error.__cause__ or error  # Trio gathers the errors of all addresses it tried
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    if isinstance(inner, ssl.SSLError):
        word = getattr(inner, "verify_message", "") or inner.reason or "no reason given"
        return f"the TLS handshake failed ({word.replace('_', ' ').lower()})"
    text = getattr(inner, "strerror", None) or str(error) or "it cannot be reached"
    return str(text).rpartition(": ")[2]  # without "Error connecting to (..): ", the URL is in the sentence already


def _refusal(group: BaseExceptionGroup[HandshakeError]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, ConnectionRejected):
        return f"it answered HTTP {first.status_code} instead of opening a WebSocket"
    return str(first) or type(first).__name__


def _ending(reason: CloseReason | None) -> Closed:
    if reason is None or reason.code == LOST:
        return Closed(LOST, "the server is gone")
    return Closed(reason.code, reason.reason or "no reason given")


def _decode(message: str | bytes) -> Envelope:
    # Not through `codec`: the server is trusted, and an answer may nest deeper than what it lets in.
    try:
        frame = orjson.loads(message) if isinstance(message, str) else cbor2.loads(message)
    except (ValueError, cbor2.CBORError):
        frame = None
    if not isinstance(frame, dict):
        return {"type": "error", "code": 1, "msg": "The server does not speak parley.v1."}
    return frame
