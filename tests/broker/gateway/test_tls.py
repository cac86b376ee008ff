"""TLS connections: the same wires, limits and endings."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trustme
from websockets.frames import Opcode

from broker.gateway.listeners import address_of, bind_tcp
from broker.gateway.tls import serve_tls, server_context
from protocol.errors import CloseReason
from tests.broker.gateway.conftest import SECONDS, Broker, Clock, WebSocketClient, running

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

    async def client(self, login: bool = True, headers: str = "", begin: bool = True) -> WebSocketClient:
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        tcp = await self.connect()
        stream = trio.SSLStream(tcp, context, server_hostname="127.0.0.1", https_compatible=True)
        client = WebSocketClient(stream, "/x?token=abc", headers)
        if not begin:
            return client
        await client.begin()
        if login:
            await client.send(b"login")
            assert await client.receive() == b"ok login"
        return client


@asynccontextmanager
async def tls_running(
    folder: Path, clock: Clock | None = None, **settings: float
) -> AsyncIterator[tuple[Broker, TlsBroker]]:
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert"))
    context = server_context(str(folder / "cert"), str(folder / "key"))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    async with trio.open_nursery() as nursery, running(clock=clock, **settings) as broker:
        (sock,) = bind_tcp("127.0.0.1", 0)
        nursery.start_soon(serve_tls, broker.reactor, sock, context, broker.limits, broker.choose, nursery)
        yield broker, TlsBroker(broker, address_of(sock)[1])
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
        await broker.until(lambda: broker.reactor.statistics().closed == {"replaced": 1})


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
        await broker.until(lambda: broker.reactor.statistics().closed == {"gone": 3})
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


@pytest.mark.F16
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


async def test_connections_count_from_their_accept_on(tmp_path: Path) -> None:
    async with tls_running(tmp_path, connections=2) as (broker, tls):
        silent, _, waiting = [await tls.connect() for _ in range(3)]
        await broker.until(lambda: broker.reactor.full)
        with trio.move_on_after(0.3):
            await broker.until(lambda: broker.reactor.statistics().accepted > 2)
        assert broker.reactor.statistics().accepted == 2
        await silent.aclose()
        await broker.until(lambda: broker.reactor.statistics().accepted == 3)
        await waiting.aclose()


async def test_requests_of_a_paused_connection_wait_and_are_all_answered(tmp_path: Path) -> None:
    async with tls_running(tmp_path) as (broker, tls):
        client = await tls.client()
        broker.core.paused = True
        await client.send(*[b"send %d" % number for number in range(20)])
        await broker.until(lambda: bool(broker.reactor.table.senders))
        broker.core.paused = False
        broker.reactor.wake()
        assert [await client.receive() for _ in range(20)] == [b"ok send %d" % number for number in range(20)]


async def pass_seconds(broker: Broker, clock: Clock, seconds: float, true: Callable[[], bool]) -> None:
    """Time passes for the gateway alone, in steps it does not take for a standstill, until this is so."""
    for _ in range(int(seconds / 0.5)):
        turns = broker.reactor.statistics().turns
        clock.offset += 0.5
        await broker.until(lambda turns=turns: broker.reactor.statistics().turns > turns + 1)
        if true():
            return
    raise AssertionError(f"not within {seconds} s")


async def test_deadlines_are_judged_by_the_gateways_clock(tmp_path: Path) -> None:
    clock = Clock()
    async with tls_running(tmp_path, clock, login_seconds=60, outbox_seconds=60) as (broker, tls):
        silent = await tls.connect()
        await broker.until(lambda: broker.reactor.statistics().connections == 1)
        clock.offset += 3_600  # the machine stood still: nobody is cut off for that
        await broker.until(lambda: broker.reactor.statistics().late_max > 3_000)
        assert broker.reactor.statistics().connections == 1
        await pass_seconds(broker, clock, 62, lambda: not broker.reactor.statistics().connections)
        assert await silent.receive_some() == b""
        await tls.client()  # reads no more from here on
        broker.post(broker.core.sessions(), b"x" * 900_000)
        for _ in range(8):
            broker.post(broker.core.sessions(), b"x" * 900_000)
            await broker.until(lambda: not broker.core.outgoing)
            if broker.reactor.table.blocked:
                break
        await pass_seconds(broker, clock, 62, lambda: bool(broker.core.departed))
        assert broker.reactor.statistics().closed["slow"] == 1


@pytest.mark.F26
async def test_a_message_in_too_many_pieces_is_closed_1009(tmp_path: Path) -> None:
    async with tls_running(tmp_path, fragments=8) as (_, tls):
        client, patient = await tls.client(), await tls.client()
        pieces = [patient.frame(b"", Opcode.CONT, fin=False)] * 6
        whole = [patient.frame(b"echo", Opcode.TEXT, fin=False), *pieces, patient.frame(b" x", Opcode.CONT)]
        await patient.stream.send_all(b"".join(whole * 3))
        assert [await patient.receive() for _ in range(3)] == [b"ok echo x"] * 3
        await client.stream.send_all(client.frame(b"echo", Opcode.TEXT, fin=False) + b"".join(pieces * 2))
        assert await client.close_code() == 1009


async def test_who_floods_with_pings_is_not_read_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    async with tls_running(tmp_path, clock) as (broker, tls):
        client = await tls.client(login=False)
        await client.send(b"login 5")
        assert await client.receive() == b"ok login 5"
        await client.stream.send_all(client.frame(b"", Opcode.PING) * 2000 + client.frame(b"echo x"))
        await broker.until(lambda: bool(broker.reactor.table.resting))
        assert len(broker.core.submitted) == 1
        await pass_seconds(broker, clock, 60, lambda: len(broker.core.submitted) == 2)
        assert await client.receive() == b"ok echo x"


@pytest.mark.parametrize("host", [b"", b"Host: \xff\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a b\r\n"])
async def test_a_bad_upgrade_costs_its_sender_the_connection_and_us_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: bytes
) -> None:
    async with tls_running(tmp_path, linger_seconds=0.2, login_seconds=0.5) as (_, tls):
        client = await tls.client(begin=False)
        await client.stream.send_all(client.request.replace(b"Host: x\r\n", host))
        await client.closed()
    assert "Traceback" not in caplog.text
