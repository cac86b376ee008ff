"""Connections by address: who is counted under what, and what happens to one too many."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from broker.gateway.addresses import Addresses
from tests.broker.gateway.conftest import Client, WebSocketClient, running

PROXIES = ("127.0.0.0/8", "::1", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", ""),
        ("::ffff:127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("", ""),
    ],
)
def test_under_what_a_host_counts(host: str, name: str) -> None:
    assert Addresses(1, PROXIES).read(host) == name


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is what the client itself claims
        ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("10.1.2.3", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_whom_a_proxy_names(field: str, name: str) -> None:
    assert Addresses(1, PROXIES).forwarded(field) == name


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", ""]))))
def test_no_address_has_more_than_it_may_and_all_slots_come_back(moves: list[tuple[bool, str]]) -> None:
    addresses = Addresses(2, ())
    inside: list[str] = []
    for comes, name in moves:
        if comes:
            assert addresses.enter(name) == (not name or inside.count(name) < 2)
            if not name or inside.count(name) < 2:
                inside.append(name)
        elif name in inside:
            inside.remove(name)
            addresses.leave(name)
    for name in inside:
        addresses.leave(name)
    assert all(addresses.enter(name) and addresses.enter(name) for name in ("a", "b"))


@given(st.text(max_size=60))
def test_no_field_breaks_it(field: str) -> None:
    Addresses(1, PROXIES).forwarded(field)


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
