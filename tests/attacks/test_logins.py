"""Logins as weapons: races, kick loops, and storms of passwords (F31)."""

from __future__ import annotations

from contextlib import AsyncExitStack

import httpx
import pytest
import trio

from tests.attacks.strangers import pulse
from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer

LOGINS = {"app_id": "666666", "client_id": "tom", "device_id": "phone"}


@pytest.mark.F31
async def test_two_who_keep_kicking_each_other_are_stopped(host: Host) -> None:
    """F31: after five swaps in a minute the later login is refused, with a time to wait; who is in stays in."""
    host.broker()
    async with AsyncExitStack() as stack:
        inside = await stack.enter_async_context(framed_peer(host.tcp_port))
        await inside.login("tom", device_id="phone")
        for _ in range(5):
            peer = await stack.enter_async_context(framed_peer(host.tcp_port))
            await peer.login("tom", device_id="phone")
            assert await inside.end() is None
            await trio.aclose_forcefully(inside.stream)  # as a client does that is alive
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
