"""F32: a send whose answer was lost is repeated: one message, and the same answer, also after a restart."""

from __future__ import annotations

import random

import pytest
import trio

from tests.faults.crowd import Crowd
from tests.faults.ledger import Outcome
from tests.faults.proxy import Proxy, open_proxy
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

pytestmark = pytest.mark.F32


@pytest.mark.parametrize("restart", [False, True], ids=["same broker", "after a kill"])
async def test_a_repeated_send_is_answered_as_the_first_would_have_been(host: Host, restart: bool) -> None:
    host.broker()
    async with open_proxy(host.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}"
        async with json_peer(host.url) as ann:
            await ann.login("ann")
            async with json_peer(url) as tom:
                await tom.login("tom", device_id="d")
                first = await tom.ok("msg.send", to="ann", type=-1, text="zero", client_msg_id="k0")
                proxy.answers = False
                send = {"conv_id": first["conv_id"], "type": -1, "text": "once", "client_msg_id": "k1"}
                await tom.put({"type": "msg.send", "id": 99, "data": send})
                heard = [await ann.push("msg.new") for _ in range(2)]
                proxy.cut()
        if restart:
            host.kill()
            host.broker()
            proxy.target = host.port
        proxy.answers = True
        async with json_peer(url) as tom:
            await tom.login("tom", device_id="d")
            for _ in range(2):
                again = await tom.ok("msg.send", **send)
                assert (again["seq"], again["msg_id"]) == (heard[1]["seq"], heard[1]["msg_id"])
            history = (await tom.ok("msg.history", conv_id=first["conv_id"]))["messages"]
        assert [message["text"] for message in history] == ["zero", "once"]


async def test_connections_reset_again_and_again_cost_and_repeat_nothing(host: Host) -> None:
    """At random moments, in the middle of frames and between a commit and its answer."""
    host.broker()
    async with open_proxy(host.port) as sockets, open_proxy(host.tcp_port) as framed:
        crowd = Crowd(host)
        await crowd.gather()
        host.url, host.tcp_port = f"ws://127.0.0.1:{sockets.port}", framed.port
        for _ in range(12):
            await talk_and_lose(crowd, sockets, framed)
        await crowd.check()
        assert len(crowd.ledger.of(Outcome.OK)) > 100


async def talk_and_lose(crowd: Crowd, *proxies: Proxy) -> None:
    async with trio.open_nursery() as nursery:
        talking = await nursery.start(talk, crowd)
        await trio.sleep(random.uniform(0.03, 0.2))
        for proxy in proxies:
            proxy.answers = random.random() < 0.5
        await trio.sleep(random.uniform(0, 0.02))
        while not talking.is_set():  # who was late to connect is cut off in the next turn
            for proxy in proxies:
                proxy.cut()
            await trio.sleep(0.02)
    for proxy in proxies:
        proxy.answers = True


async def talk(crowd: Crowd, task_status: trio.TaskStatus[trio.Event]) -> None:
    over = trio.Event()
    task_status.started(over)
    await crowd.talk_until_lost()
    over.set()
