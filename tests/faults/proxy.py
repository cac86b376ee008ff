"""A proxy between clients and a broker, or between the two programs, that loses what a bad network loses: answers, requests,
or whole connections, and cuts the rest into pieces."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset."""


class Proxy:
    """`port` leads to the port it was opened for, or a Unix socket to another."""

    def __init__(self, target: int | Path) -> None:
        self.target = target
        self.port = 0
        self.answers = True
        """False: what the broker sends goes nowhere; what it receives is not affected."""
        self.requests = True
        """False: what clients send goes nowhere either; with both the cable is out, and nobody is told."""
        self.piece = 65_536
        """At most so many bytes are passed on at a time."""
        self._scopes: set[trio.CancelScope] = set()

    def cut(self) -> None:
        """Reset every connection, on both sides."""
        for scope in self._scopes:
            scope.cancel()

    async def carry(self, client: trio.SocketStream) -> None:
        """One connection, until it ends or is cut."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                server = await self._reached()
                try:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._pump, client, server, False, scope)
                        nursery.start_soon(self._pump, server, client, True, scope)
                finally:
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    await trio.aclose_forcefully(server)
            except OSError:
                pass  # nobody listens there: so nobody does here
            finally:
                self._scopes.discard(scope)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                await trio.aclose_forcefully(client)

    async def _reached(self) -> trio.SocketStream:
        if isinstance(self.target, Path):
            return await trio.open_unix_socket(str(self.target))
        return await trio.open_tcp_stream("127.0.0.1", self.target)

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream, back: bool, scope: trio.CancelScope) -> None:
        try:
            async for data in source:
                if not (self.answers if back else self.requests):
                    continue
                for start in range(0, len(data), self.piece):
                    await sink.send_all(data[start : start + self.piece])
        except trio.BrokenResourceError:
            pass
        scope.cancel()


@asynccontextmanager
async def open_proxy(target: int | Path, path: Path | None = None) -> AsyncIterator[Proxy]:
    """At a port of its own, or at a Unix socket of that name."""
    proxy = Proxy(target)
    async with trio.open_nursery() as nursery:
        if path is None:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            proxy.port = listener.socket.getsockname()[1]
        else:
            sock = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
            await sock.bind(str(path))
            sock.listen()
            listener = trio.SocketListener(sock)
        nursery.start_soon(trio.serve_listeners, proxy.carry, [listener])
        try:
            yield proxy
        finally:
            nursery.cancel_scope.cancel()
