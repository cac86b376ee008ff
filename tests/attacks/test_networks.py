"""What bad networks do, and who fakes them: silence without an end, resets anywhere, a byte at a time (F17, F18, F19)."""

from __future__ import annotations

import pytest
import trio

from tests.attacks.strangers import UPGRADE, descriptors, login, masked, put, reset, stranger
from tests.faults.proxy import open_proxy
from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer

CYCLES = 600


@pytest.mark.F17
async def test_who_is_gone_without_a_word_neither_blocks_his_login_nor_stays(host: Host) -> None:
    """F17: the cable is out, nobody is told. The user comes back at once on another way; the dead connections end."""
    host.configure(sockets={"ping_seconds": 0.6, "pong_seconds": 0.6})
    host.broker()
    async with open_proxy(host.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}"
        async with json_peer(url) as lost, json_peer(url) as other, json_peer(host.url) as back:
            await lost.login("tom", device_id="phone")
            await other.login("ann", device_id="phone")
            proxy.answers = proxy.requests = False
            with trio.fail_after(5):
                await back.login("tom", device_id="phone")
                await back.ok("msg.send", to="ann", type=-1, text="are you there?")
            for gone in (lost, other):
                with trio.fail_after(10):
                    await gone.end()
            await back.ok("ping")
    async with json_peer(host.url) as ann:
        await ann.login("ann", device_id="phone")
        (state,) = (await ann.ok("sync"))["conversations"]
        assert state["unread"] == 1


@pytest.mark.F18
async def test_resets_at_any_point_leave_nothing_behind(host: Host) -> None:
    """F18: 600 connections reset between and inside head, frame and login; descriptors as before, no traceback."""
    broker = host.broker()
    whole = UPGRADE + login("eve") + masked(0x81, b'{"type":"sync","id":2,"data":{}}')
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        before = descriptors(broker.process.pid)
        for number in range(CYCLES):
            async with stranger(host.port) as stream:
                await put(stream, whole[: number * 7 % (len(whole) + 1)])
                if number % 3:
                    with trio.move_on_after(0.002):
                        await stream.receive_some(1)
                reset(stream)
        with trio.fail_after(10):
            while descriptors(broker.process.pid) > before:
                await trio.sleep(0.02)
        await tom.ok("ping")
    assert not [line for line in broker.lines if "Traceback" in line or " ERROR " in line]


@pytest.mark.F19
async def test_a_byte_at_a_time_everything_is_understood_in_order(host: Host) -> None:
    """F19: both ways, on WebSocket and framed TCP, thirty requests at once."""
    host.broker()
    async with open_proxy(host.port) as websocket, open_proxy(host.tcp_port) as framed:
        websocket.piece = framed.piece = 1
        async with json_peer(f"ws://127.0.0.1:{websocket.port}") as tom, framed_peer(framed.port) as ann:
            await tom.login("tom")
            await ann.login("ann")
            first = await tom.ok("msg.send", to="ann", type=-1, text="é0")
            for number in range(1, 30):
                data = {"conv_id": first["conv_id"], "type": -1, "text": f"é{number}"}
                await tom.put({"type": "msg.send", "id": 100 + number, "data": data})
            assert [(await ann.push("msg.new"))["text"] for _ in range(30)] == [f"é{number}" for number in range(30)]
