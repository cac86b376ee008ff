"""A connection of the admin API: Hypercorn's, without the task, the waits and the pieces that each request costs there.

The law: what a connection may do and for how long is Hypercorn's word and the settings'; only the means are fewer. An idle
one ends by the deadline of the scope it reads in, not by a task begun after every answer and ended before every request. An
answer leaves in one piece: a head that announces a body waits for it; one that does not leaves at once, as its pieces may
come late. What the kernel takes at once is written without waiting for a turn; the rest the way Hypercorn does it. A client
that goes cancels its request from here, and not by a message for which a task has to wait.

Measured: of a send's CPU in this program 1,135 us as Hypercorn and Quart-Trio serve it, 807 so.
"""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

import trio
from h11 import ERROR, LocalProtocolError
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup, _handle
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer
from hypercorn.trio.worker_context import TrioSingleTask
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, ConnectionState, H11SendableEvent, Scope
from hypercorn.utils import parse_socket_addr

LASTS = "parley.lasts"
"""Where the scope of a request carries the CancelScope that ends with its client."""


class Http1(H11Protocol):
    """HTTP/1.1 that writes a head together with its body."""

    _held = b""
    _holding = False

    async def stream_send(self, event: StreamEvent) -> None:
        self._holding = isinstance(event, Response) and any(name == b"content-length" for name, _ in event.headers)
        await super().stream_send(event)

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            data = self._held + (self.connection.send(event) or b"")
        except LocalProtocolError:
            if self.connection.their_state != ERROR:
                raise
            return
        self._held = data if self._holding else b""
        if data and not self._holding:
            await self.send(RawData(data=data))


class Calls(TaskGroup):
    """The requests of a connection. Whoever serves one is cancelled when its client has gone; no task waits to tell him."""

    async def spawn_app(
        self, app: AppWrapper, config: Config, scope: Scope, send: Callable[[ASGISendEvent | None], Awaitable[None]]
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        give, take = trio.open_memory_channel[ASGIReceiveEvent](config.max_app_queue_size)
        gone, carrier = trio.CancelScope(), cast(dict[str, Any], scope)
        carrier[LASTS] = gone

        async def receive() -> ASGIReceiveEvent:
            try:
                return take.receive_nowait()
            except trio.WouldBlock:
                return await take.receive()

        async def put(message: ASGIReceiveEvent) -> None:
            if message["type"] == "http.disconnect":
                gone.cancel()
                take.close()
                return
            with suppress(trio.BrokenResourceError):  # it was answered without the rest
                try:
                    give.send_nowait(message)
                except trio.WouldBlock:
                    await give.send(message)

        self.spawn(_handle, app, config, scope, receive, send, trio.to_thread.run_sync, trio.from_thread.run)
        return put


class Idle(TrioSingleTask):
    """While a connection is idle, the scope it reads in has a deadline; otherwise none."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.scope = trio.CancelScope()

    async def restart(self, *_: object) -> None:
        self.scope.deadline = trio.current_time() + self.seconds

    async def stop(self) -> None:
        self.scope.deadline = math.inf


class Connection(TCPServer):
    """One that is over when its peer has left, or was idle for `keep_alive_timeout`."""

    idle_task: Idle

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.idle_task = Idle(self.config.keep_alive_timeout)

    def end_idle(self) -> None:
        """The server stops. Whoever has asked for something still gets his answer."""
        if self.idle_task.scope.deadline < math.inf:
            self.idle_task.scope.cancel()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            left = self._written(event.data)
            if left:
                await super().protocol_send(RawData(data=left))
        else:
            await super().protocol_send(event)

    def _written(self, data: bytes) -> bytes:
        """Write what the kernel takes at once; the rest."""
        if self.send_lock.locked() or not isinstance(self.stream, trio.SocketStream):
            return data
        try:
            return data[os.write(self.stream.socket.fileno(), data) :]
        except OSError:  # it is full, or it has ended, which is found and told where it is written in turn
            return data

    async def run(self) -> None:
        secure = isinstance(self.stream, trio.SSLStream)
        try:
            if secure:
                with trio.fail_after(self.config.ssl_handshake_timeout):
                    await self.stream.do_handshake()
            known = (self.stream.transport_stream if secure else self.stream).socket
            peer, own = [parse_socket_addr(known.family, name) for name in (known.getpeername(), known.getsockname())]
            async with Calls() as self._task_group:
                common = (
                    self.app,
                    self.config,
                    self.context,
                    self._task_group,
                    ConnectionState(self.state),
                    secure,
                    peer,
                    own,
                )
                chosen = self.stream.selected_alpn_protocol() if secure else None
                self.protocol = ProtocolWrapper(*common, self.protocol_send, chosen)
                if isinstance(self.protocol.protocol, H11Protocol):
                    self.protocol.protocol = Http1(*common, self.protocol_send)
                await self.protocol.initiate()
                await self.idle_task.restart()
                await self._read_data()
        except (OSError, trio.BrokenResourceError, trio.TooSlowError):
            pass  # it has ended, or its handshake never came
        finally:
            await self._close()

    async def _read_data(self) -> None:
        with self.idle_task.scope as idle:
            while True:
                try:
                    data = await self.stream.receive_some(MAX_RECV)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    break
                if idle.cancel_called:  # too late by less than a turn
                    break
                await self.protocol.handle(RawData(data=bytes(data)))
                if not data:
                    break
        await self.protocol.handle(Closed())
