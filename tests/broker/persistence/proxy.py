"""A way to a database that a test can close, cut and clog."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import trio

CHUNK = 65_536


class Proxy:
    """Forwards bytes both ways while `open`. Clogged, it takes connections and bytes and passes nothing on."""

    def __init__(self, upstream: str, listener: trio.SocketListener) -> None:
        self._upstream = urlsplit(upstream)
        self._listener = listener
        self._open = trio.Event()
        self._open.set()
        self._scopes: set[trio.CancelScope] = set()
        self.cut_after: bytes = b""
        """Seen on its way to the server, and passed on, it ends every connection."""
        self._mute = False
        self.accepted = 0

    @property
    def url(self) -> str:
        host, port = self._listener.socket.getsockname()
        user = self._upstream.netloc.rpartition("@")[0]
        return f"postgresql://{user}@{host}:{port}{self._upstream.path}"

    def clog(self) -> None:
        self._open = trio.Event()

    def cut(self) -> None:
        """Every connection there is."""
        for scope in self._scopes:
            scope.cancel()

    def unclog(self) -> None:
        """What was kept back is not passed on: its connections end, as they do where a net was away."""
        self.cut()
        self._open.set()

    async def run(self) -> None:
        await trio.serve_listeners(self._serve, [self._listener])

    async def _connect(self) -> trio.SocketStream:
        if folder := parse_qs(self._upstream.query).get("host"):
            found = trio.socket.socket(socket.AF_UNIX)
            await found.connect(f"{folder[0]}/.s.PGSQL.{self._upstream.port or 5432}")
            return trio.SocketStream(found)
        assert self._upstream.hostname is not None
        return await trio.open_tcp_stream(self._upstream.hostname, self._upstream.port or 5432)

    async def _serve(self, client: trio.SocketStream) -> None:
        self.accepted += 1
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                await self._open.wait()
                async with await self._connect() as server, trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, client, server, True)
                    await self._pump(server, client, False)
                    nursery.cancel_scope.cancel()
            except OSError:
                pass  # away, which is what this is for
            finally:
                self._scopes.discard(scope)

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream, to_server: bool) -> None:
        try:
            while data := await source.receive_some(CHUNK):
                await self._open.wait()
                if not to_server and self._mute:
                    continue
                last = to_server and self.cut_after != b"" and self.cut_after in data
                self._mute |= last
                await sink.send_all(data)
                if last:
                    await trio.sleep(0.1)  # the server does it; its answer is lost
                    self.cut_after, self._mute = b"", False
                    self.cut()
        except trio.BrokenResourceError:
            pass


@asynccontextmanager
async def proxied(upstream: str) -> AsyncIterator[Proxy]:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy = Proxy(upstream, listener)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(proxy.run)
        yield proxy
        nursery.cancel_scope.cancel()
