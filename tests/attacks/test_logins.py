"""Logins as weapons: races, kick loops, and storms of passwords (F31)."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import trio

from tests.attacks.strangers import UPGRADE, masked, pulse, put, stranger
from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer

LOGINS = {"app_id": "666666", "client_id": "tom", "device_id": "phone"}


@pytest.mark.F31
@pytest.mark.parametrize("closes", [True, False])
async def test_two_who_keep_kicking_each_other_are_stopped(host: Host, closes: bool) -> None:
    """F31: after five swaps in a minute the later login is refused, with a time to wait; who is in stays in. A loser who
    leaves his connection open was there too."""
    host.broker()
    async with AsyncExitStack() as stack:
        inside = await stack.enter_async_context(framed_peer(host.tcp_port))
        await inside.login("tom", device_id="phone")
        for _ in range(5):
            peer = await stack.enter_async_context(framed_peer(host.tcp_port))
            await peer.login("tom", device_id="phone")
            assert await inside.end() is None
            if closes:
                await trio.aclose_forcefully(inside.stream)
            else:
                await trio.sleep(0.6)  # two sweeps
            inside = peer
        await trio.sleep(0.1)
        peer = await stack.enter_async_context(framed_peer(host.tcp_port))
        answer = await peer.request("login", **LOGINS)
        assert (answer["code"], answer["data"]["retry_after_ms"] > 0) == (4010, True)
        await inside.ok("ping")


@pytest.mark.F31
async def test_a_storm_of_passwords_starves_nobody(host: Host) -> None:
    """Hashing is bounded: 250 logins with a wrong password at once; each is answered, refused or put off, and a session that
    is there goes on meanwhile. After it the right password is let in."""
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, headers={"Authorization": "Bearer the-master-key"}) as http:
        made = await http.put("/-/api/apps/666666/users/tom", json={"password": "right one"})
        assert made.status_code == 200, made.text
    codes: list[int] = []

    async def guess(number: int) -> None:
        async with json_peer(host.url) as peer:
            answer = await peer.request("login", **{**LOGINS, "password": f"wrong {number}"})
            codes.append(answer["code"])

    async with pulse(host.url) as beats:
        async with trio.open_nursery() as nursery:
            for number in range(250):
                nursery.start_soon(guess, number)
        async with json_peer(host.url) as peer:
            await peer.login("tom", password="right one")
    beats.check()
    assert len(codes) == 250
    assert len(set(codes)) <= 2, set(codes)  # wrong, or too many at once


@pytest.mark.F31
async def test_guessing_passwords_is_slow_and_the_right_one_never_waits(host: Host) -> None:
    """F31, F37: twenty guesses of one address, one after the other; ten are answered at once, each further one waits. The
    right password is let in meanwhile, from that very address."""
    host.configure(sockets={"wrong_proof_seconds": 3.0})
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, headers={"Authorization": "Bearer the-master-key"}) as http:
        made = await http.put("/-/api/apps/666666/users/tom", json={"password": "right one"})
        assert made.status_code == 200, made.text
    answered: list[float] = []
    began = trio.current_time()

    async def guess(number: int) -> None:
        answer = await said_from("203.0.113.9", {**LOGINS, "password": f"wrong {number}"})
        assert answer["code"] != 0
        answered.append(trio.current_time() - began)

    async def said_from(address: str, data: dict[str, str]) -> dict[str, Any]:
        async with stranger(host.port) as stream:
            head = UPGRADE.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: " + address.encode() + b"\r\n\r\n")
            await put(stream, head + masked(0x81, json.dumps({"type": "login", "id": 1, "data": data}).encode()))
            said = b""
            with trio.fail_after(20):
                while b'"id":1' not in said.replace(b" ", b""):
                    said += await stream.receive_some(4096)
            return dict(json.loads(said[said.index(b"{") : said.rindex(b"}") + 1]))

    for number in range(10):
        await guess(number)
    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(guess, number)
        right = await said_from("203.0.113.9", {**LOGINS, "password": "right one"})
        assert right["type"] == "login.success"
        assert len(answered) == 10
    assert min(answered[10:]) - max(answered[:10]) >= 2.9
