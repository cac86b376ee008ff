"""A second login on the same device ends the first: farewell, close code 4001, and no message after it."""

from __future__ import annotations

import pytest
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer


async def test_the_old_session_is_told_and_closed_and_the_new_one_goes_on(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as old, json_peer(host.url) as new, json_peer(host.url) as ann:
        await ann.login("ann")
        await old.login("tom", device_id="phone")
        await new.login("tom", device_id="phone")
        kick = await old.push("logout.kick")
        assert (kick["reason"], kick["device_id"]) == ("replaced", "phone")
        await ann.ok("msg.send", to="tom", type=-1, text="who is there?")
        assert (await new.push("msg.new"))["text"] == "who is there?"
        assert await old.end() == 4001
        assert not [push for push in old.pushes if push["type"] == "msg.new"]


async def test_other_devices_stay(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as phone, json_peer(host.url) as tablet:
        await phone.login("tom", device_id="phone")
        await tablet.login("tom", device_id="tablet")
        assert (await phone.ok("presence.query", client_ids=["tom"]))["online"] == ["tom"]
        await tablet.ok("logout")
        assert await tablet.end() == 1000
        assert (await phone.ok("presence.query", client_ids=["tom"]))["online"] == ["tom"]


@pytest.mark.F31
async def test_fifty_logins_at_once_leave_one_session(host: Host) -> None:
    host.broker()
    codes: list[int | None] = []

    async def one() -> None:
        async with json_peer(host.url) as peer:
            frame = await peer.request("login", app_id="666666", client_id="tom", device_id="d")
            if frame["type"] == "login.success":
                with trio.move_on_after(3):
                    codes.append(await peer.end())
                    return
                codes.append(0)  # still here
            else:
                assert frame["code"] == 4010
                codes.append(4010)

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(one)
    assert codes.count(0) == 1
    assert set(codes) <= {0, 4001, 4010}


async def test_a_session_token_outlives_a_restart_and_keeps_its_device(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as peer:
        token = (await peer.login("tom", device_id="phone"))["session_token"]
    assert host.stop() == 0
    host.broker()
    async with json_peer(host.url) as peer, framed_peer(host.tcp_port) as other:
        assert (await peer.login("tom", session_token=token))["device_id"] == "phone"
        await other.login("tom", device_id="phone")
        assert await peer.end() == 4001
