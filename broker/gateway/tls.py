"""TLS connections: trio-websocket over `trio.SSLStream`, a task for each, on the same wires, outboxes and seam (DESIGN 2.4).

The law: whatever touches a connection's state runs in a turn of the reactor (`Reactor.call`), so TLS and plain connections
obey the same rules in the same order; here are only the waits, and each has a deadline. trio-websocket keeps the
handshake, pings, closing and reading; our frames go through the same stream, framed once for all receivers, which is why
the stream has a lock (style.md, "trio-websocket": 45 us a delivery instead of 53, 6.5 us in bursts).
"""

from __future__ import annotations

import logging
import math
import socket
import ssl
from collections.abc import Callable
from functools import partial

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from broker.gateway.connection import OPEN, Connection
from broker.gateway.limits import Limits
from broker.gateway.outbox import FINAL, RELAYED, Outbox
from broker.gateway.reactor import Reactor
from broker.gateway.table import Table
from broker.gateway.upgrade import Choose, read_upgrade
from broker.gateway.websocket import CLOSE_TEXT_BYTES, PING, frame_of
from protocol.wires.wire import Wire

logger = logging.getLogger(__name__)


WRITE_BYTES = 65_536
"""Encrypted and written at once."""
BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError, OSError)


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, with this certificate chain and key (PEM files). OSError and ssl.SSLError say what is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class SharedStream(trio.abc.Stream):
    """A stream that two tasks may write to, whole pieces each, and that tells when something was heard."""

    def __init__(self, stream: trio.abc.Stream, heard: Callable[[int], None]) -> None:
        self._stream = stream
        self._heard = heard
        self._lock = trio.Lock()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        async with self._lock:
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        async with self._lock:
            await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        self._heard(len(data))
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


class RelayFraming:
    """Framing where trio-websocket has parsed already: hands one message on, and frames what goes out as plain WebSocket
    connections do."""

    __slots__ = ("_limit", "_message", "closing", "controls", "finished", "out")
    kind = "websocket"

    def __init__(self, first_frame_bytes: int) -> None:
        self._limit = first_frame_bytes
        self._message: tuple[bytes, bool] | None = None
        self.closing: tuple[int, str] = (1000, "")
        """The close frame trio-websocket is to send at the end."""
        self.out: list[bytes] = []
        self.controls = 0
        self.finished = ""

    def offer(self, message: str | bytes) -> None:
        """The next message; the size is counted in bytes, which trio-websocket does not do for text."""
        text = isinstance(message, str)
        data = message.encode() if isinstance(message, str) else message
        if len(data) > self._limit:
            self.closing = (1009, f"over {self._limit} bytes")
            self.finished = "broken"
        else:
            self._message = data, text

    def feed(self, data: bytes) -> None:
        raise NotImplementedError

    def take(self) -> tuple[bytes, bool] | None:
        message, self._message = self._message, None
        return message

    def pending(self) -> bool:
        return self._message is not None

    def lift(self, frame_bytes: int) -> None:
        self._limit = frame_bytes

    def pack(self, payload: bytes, text: bool) -> bytes:
        return frame_of(0x81 if text else 0x82, payload)

    def close(self, code: int, text: str) -> bytes:
        self.closing = code, text.encode()[:CLOSE_TEXT_BYTES].decode(errors="ignore")
        return b""

    def ping(self) -> bytes:
        return PING


class TlsConnection(Connection):
    """A connection whose bytes a task of its own writes. Made in a turn; `seconds` have passed since accept."""

    __slots__ = ("_scope", "free", "relay", "waiting")

    def __init__(
        self, table: Table, limits: Limits, wire: Wire, relay: RelayFraming, scope: trio.CancelScope, seconds: float
    ) -> None:
        super().__init__(table, limits, lambda connection: Outbox(connection, None))
        self._scope = scope
        self.relay = relay
        self.outbox.mode = RELAYED
        self.opened -= seconds
        self.free = trio.Event()
        """Set when reading may go on."""
        self.waiting = trio.Event()
        """Set when there is something to write."""
        self.start(relay, wire)

    def receive(self, message: str | bytes) -> None:
        """A message came in (called in a turn)."""
        if self.state != OPEN:
            return
        self.heard = self.table.now
        self.relay.offer(message)
        if self.table.sender_paused:
            self.hold_sender()
        try:
            self.pump(math.inf)
        except Exception:
            self.fail()

    def listen(self) -> None:
        self.free.set()

    def press(self) -> None:
        outbox = self.outbox
        if outbox.frames:
            self.table.block(outbox)
            if outbox.size > self.limits.outbox_bytes:
                self.crowded(self.limits.outbox_bytes)
        self.waiting.set()

    def shut(self) -> None:
        self.waiting.set()

    def close(self) -> None:
        self._scope.cancel()


async def serve_tls(
    reactor: Reactor,
    listeners: list[socket.socket],
    context: ssl.SSLContext,
    limits: Limits,
    choose: Choose,
    connections: trio.Nursery,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept TLS connections on bound, listening sockets until cancelled, each a task in `connections`, the service nursery:
    run this in the accept nursery, and a drain stops the one and leaves the other."""
    accepting = [trio.SocketListener(trio.socket.from_stdlib_socket(sock)) for sock in listeners]
    serve = partial(_serve, reactor, context, limits, choose)
    task_status.started()
    await trio.serve_listeners(serve, accepting, handler_nursery=connections)


async def _serve(reactor: Reactor, context: ssl.SSLContext, limits: Limits, choose: Choose, tcp: trio.SocketStream) -> None:
    """One connection from its accept to its end; nothing it meets leaves this task."""
    reactor.table.counters.accepted += 1
    heard = _Ear(reactor.table)
    tls = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
    stream = SharedStream(tls, heard)
    try:
        async with trio.open_nursery() as tasks:  # the connection's own: trio-websocket's reader, our writer
            began = trio.current_time()
            websocket = None
            with trio.move_on_after(limits.login_seconds):
                await tls.do_handshake()
                websocket, wire = await _accept(tasks, stream, limits, choose)
            if websocket is not None:
                seconds = trio.current_time() - began
                relay = RelayFraming(limits.first_frame_bytes)
                made: list[TlsConnection] = []
                make = partial(TlsConnection, reactor.table, limits, wire, relay, tasks.cancel_scope, seconds)
                await in_turn(reactor, lambda: made.append(make()))
                heard.connection = made[0]
                tasks.start_soon(_write, reactor, made[0], stream, websocket)
                await _read(reactor, made[0], websocket)
            tasks.cancel_scope.cancel()
    except* BROKEN:
        pass
    except* Exception:
        logger.exception("tls connection failed")
    finally:
        if heard.connection is not None:
            reactor.call(partial(heard.connection.lost, "gone"))
        await trio.aclose_forcefully(stream)


class _Ear:
    """Notes that a peer was heard: a pong that trio-websocket keeps to itself is a sign of life too."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.connection: TlsConnection | None = None

    def __call__(self, count: int) -> None:
        self._table.counters.bytes_in += count
        if count and self.connection is not None:
            self.connection.heard = self._table.now
            self.connection.probed = 0.0


async def _accept(
    tasks: trio.Nursery, stream: SharedStream, limits: Limits, choose: Choose
) -> tuple[WebSocketConnection, Wire]:
    """The upgrade, by trio-websocket; it negotiates no extension unless told to."""
    request = await wrap_server_stream(tasks, stream, max_message_size=limits.frame_bytes)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
    wire, subprotocol = choose(read_upgrade(request.path, headers, request.proposed_subprotocols))
    return await request.accept(subprotocol=subprotocol), wire


async def _read(reactor: Reactor, connection: TlsConnection, websocket: WebSocketConnection) -> None:
    """Hand messages on, one a turn, and none while the connection is paused."""
    while True:
        try:
            message = await websocket.get_message()  # its deadline is the sweep's: idle, or login
        except ConnectionClosed:
            if connection.state != OPEN:
                await trio.sleep(connection.limits.linger_seconds)  # the writer closes, and cancels us
            return
        connection.free = trio.Event()
        await in_turn(reactor, partial(connection.receive, message))
        if connection.paused:
            await connection.free.wait()


async def _write(reactor: Reactor, connection: TlsConnection, stream: SharedStream, websocket: WebSocketConnection) -> None:
    """Drain the outbox, and close when the farewell is out."""
    outbox, table, limits = connection.outbox, connection.table, connection.limits
    while True:
        while outbox.frames:
            data = outbox.take(WRITE_BYTES)
            with trio.move_on_after(limits.outbox_seconds) as writing:
                await stream.send_all(data)
            if writing.cancelled_caught:
                reactor.call(partial(connection.crowded, -1))
                return
            table.counters.bytes_out += len(data)
            outbox.moved = table.now
        table.unblock(outbox)
        if outbox.mode & FINAL:
            if connection.grace:
                await trio.sleep(connection.grace)
            with trio.move_on_after(limits.linger_seconds):
                await websocket.aclose(*connection.relay.closing)
            reactor.call(partial(connection.lost, ""))
            return
        await connection.waiting.wait()
        connection.waiting = trio.Event()


async def in_turn(reactor: Reactor, function: Callable[[], object]) -> None:
    """Run this in the reactor's next turn, and wait until it has run."""
    done = trio.Event()

    def run() -> None:
        try:
            function()
        finally:
            done.set()

    reactor.call(run)
    await done.wait()
