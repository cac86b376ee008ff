"""Connections by address: what happens to one too many."""

from __future__ import annotations

import pytest
import trio

from tests.broker.gateway.conftest import Client, WebSocketClient, running


@pytest.mark.parametrize("framed", [False, True])
async def test_one_too_many_of_an_address_is_closed_and_a_slot_comes_back(framed: bool) -> None:
    async with running(connections_per_address=2, trusted_proxies=()) as broker:
        first, second = [await broker.client(framed) for _ in range(2)]
        stream = await broker.connect(framed)
        with trio.fail_after(5):
            assert await ended(stream)
        first.reset()
        await broker.until(lambda: len(broker.reactor.table.connections) == 1)
        third = await broker.client(framed)
        await third.send(b"echo a")
        assert await third.receive() == b"ok echo a"
        await second.send(b"echo b")
        assert await second.receive() == b"ok echo b"


async def test_behind_a_proxy_each_of_its_clients_is_counted() -> None:
    async with running(connections_per_address=1) as broker:
        clients: list[Client] = []
        for host in ("203.0.113.1", "203.0.113.2"):
            client = WebSocketClient(await broker.connect(), headers=f"X-Forwarded-For: {host}\r\n")
            await client.begin()
            clients.append(client)
        refused = await broker.connect()
        await refused.send_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n"
        )
        with trio.fail_after(5):
            assert (await refused.receive_some()).startswith(b"HTTP/1.1 429 ")
        for client in clients:
            await client.send(b"login")
            assert await client.receive() == b"ok login"


async def ended(stream: trio.SocketStream) -> bool:
    try:
        return await stream.receive_some() == b""
    except trio.BrokenResourceError:
        return True
