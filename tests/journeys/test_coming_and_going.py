"""Presence, absence and restarts: what others see, what a client catches up on, and how the broker says it will be back."""

from __future__ import annotations

import signal
import time

import pytest
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer


async def test_presence_is_told_once_and_does_not_flicker(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as ann:
        await ann.login("ann")
        await ann.ok("presence.subscribe", client_ids=["tom"])
        async with json_peer(host.url) as tom:
            await tom.login("tom", device_id="d")
            (change,) = (await ann.push("presence.changed"))["changes"]
            assert (change["client_id"], change["online"]) == ("tom", True)
            async with json_peer(host.url) as again:
                await again.login("tom", device_id="d")
                await tom.end()
                with trio.move_on_after(2.5):
                    await ann.push("presence.changed")
                    raise AssertionError("presence flickered")
                await again.ok("logout")
        (change,) = (await ann.push("presence.changed"))["changes"]
        assert (change["client_id"], change["online"]) == ("tom", False)


@pytest.mark.F17
async def test_a_silent_peer_is_asked_and_then_given_up(host: Host) -> None:
    host.configure(sockets={"ping_seconds": 0.5, "pong_seconds": 0.5})
    host.broker()
    async with framed_peer(host.tcp_port) as silent, framed_peer(host.tcp_port) as alive:
        await silent.login("silent")
        await alive.login("alive")
        assert (await silent.take())["type"] == "ping"
        with trio.move_on_after(2.0):
            while True:
                if (await alive.take())["type"] == "ping":
                    await alive.put({"type": "ping"})
        await silent.end()
        await alive.ok("ping")


async def test_a_websocket_library_that_answers_pings_by_itself_is_alive(host: Host) -> None:
    host.configure(sockets={"ping_seconds": 0.3, "pong_seconds": 0.3})
    host.broker()
    async with json_peer(host.url) as peer:
        await peer.login("tom")
        await trio.sleep(1.5)
        await peer.ok("ping")


async def test_whoever_was_away_finds_everything(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann:
        await tom.login("tom")
        await ann.login("ann")
        first = await tom.ok("msg.send", to="ann", type=-1, text="1")
        conversation = first["conv_id"]
        cursor = (await ann.ok("sync"))["cursor"]
        await ann.ok("logout")
        for n in range(2, 6):
            await tom.ok("msg.send", conv_id=conversation, type=-1, text=str(n))
        await tom.ok("msg.edit", conv_id=conversation, msg_id=first["msg_id"], text="one")
        group = (await tom.ok("conv.create", conv_type=3, to_client_ids=["ann"], name="new"))["conv_id"]
    host.kill()
    host.broker()
    async with json_peer(host.url) as ann:
        await ann.login("ann")
        told = await ann.ok("sync", cursor=cursor)
        assert told["reset"] is False
        states = {state["conv_id"]: state for state in told["conversations"]}
        assert set(states) == {conversation, group}
        assert (states[conversation]["unread"], states[conversation]["last_seq"]) == (5, 5)
        assert [(patch["seq"], patch["kind"], patch["text"]) for patch in told["patches"]] == [(1, "edited", "one")]
        page = await ann.ok("msg.history", conv_id=conversation)
        assert [message["text"] for message in page["messages"]] == ["one", "2", "3", "4", "5"]
        assert (await ann.ok("sync", cursor=told["cursor"]))["conversations"] == []


async def test_history_has_no_hole_where_store_and_journal_meet(host: Host) -> None:
    host.configure(store={"write_seconds": 0.01})
    host.broker()
    async with framed_peer(host.tcp_port) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        for n in range(1, 400):
            await tom.ok("msg.send", conv_id=conversation, type=-1, text=str(n))
            if n % 20 == 0:
                page = await tom.ok("msg.history", conv_id=conversation, limit=100)
                assert [message["seq"] for message in page["messages"]] == list(range(max(1, n - 99), n + 1))


async def test_a_stop_says_when_to_come_back_and_loses_nothing(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        sent = await tom.ok("conv.create", conv_type=3, to_client_ids=[])
        await tom.ok("msg.send", conv_id=sent["conv_id"], type=-1, text="last words")
        began = time.monotonic()
        host.running.signal(signal.SIGTERM)
        assert (await tom.push("going.away"))["retry_after_ms"] > 0
        assert await tom.end() == 4501
    assert host.running.wait() == 0
    assert time.monotonic() - began < 2.5
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        page = await tom.ok("msg.history", conv_id=sent["conv_id"])
        assert [message["text"] for message in page["messages"]] == ["last words"]


async def test_apps_of_the_file_are_read_again_on_sighup(host: Host) -> None:
    host.broker()
    fresh = {"id": "fresh", "key": "k", "master_key": "m", "secret": "s", "token_required": False}
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        host.configure(fresh)
        host.running.signal(signal.SIGHUP)
        assert (await tom.push("logout.kick"))["reason"] == "kicked"
    async with json_peer(host.url) as peer:
        await peer.login("tom", app="fresh")
    host.config.write_text("[nonsense")
    host.running.signal(signal.SIGHUP)
    host.running.wait_line("settings not reloaded")
    async with json_peer(host.url) as peer:
        await peer.login("tom", app="fresh")


def test_two_brokers_do_not_share_a_directory(host: Host) -> None:
    host.broker()
    second = host.start("-m", "broker")
    assert second.wait() == 78
    assert "another broker uses" in second.lines[-1]
