"""The door of the admin API: its listening socket, who comes in through it, and Hypercorn behind it.

The law: every connection is counted from its accept to its end, in all and under its address; nothing about an idle one
escapes the count. At the limit of all (`connections`) nobody is accepted: who comes waits in the backlog until somebody
leaves, which strangers do within `head_seconds`. One too many of an address (`connections_per_address`) is told 429 and
closed; a proxy that is trusted is not counted by address, its own limits hold for those behind it.

Hypercorn 0.18 serves whatever its listener accepts, so the accept loop is ours and each connection is its.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, LifespanState
from hypercorn.utils import wrap_app

from adminapi.connection import Connection
from adminapi.metrics import Metrics
from adminapi.settings import Settings
from protocol.addresses import Addresses
from protocol.clients.manager import take_sockets
from protocol.crowds import Crowds, spare_descriptors
from protocol.settings import BadSettings, address

log = logging.getLogger("adminapi.door")

BACKLOG = 256
REST_SECONDS = 0.1
SELDOM_SECONDS = 60.0
"""Between two lines that say that nobody is accepted."""
NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
REFUSALS = 32
"""Told at once that they are too many; beyond it they are closed without a word."""
REFUSAL_SECONDS = 1.0
BODY = b'{"code":429,"error":"Too many connections from this address (connections_per_address)."}'
CROWDED = (
    b"HTTP/1.1 429 \r\ncontent-type: application/json\r\nretry-after: 10\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


def listening(text: str) -> socket.socket:
    """The socket the service manager passed, else one at `host:port`. BadSettings, in a sentence, if there is none."""
    passed = [sock for socks in take_sockets().values() for sock in socks]
    if len(passed) == 1:
        return passed[0]
    if passed:
        raise BadSettings(f"the service manager passed {len(passed)} sockets; the admin API takes one")
    host, port = address(text, "[admin] listen")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(found[0], socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(found[4])
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise BadSettings(f"[admin] listen {text}: {error.strerror or error}; free it or set another") from None
    sock.listen(BACKLOG)
    return sock


class Door:
    """Of one listening socket, which becomes its own to close."""

    def __init__(self, sock: socket.socket, settings: Settings, metrics: Metrics) -> None:
        # Hypercorn waits for ever for a peer that does not read; the kernel does not, and accepted sockets inherit this.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.stalled_seconds * 1000))
        self._listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
        self._crowds = Crowds(settings.connections_per_address, Addresses(settings.trusted_proxies))
        self._most = settings.connections or spare_descriptors()
        self._count = self._refusing = 0
        self._metrics = metrics
        self._told_at = -SELDOM_SECONDS
        self._config = configured(settings)
        self._context = self._config.create_ssl_context()

    def renew(self) -> None:
        """Whoever connects from now on sees the certificate that the files hold now. OSError if they hold none."""
        if self._context is not None:
            file = str(self._config.certfile)
            self._context.load_cert_chain(file, str(self._config.keyfile), password="")
            log.info("certificate read again file=%s", file)

    async def serve(self, app: Any, told_to_stop: Callable[[], Awaitable[object]]) -> None:
        """Until `told_to_stop` returns and requests in flight have had `graceful_seconds`."""
        config, state = self._config, LifespanState({})
        context = WorkerContext(None)
        wrapped = wrap_app(app, config.wsgi_max_body_size, "asgi")
        lifespan = Lifespan(wrapped, config, state)
        there: set[Connection] = set()

        async def run(stream: Any) -> None:
            connection = Connection(wrapped, config, context, ConnectionState(state.copy()), stream)
            there.add(connection)
            try:
                await connection.run()
            finally:
                there.remove(connection)

        async with trio.open_nursery() as living:
            await living.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(self._accept, run, connections)
                    try:
                        await told_to_stop()
                    finally:
                        accepting.cancel_scope.cancel()
                await context.terminated.set()
                for connection in there:
                    connection.end_idle()
                connections.cancel_scope.deadline = trio.current_time() + config.graceful_timeout
            await lifespan.wait_for_shutdown()
            living.cancel_scope.cancel()

    async def _accept(self, run: Callable[[Any], Awaitable[None]], connections: trio.Nursery) -> None:
        async with self._listener:
            while True:
                if self._count >= self._most:
                    await self._rest("limit")
                    continue
                try:
                    stream = await self._listener.accept()
                except OSError as error:
                    if error.errno not in NO_DESCRIPTORS:
                        raise
                    await self._rest(errno.errorcode[error.errno])
                    continue
                address = self._crowds.addresses.read(host_of(stream))
                if self._crowds.enter(address):
                    self._counted(1)
                    connections.start_soon(self._run, run, stream, address)
                else:
                    self._metrics.crowded()
                    connections.start_soon(self._refuse, stream)

    async def _rest(self, why: str) -> None:
        if trio.current_time() - self._told_at >= SELDOM_SECONDS:
            self._told_at = trio.current_time()
            log.warning("accepting rests why=%s connections=%d", why, self._count)
        await trio.sleep(REST_SECONDS)

    async def _run(self, run: Callable[[Any], Awaitable[None]], stream: trio.SocketStream, address: str) -> None:
        """One connection, from its accept to its end."""
        try:
            if self._context is None:
                await run(stream)
            else:
                await run(trio.SSLStream(stream, self._context, server_side=True, https_compatible=True))
        except Exception:  # a bug of ours or of Hypercorn's ends this connection alone
            log.exception("connection failed peer=%s", host_of(stream))
        finally:
            self._crowds.leave(address)
            self._counted(-1)
            await trio.aclose_forcefully(stream)

    def _counted(self, more: int) -> None:
        self._count += more
        self._metrics.connections(self._count)

    async def _refuse(self, stream: trio.SocketStream) -> None:
        """Say why, where that needs no handshake; a socket closed over unread input would take the words with it."""
        self._refusing += 1
        try:
            if self._context is None and self._refusing <= REFUSALS:
                with trio.move_on_after(REFUSAL_SECONDS):
                    await stream.send_all(CROWDED)
                    await stream.send_eof()
                    while await stream.receive_some(65_536):
                        pass
        except trio.BrokenResourceError:
            pass
        finally:
            self._refusing -= 1
            await trio.aclose_forcefully(stream)


def host_of(stream: trio.SocketStream) -> str:
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:  # it has left already
        return ""


def configured(settings: Settings) -> Config:
    config = Config()
    config.certfile, config.keyfile = settings.tls_cert or None, settings.tls_key or None
    config.graceful_timeout = settings.graceful_seconds
    config.keep_alive_timeout = config.ssl_handshake_timeout = settings.head_seconds
    config.h11_max_incomplete_size = config.h2_max_header_list_size = settings.header_bytes
    config.include_server_header = False
    config.errorlog = logging.getLogger("adminapi.hypercorn")
    config.errorlog.setLevel(logging.WARNING)
    return config
