"""A tiny server of the native protocol: a script of envelopes behind trio-websocket, no hub and no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import cbor2
import orjson
import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

Envelope = dict[str, Any]
Handler = Callable[["Peer", Envelope], Awaitable[None]]


class Peer:
    """One connection, as the server sees it."""

    def __init__(self, server: Server, socket: WebSocketConnection) -> None:
        self.server = server
        self.socket = socket
        self.text = True
        self.gone = trio.Event()

    async def say(self, envelope: Envelope) -> None:
        if self.text:
            await self.socket.send_message(orjson.dumps(envelope).decode())
        else:
            await self.socket.send_message(cbor2.dumps(envelope))

    async def answer(self, request: Envelope, **data: Any) -> None:
        envelope = {"type": request["type"] + ".success", "msg": "success", "data": data}
        if "id" in request:
            envelope["id"] = request["id"]
        await self.say(envelope)

    async def refuse(self, request: Envelope, code: int, text: str, **data: Any) -> None:
        envelope = {"type": request["type"] + ".error", "code": code, "msg": text, "data": data}
        if "id" in request:
            envelope["id"] = request["id"]
        await self.say(envelope)

    async def close(self, code: int, word: str) -> None:
        await self.socket.aclose(code, word)


class Server:
    """Logs everybody in, answers `sync` with nothing, remembers every request; `handlers` overrule by type."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Envelope] = []
        self.peers: list[Peer] = []
        self.handlers: dict[str, Handler] = {"login": self._login, "sync": self._sync, "ping": self._ping}
        self.subprotocols: list[str] = []
        self._asked = trio.Event()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def asked(self, kind: str) -> list[Envelope]:
        return [request.get("data") or {} for request in self.requests if request["type"] == kind]

    async def wait_asked(self, kind: str, times: int = 1) -> None:
        with trio.fail_after(10):
            while len(self.asked(kind)) < times:
                await self._asked.wait()

    async def connection(self, request: WebSocketRequest) -> None:
        self.subprotocols = list(request.proposed_subprotocols)
        if request.path == "/closed":
            await request.reject(403)
            return
        socket = await request.accept(subprotocol="parley.v1" if "parley.v1" in self.subprotocols else None)
        peer = Peer(self, socket)
        self.peers.append(peer)
        try:
            while True:
                message = await socket.get_message()
                peer.text = isinstance(message, str)
                envelope = orjson.loads(message) if isinstance(message, str) else cbor2.loads(message)
                self.requests.append(envelope)
                self._asked.set()
                self._asked = trio.Event()
                handler = self.handlers.get(envelope["type"])
                if handler is not None:
                    await handler(peer, envelope)
        except ConnectionClosed:
            pass
        finally:
            peer.gone.set()

    async def _login(self, peer: Peer, request: Envelope) -> None:
        await peer.answer(request, time=1, session_token=f"st-{len(self.peers)}", client_id="alice", device_id="")

    async def _sync(self, peer: Peer, request: Envelope) -> None:
        await peer.answer(
            request, conversations=[], left=[], patches=[], cursor=f"c-{len(self.peers)}", more=False, reset=False
        )

    async def _ping(self, peer: Peer, request: Envelope) -> None:
        await peer.answer(request, time=1)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    async with trio.open_nursery() as nursery:
        start = partial(serve_websocket, server.connection, "127.0.0.1", 0, ssl_context=None)
        listener = await nursery.start(start)
        server.port = listener.port
        yield server
        nursery.cancel_scope.cancel()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as one:
        yield one
