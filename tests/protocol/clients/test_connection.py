"""A client's connection: addresses, whole frames whatever becomes of who sends them, and ends that are told apart."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
import trustme
from trio.testing import wait_all_tasks_blocked

from protocol.clients import connection as connection_module
from protocol.clients.connection import Address, address_of, encode, open_connection
from protocol.clients.trio import Client, ConnectionLost, Waits, open_client

QUICK = Waits(connect=5, request=5, send=5, idle=5, backoff_first=0.01, backoff_most=0.02)
BLOB = "x" * 1_000_000
BLOBS = 16
"""So many are more than the kernel takes for a peer that does not read."""


def opened(server: Any, **more: Any) -> Any:
    return open_client(server.url, app="demo", user="alice", sync=False, **({"waits": QUICK} | more))


@asynccontextmanager
async def not_reading(server: Any, client: Client) -> AsyncIterator[None]:
    """In here the server takes nothing from the connection there is."""
    release = trio.Event()

    async def hold(peer: Any, request: Any) -> None:
        await release.wait()

    server.handlers["hold"] = hold
    for _ in range(3):  # the first is being served, the second waits behind it, and the third in the way of all bytes
        assert await client.tell("hold")
    await wait_all_tasks_blocked()
    yield
    release.set()


@pytest.mark.parametrize("encoding", ["json", "cbor"])
async def test_a_request_cancelled_in_the_middle_of_its_frame_harms_nobody(server: Any, encoding: str) -> None:
    server.handlers["small"] = lambda peer, request: peer.answer(request, fine=True)
    answers: list[Any] = []
    async with opened(server, encoding=encoding) as client, trio.open_nursery() as others:

        async def ask() -> None:
            answers.append(await client.request("small"))

        async with not_reading(server, client):
            others.start_soon(ask)
            async with trio.open_nursery() as impatient:
                for _ in range(BLOBS):
                    impatient.start_soon(partial(client.request, "large", blob=BLOB))
                await wait_all_tasks_blocked(0.05)
                others.start_soon(ask)
                impatient.cancel_scope.cancel()  # none of them waits for the server to read, or this would not end
        await ask()
    assert answers == [{"fine": True}] * 3
    assert 0 < len(server.asked("large")) < BLOBS
    assert len(server.peers) == 1


async def test_a_server_that_takes_nothing_is_left_for_a_new_connection(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "WRITE_SECONDS", 0.1)
    async with opened(server) as client:
        lost = 0

        async def ask() -> None:
            nonlocal lost
            with pytest.raises(ConnectionLost):
                await client.request("large", blob=BLOB)
            lost += 1

        async with not_reading(server, client):
            with trio.fail_after(5):
                async with trio.open_nursery() as nursery:
                    for _ in range(BLOBS):
                        nursery.start_soon(ask)
                await client.request("ping")
    assert lost == BLOBS
    assert len(server.peers) == 2


async def test_what_was_told_goes_out_before_the_farewell(server: Any) -> None:
    async with opened(server) as client:
        for number in range(50):
            assert await client.tell("msg.read", seq=number)
    with trio.fail_after(5):
        await server.peers[0].gone.wait()
    assert server.asked("msg.read") == [{"seq": number} for number in range(50)]
    assert server.peers[0].socket.closed.code == 1000


async def test_a_frame_handed_over_in_the_last_moment_goes_out(server: Any) -> None:
    for number in range(20):  # who runs first after the handing over is left to chance
        async with open_connection(address_of(server.url), True, trio.current_time() + 5) as connection:
            assert await connection.write(encode({"type": "last", "data": {"n": number}}, True))
        with trio.fail_after(5):
            await server.peers[number].gone.wait()
    assert server.asked("last") == [{"n": number} for number in range(20)]


async def test_an_answer_larger_than_we_take_is_not_the_fault_of_the_request(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "MESSAGE_BYTES", 1000)
    server.handlers["conv.list"] = lambda peer, request: peer.answer(request, blob="x" * 1000)
    async with opened(server) as client:
        with pytest.raises(ConnectionLost, match="the server sent a frame of more than 1000 bytes"):
            await client.request("conv.list")


def test_an_address_says_where_and_what_to_ask_for() -> None:
    assert address_of("ws://127.0.0.1:7700") == Address(
        url="ws://127.0.0.1:7700", secure=False, host="127.0.0.1", port=7700, authority="127.0.0.1:7700", resource="/"
    )
    assert address_of("wss://u@Chat.example/x%20y?a=b#c") == Address(
        url="wss://u@Chat.example/x%20y?a=b#c",
        secure=True,
        host="chat.example",
        port=443,
        authority="Chat.example",
        resource="/x%20y?a=b",
    )
    assert (address_of("ws://[::1]:7").host, address_of("ws://[fe80::1%eth0]").port) == ("::1", 80)
    assert address_of("ws://bücher.example").host == "bücher.example"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("127.0.0.1:7700", "ws://"),
        ("http://x", "ws://"),
        ("ws://", "ws://"),
        ("", "ws://"),
        ("ws://h:x", "[Pp]ort"),
        ("ws://h:99999", "[Pp]ort"),
        ("ws://[::1", "IPv6"),
        ("ws://a..b", "name of a host"),
        ("ws://h/ü", "percent"),
        ("ws://h/?a b", "percent"),
    ],
)
async def test_a_url_that_is_none_is_refused_at_once(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        async with open_client(url, app="a", user="b"):
            raise AssertionError("connected")


async def test_a_certificate_nobody_signed_is_named(nursery: trio.Nursery) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def greet(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()

    (listener,) = await nursery.start(partial(trio.serve_ssl_over_tcp, greet, 0, context, host="127.0.0.1"))
    port = listener.transport_listener.socket.getsockname()[1]
    with pytest.raises(ConnectionLost, match=r"the TLS handshake failed \(.*certificate.*\)\.$"):
        async with open_client(f"wss://127.0.0.1:{port}", app="a", user="b"):
            raise AssertionError("connected")


async def test_a_server_without_tls_is_named(server: Any) -> None:
    with pytest.raises(ConnectionLost, match=r"the TLS handshake failed \(.+\)\.$"):
        async with open_client(server.url.replace("ws:", "wss:"), app="a", user="b"):
            raise AssertionError("connected")
