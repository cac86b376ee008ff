"""Raw clients: what an app's own code would send, on each of the public wires. They do nothing by themselves."""

from __future__ import annotations

import json
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import cbor2
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

WAIT_SECONDS = 10


class Peer:
    """One connection. Pushes that come while a reply is awaited are kept for `push`."""

    def __init__(self) -> None:
        self.pushes: deque[dict[str, Any]] = deque()
        self.requests = 0

    async def put(self, frame: object) -> None:
        raise NotImplementedError

    async def take(self) -> dict[str, Any]:
        """The next frame. EOFError when the connection has ended."""
        raise NotImplementedError

    async def request(self, name: str, /, **data: Any) -> dict[str, Any]:
        """Send a request and wait for its answer, whichever it is."""
        self.requests += 1
        await self.put({"type": name, "id": self.requests, "data": data})
        return await self.answer(self.requests)

    async def answer(self, number: int) -> dict[str, Any]:
        with trio.fail_after(WAIT_SECONDS):
            while True:
                frame = await self.take()
                if frame.get("id") == number:
                    return frame
                self.pushes.append(frame)

    async def ok(self, name: str, /, **data: Any) -> Any:
        """The data of a request that must succeed."""
        frame = await self.request(name, **data)
        assert frame["type"] == f"{name}.success", frame
        return frame["data"]

    async def refused(self, name: str, /, **data: Any) -> int:
        """The code of a request that must fail."""
        frame = await self.request(name, **data)
        assert frame["type"] == f"{name}.error", frame
        return int(frame["code"])

    async def push(self, type: str) -> Any:
        """The data of the next push of that type; others are passed over."""
        with trio.fail_after(WAIT_SECONDS):
            while True:
                while self.pushes:
                    frame = self.pushes.popleft()
                    if frame["type"] == type:
                        return frame["data"]
                self.pushes.append(await self.take())

    async def end(self) -> int | None:
        """Read until the connection ends; the close code where there is one."""
        raise NotImplementedError

    async def login(self, user: str, app: str = "666666", **data: Any) -> Any:
        return await self.ok("login", app_id=app, client_id=user, **data)


class WebSocketPeer(Peer):
    def __init__(self, socket: WebSocketConnection, *, cbor: bool) -> None:
        super().__init__()
        self.socket = socket
        self.cbor = cbor

    async def put(self, frame: object) -> None:
        await self.put_raw(cbor2.dumps(frame) if self.cbor else json.dumps(frame))

    async def put_raw(self, message: str | bytes) -> None:
        await self.socket.send_message(message)

    async def take(self) -> dict[str, Any]:
        try:
            message = await self.socket.get_message()
        except ConnectionClosed:
            raise EOFError from None
        assert isinstance(message, bytes) is self.cbor, "answered in another encoding"
        frame: dict[str, Any] = cbor2.loads(message) if isinstance(message, bytes) else json.loads(message)
        return frame

    async def end(self) -> int | None:
        with trio.fail_after(WAIT_SECONDS):
            try:
                while True:
                    self.pushes.append(await self.take())
            except EOFError:
                return None if self.socket.closed is None else int(self.socket.closed.code)


class FramedPeer(Peer):
    def __init__(self, stream: trio.SocketStream) -> None:
        super().__init__()
        self.stream = stream
        self.buffer = b""

    async def put(self, frame: object) -> None:
        body = cbor2.dumps(frame)
        await self.stream.send_all(struct.pack(">I", len(body)) + body)

    async def take(self) -> dict[str, Any]:
        body = await self._read(struct.unpack(">I", await self._read(4))[0])
        frame: dict[str, Any] = cbor2.loads(body)
        return frame

    async def _read(self, count: int) -> bytes:
        while len(self.buffer) < count:
            try:
                data = await self.stream.receive_some(65536)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                raise EOFError
            self.buffer += data
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    async def end(self) -> int | None:
        with trio.fail_after(WAIT_SECONDS):
            try:
                while True:
                    self.pushes.append(await self.take())
            except EOFError:
                return None


@asynccontextmanager
async def open_peer(
    url: str,
    *,
    cbor: bool,
    subprotocols: list[str] | None = None,
    tls: ssl.SSLContext | None = None,
    handshake_seconds: float = WAIT_SECONDS,
    **options: Any,
) -> AsyncIterator[WebSocketPeer]:
    """The stream is ours, so that it is closed however the server ends the connection."""
    address, _, path = url.partition("://")[2].partition("/")
    host, _, port = address.partition(":")
    stream: trio.abc.Stream = await trio.open_tcp_stream(host, int(port))
    if tls is not None:
        stream = trio.SSLStream(stream, tls, server_hostname=host, https_compatible=True)
    try:
        async with trio.open_nursery() as nursery:
            # trio-websocket waits for ever for the answer of a connection that was lost.
            with trio.move_on_after(handshake_seconds) as waiting:
                socket = await wrap_client_stream(nursery, stream, address, f"/{path}", subprotocols=subprotocols, **options)
            if waiting.cancelled_caught:
                raise EOFError("no answer to the handshake")
            try:
                yield WebSocketPeer(socket, cbor=cbor)
            finally:
                nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)


def json_peer(url: str, **options: Any) -> AbstractAsyncContextManager[WebSocketPeer]:
    return open_peer(url, cbor=False, **options)


def cbor_peer(url: str, **options: Any) -> AbstractAsyncContextManager[WebSocketPeer]:
    return open_peer(url, cbor=True, **options)


@asynccontextmanager
async def framed_peer(port: int) -> AsyncIterator[FramedPeer]:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield FramedPeer(stream)


__all__ = ["FramedPeer", "Peer", "WebSocketPeer", "cbor_peer", "framed_peer", "json_peer"]


async def read_all(peer: Peer, conversation: str) -> list[dict[str, Any]]:
    """A conversation's whole history, oldest first."""
    messages: list[dict[str, Any]] = []
    more = True
    while more:
        after = messages[-1]["seq"] if messages else 0
        page = await peer.ok("msg.history", conv_id=conversation, after=after, limit=100)
        messages += page["messages"]
        more = page["more"]
    return messages
