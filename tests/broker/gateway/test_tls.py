"""TLS connections: the same wires, limits and endings."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trustme
from websockets.frames import Opcode

from broker.gateway.listeners import address_of, bind_tcp
from broker.gateway.tls import serve_tls, server_context
from protocol.errors import CloseReason
from tests.broker.gateway.conftest import SECONDS, Broker, WebSocketClient, running

AUTHORITY = trustme.CA()


class TlsBroker:
    """A broker under test with a TLS door as well."""

    def __init__(self, broker: Broker, port: int) -> None:
        self.broker = broker
        self.port = port

    async def connect(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.broker.streams.append(stream)
        return stream

    async def client(self, login: bool = True, headers: str = "") -> WebSocketClient:
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        tcp = await self.connect()
        stream = trio.SSLStream(tcp, context, server_hostname="127.0.0.1", https_compatible=True)
        client = WebSocketClient(stream, "/x?token=abc", headers)
        await client.begin()
        if login:
            await client.send(b"login")
            assert await client.receive() == b"ok login"
        return client


@asynccontextmanager
async def tls_running(folder: Path, **settings: float) -> AsyncIterator[tuple[Broker, TlsBroker]]:
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert"))
    context = server_context(str(folder / "cert"), str(folder / "key"))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    async with trio.open_nursery() as nursery, running(**settings) as broker:
        sockets = bind_tcp("127.0.0.1", 0)
        await nursery.start(serve_tls, broker.reactor, sockets, context, broker.limits, broker.choose, nursery)
        yield broker, TlsBroker(broker, address_of(sockets[0])[1])
        nursery.cancel_scope.cancel()


async def test_login_echo_push_and_kick(tmp_path: Path) -> None:
    async with tls_running(tmp_path) as (broker, tls):
        client = await tls.client(headers="Sec-WebSocket-Protocol: parley.v1\r\n")
        assert b"parley.v1" in client.response
        assert broker.upgrades[0].token == "abc"
        await client.send(*[b"echo %d" % number for number in range(20)])
        assert [await client.receive() for _ in range(20)] == [b"ok echo %d" % number for number in range(20)]
        (session,) = broker.core.sessions()
        broker.post([session], b"hello" * 30_000)
        assert await client.receive() == b"hello" * 30_000
        broker.kick(session, CloseReason.REPLACED)
        assert await client.receive() == b"bye replaced"
        assert await client.close_code() == 4001
        await broker.until(lambda: broker.core.departed == [session])
        assert broker.reactor.statistics().closed == {"replaced": 1}


async def test_a_peer_that_leaves_is_gone_and_one_that_fails_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with tls_running(tmp_path) as (broker, tls):
        plain = await tls.connect()
        await plain.send_all(b"GET / HTTP/1.1\r\n\r\n")
        leaving, closing = await tls.client(), await tls.client()
        leaving.stream.transport_stream.socket.close()
        await closing.stream.send_all(closing.frame(b"\x03\xe8", Opcode.CLOSE))
        assert await closing.close_code() == 1000
        await broker.until(lambda: sorted(broker.core.departed) == sorted(broker.core.sessions()))
        assert broker.reactor.statistics().closed == {"gone": 2}
    assert caplog.text == ""


async def test_a_push_reaches_plain_and_tls_receivers_alike(tmp_path: Path) -> None:
    async with tls_running(tmp_path) as (broker, tls):
        clients = [await tls.client(), await broker.client(), await tls.client()]
        broker.post(broker.core.sessions(), b"hello")
        for client in clients:
            assert await client.receive() == b"hello"


async def test_before_login_a_large_frame_is_closed_1009(tmp_path: Path) -> None:
    async with tls_running(tmp_path) as (_, tls):
        client = await tls.client(login=False)
        await client.send(b"x" * 5000)
        assert await client.close_code() == 1009


async def test_a_hello_that_never_comes_ends_at_the_login_deadline(tmp_path: Path) -> None:
    async with tls_running(tmp_path, login_seconds=0.2) as (broker, tls):
        silent = await tls.connect()
        with trio.fail_after(SECONDS):
            assert await silent.receive_some() == b""
        client = await tls.client(login=False)
        assert await client.receive() == b"bye login_timeout"
        assert await client.close_code() == 4503
        assert broker.core.departed == []


async def test_a_slow_reader_is_cut(tmp_path: Path) -> None:
    async with tls_running(tmp_path, outbox_bytes=100_000) as (broker, tls):
        await tls.client()
        (session,) = broker.core.sessions()
        while not broker.core.departed:
            broker.post([session], b"x" * 20_000)
            await trio.sleep(0.001)
        assert broker.reactor.statistics().closed == {"slow": 1}


async def test_a_bug_in_a_wire_ends_one_connection(tmp_path: Path) -> None:
    async with tls_running(tmp_path) as (_, tls):
        failing, other = await tls.client(), await tls.client()
        await failing.send(b"boom")
        assert await failing.receive() == b"bye internal"
        assert await failing.close_code() == 1011
        await other.send(b"echo x")
        assert await other.receive() == b"ok echo x"
