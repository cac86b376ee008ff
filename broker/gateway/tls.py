"""TLS connections: trio-websocket over `trio.SSLStream`, a task for each, on the same wires, outboxes and seam (DESIGN 2.4).

The law: whatever touches a connection's state runs in a turn of the reactor (`Reactor.call`), so TLS and plain connections
obey the same rules in the same order; here are only the waits, and their deadlines are the sweep's, by the gateway's clock.
trio-websocket keeps the handshake, pings, closing and reading; our frames go through the same stream, framed once for all
receivers, which is why the stream has a lock (style.md, "trio-websocket": 45 us a delivery instead of 53, 6.5 us in bursts).
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from broker.gateway.connection import CLOSED, OPEN
from broker.gateway.limits import Limits
from broker.gateway.outbox import FINAL
from broker.gateway.reactor import FULL_SECONDS, NO_DESCRIPTORS, Reactor
from broker.gateway.relay import RelayedConnection
from broker.gateway.upgrade import Choose, read_upgrade
from protocol.wires.wire import Wire

logger = logging.getLogger(__name__)
T = TypeVar("T")

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
    """A connection's stream that two tasks may write to, whole pieces each; not read while the connection is paused."""

    def __init__(self, stream: trio.abc.Stream, connection: RelayedConnection) -> None:
        self._stream = stream
        self._connection = connection
        self._lock = trio.Lock()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        async with self._lock:
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        async with self._lock:
            await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        await self._connection.wait_readable()
        data = await self._stream.receive_some(max_bytes)
        self._connection.hear(bytes(data))
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


async def serve_tls(
    reactor: Reactor,
    sock: socket.socket,
    context: ssl.SSLContext,
    limits: Limits,
    choose: Choose,
    connections: trio.Nursery,
) -> None:
    """Accept TLS connections on a bound, listening socket until cancelled, each a task in `connections`, the service
    nursery: run this in the accept nursery, and a drain stops the one and leaves the other."""
    make = partial(RelayedConnection, reactor.table, limits, reactor.wake)
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
    async with listener:
        while True:
            if reactor.full:
                await trio.sleep(FULL_SECONDS)
                continue
            try:
                tcp = await listener.accept()
            except OSError as error:
                if error.errno not in NO_DESCRIPTORS:
                    raise
                logger.warning("accepting rests why=%s door=tls", errno.errorcode[error.errno])
                await trio.sleep(FULL_SECONDS)
                continue
            try:
                connection = await in_turn(reactor, partial(enter, make, tcp))
            except BaseException:
                tcp.socket.close()  # a connection that was made all the same goes with the strangers
                raise
            if connection is None:
                tcp.socket.close()
                continue
            connections.start_soon(_serve, reactor, connection, context, choose, tcp)


def host_of(tcp: trio.SocketStream) -> str:
    try:
        return str(tcp.socket.getpeername()[0])
    except OSError:  # it has left already
        return ""


def enter(make: Callable[[], RelayedConnection], tcp: trio.SocketStream) -> RelayedConnection | None:
    """A connection of this peer, if its host may have one more."""
    connection = make()
    connection.sock, connection.host = tcp.socket, (host := host_of(tcp))
    crowds = connection.table.crowds
    address = crowds.addresses.read(host)
    if not crowds.enter(address):
        connection.lost("crowded")
        return None
    connection.address = address
    return connection


async def _serve(
    reactor: Reactor, connection: RelayedConnection, context: ssl.SSLContext, choose: Choose, tcp: trio.SocketStream
) -> None:
    """One connection from its accept to its end; nothing it meets leaves this task."""
    reactor.table.counters.accepted += 1
    tls = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
    stream = SharedStream(tls, connection)
    try:
        with connection.scope:
            async with trio.open_nursery() as tasks:  # the connection's own: trio-websocket's reader, our writer
                await tls.do_handshake()
                websocket, wire = await _accept(tasks, stream, connection.limits, choose)
                await in_turn(reactor, partial(connection.start, connection.relay, wire))
                tasks.start_soon(_write, reactor, connection, stream, websocket)
                await _read(reactor, connection, websocket)
                tasks.cancel_scope.cancel()
    except* BROKEN:
        pass
    except* UnicodeError as errors:  # header fields the library trusts to be text
        logger.info("upgrade not readable error=%s", errors.exceptions[0])
    except* Exception:
        logger.exception("tls connection failed")
    finally:
        reactor.call(partial(connection.lost, "gone"))
        await trio.aclose_forcefully(stream)


async def _accept(
    tasks: trio.Nursery, stream: SharedStream, limits: Limits, choose: Choose
) -> tuple[WebSocketConnection, Wire]:
    """The upgrade, by trio-websocket; it negotiates no extension unless told to."""
    request = await wrap_server_stream(tasks, stream, max_message_size=limits.frame_bytes)
    size = sum(len(name) + len(value) + 4 for name, value in request.headers)
    if len(request.headers) > limits.headers or size > limits.header_bytes:  # of more than 16 KiB the library keeps nothing
        await request.reject(431)
        raise trio.BrokenResourceError
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
    wire, subprotocol = choose(read_upgrade(request.path, headers, request.proposed_subprotocols))
    return await request.accept(subprotocol=subprotocol), wire


async def _read(reactor: Reactor, connection: RelayedConnection, websocket: WebSocketConnection) -> None:
    """Hand messages on, one a turn, the next when the last was taken."""
    while True:
        try:
            message = await websocket.get_message()  # its deadline is the sweep's: idle, or login
        except ConnectionClosed:
            if connection.state != OPEN:
                await trio.sleep_forever()  # the writer closes, or the sweep does, and either cancels us
            return
        await in_turn(reactor, partial(connection.receive, message))
        await connection.wait_taken()


async def _write(
    reactor: Reactor, connection: RelayedConnection, stream: SharedStream, websocket: WebSocketConnection
) -> None:
    """Drain the outbox, and close when the farewell is out. That this goes on is the sweep's to see."""
    outbox = connection.outbox
    while True:
        while outbox.frames:
            data = outbox.begin(WRITE_BYTES)
            await stream.send_all(data)
            if connection.state == CLOSED:
                return
            connection.sent(len(data))
        connection.table.unblock(outbox)
        if outbox.mode & FINAL:
            outbox.mode &= ~FINAL
            reactor.call(connection.written)
        if connection.shutting:
            await websocket.aclose(*connection.relay.closing)
            reactor.call(partial(connection.lost, ""))
            return
        await connection.waiting.wait()
        connection.waiting = trio.Event()


async def in_turn(reactor: Reactor, function: Callable[[], T]) -> T:
    """Run this in the reactor's next turn, and return what it returned."""
    done = trio.Event()
    results: list[T] = []

    def run() -> None:
        try:
            results.append(function())
        finally:
            done.set()

    reactor.call(run)
    await done.wait()
    return results[0]
