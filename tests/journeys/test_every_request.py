"""Every request type and every push of SOCKET.md, on WebSocket with JSON, WebSocket with CBOR, and framed TCP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest

from tests.journeys.programs import Host
from tests.journeys.wire import Peer, cbor_peer, framed_peer, json_peer

Open = Callable[[Host], AbstractAsyncContextManager[Peer]]
WIRES: dict[str, Any] = {
    "json": lambda host: json_peer(host.url, subprotocols=["parley.v1"]),
    "cbor": lambda host: cbor_peer(host.url + "/any/path"),
    "framed": lambda host: framed_peer(host.tcp_port),
}


@pytest.mark.parametrize("wire", WIRES)
async def test_the_whole_protocol(host: Host, wire: str) -> None:
    host.broker()
    async with AsyncExitStack() as stack:
        tom, ann, bob = [await stack.enter_async_context(WIRES[wire](host)) for _ in range(3)]
        login = await tom.login("tom", device_id="phone", ext={"nickname": "Tom"})
        assert set(login) >= {"time", "session_token", "client_id", "device_id"}
        await ann.login("ann")
        await bob.login("bob")
        assert isinstance((await tom.ok("ping"))["time"], int)
        await users_and_friends(tom, ann)
        await presence(tom, ann, bob)
        conversation = await conversations(tom, ann, bob)
        await messages(tom, ann, bob, conversation)
        await rights(tom, ann, bob, conversation)
        await rooms(tom, ann)
        await tom.ok("logout")
        assert await tom.end() in (1000, None)


async def users_and_friends(tom: Peer, ann: Peer) -> None:
    assert (await ann.ok("user.get", client_id="tom"))["attributes"] == {"nickname": "Tom"}
    changed = await tom.ok("user.update", attributes={"city": "Oslo", "nickname": None})
    assert changed["attributes"] == {"city": "Oslo"}
    assert (await tom.ok("user.get"))["client_id"] == "tom"
    assert await tom.refused("user.get", client_id="nobody") == 211
    await tom.ok("friend.add", client_id="ann")
    (friend,) = (await ann.ok("friend.list"))["friends"]
    assert (friend["client_id"], friend["online"]) == ("tom", True)
    await ann.ok("friend.remove", client_id="tom")
    assert (await tom.ok("friend.list"))["friends"] == []


async def presence(tom: Peer, ann: Peer, bob: Peer) -> None:
    assert (await tom.ok("presence.query", client_ids=["ann", "nobody"]))["online"] == ["ann"]
    assert (await ann.ok("presence.subscribe", client_ids=["tom", "cat"]))["online"] == ["tom"]
    await ann.ok("presence.unsubscribe", client_ids=["cat"])


async def conversations(tom: Peer, ann: Peer, bob: Peer) -> str:
    made = await tom.ok("conv.create", conv_type=3, to_client_ids=["ann"], name="team", conv_extend={"colour": "red"})
    assert made["created"] is True
    assert made["conv_extend"] == {"colour": "red", "name": "team"}
    conversation = str(made["conv_id"])
    assert (await ann.push("conv.joined")) == {"conv_id": conversation, "by": "tom"}
    got = await ann.ok("conv.get", conv_id=conversation)
    assert (got["name"], got["conv_type"], got["client_num"], got["conv_creater_id"]) == ("team", 3, 2, "tom")
    added = await tom.ok("conv.members.add", conv_id=conversation, client_ids=["bob", "nobody"])
    assert added["allowed"] == ["bob"]
    assert [(each["client_id"], each["code"]) for each in added["failed"]] == [("nobody", 211)]
    assert (await bob.push("conv.joined"))["conv_id"] == conversation
    assert (await ann.push("conv.members_joined"))["client_ids"] == ["bob"]
    await tom.ok("conv.update", conv_id=conversation, name="crew", conv_extend={"colour": "blue"})
    updated = await ann.push("conv.updated")
    assert (updated["name"], updated["conv_extend"], updated["by"]) == ("crew", {"colour": "blue", "name": "crew"}, "tom")
    page = await bob.ok("conv.list", page=1, size=5, where=[["conv_type", "=", 3]])
    assert [each["conv_id"] for each in page["data"]] == [conversation]
    members = (await tom.ok("conv.members", conv_id=conversation))["client_ids"]
    assert [(each["client_id"], each["online"]) for each in members] == [("tom", True), ("ann", True), ("bob", True)]
    return conversation


async def messages(tom: Peer, ann: Peer, bob: Peer, conversation: str) -> None:
    sent = await tom.ok(
        "msg.send",
        conv_id=conversation,
        type=-1,
        text="hello @ann",
        attr={"k": [1]},
        mention_client_ids=["ann"],
        client_msg_id="c1",
        receipt=True,
    )
    assert (sent["conv_id"], sent["seq"]) == (conversation, 1)
    new = await ann.push("msg.new")
    assert new == {
        "from_client": "tom",
        "conv_id": conversation,
        "msg_id": sent["msg_id"],
        "ctime": sent["time"],
        "type": -1,
        "text": "hello @ann",
        "attr": '{"k":[1]}',
        "url": "null",
        "transient": "0",
        "mention_all": 0,
        "mention_client_ids": '["ann"]',
        "seq": 1,
        "client_msg_id": "c1",
    }
    again = await tom.ok("msg.send", conv_id=conversation, type=-1, text="hello @ann", client_msg_id="c1")
    assert again == sent
    state = await ann.ok("sync")
    (one,) = [each for each in state["conversations"] if each["conv_id"] == conversation]
    assert (one["unread"], one["mentioned"], one["last_seq"], one["first_seq"]) == (1, True, 1, 1)
    await ann.ok("msg.ack", conv_id=conversation, seq=1)
    assert (await ann.ok("msg.read", conv_id=conversation, seq=1))["unread"] == 0
    receipt = await tom.push("msg.receipt")
    assert (receipt["conv_id"], receipt["client_id"], receipt["delivered_seq"]) == (conversation, "ann", 1)
    readers = await tom.ok("msg.readers", conv_id=conversation, msg_id=sent["msg_id"])
    assert (readers["read"], readers["unread"]) == (["ann"], ["bob"])
    await tom.ok("msg.edit", conv_id=conversation, msg_id=sent["msg_id"], text="hello all")
    edited = await ann.push("msg.edited")
    assert (edited["msg_id"], edited["seq"], edited["text"]) == (sent["msg_id"], 1, "hello all")
    assert await ann.refused("msg.recall", conv_id=conversation, msg_id=sent["msg_id"]) == 4005
    await tom.ok("msg.recall", conv_id=conversation, msg_id=sent["msg_id"])
    assert (await bob.push("msg.recalled"))["seq"] == 1
    after = await ann.ok("sync", cursor=state["cursor"])
    assert [(patch["seq"], patch["kind"]) for patch in after["patches"]][-1] == (1, "recalled")
    assert after["reset"] is False
    typing = await tom.ok("msg.send", conv_id=conversation, type=-1, text="typing", transient=1)
    assert typing["seq"] == 0
    assert (await ann.push("msg.new"))["transient"] == "1"
    page = await bob.ok("msg.history", conv_id=conversation)
    assert [(row["seq"], row["msg_status"]) for row in page["messages"]] == [(1, 3)]
    direct = await ann.ok("msg.send", to="bob", type=7, attr={"custom": True})
    types = [(await bob.push("msg.new"))["type"] for _ in range(2)]
    assert types == [-1, 7]
    assert direct["seq"] == 1


async def rights(tom: Peer, ann: Peer, bob: Peer, conversation: str) -> None:
    assert await ann.refused("conv.mute", conv_id=conversation, client_id="bob") == 4005
    await tom.ok("conv.mute", conv_id=conversation, client_id="bob", ttl=60)
    assert (await bob.push("conv.muted"))["client_id"] == "bob"
    assert await bob.refused("msg.send", conv_id=conversation, type=-1, text="x") == 4012
    await tom.ok("conv.unmute", conv_id=conversation, client_id="bob")
    assert (await bob.push("conv.unmuted"))["client_id"] == "bob"
    await bob.ok("conv.leave", conv_id=conversation)
    left = await ann.push("conv.members_left")
    assert (left["client_ids"], left["by"]) == (["bob"], "bob")
    assert await bob.refused("msg.send", conv_id=conversation, type=-1, text="x") == 4013
    await tom.ok("conv.members.remove", conv_id=conversation, client_ids=["ann"])
    assert (await ann.push("conv.left"))["conv_id"] == conversation
    assert await ann.refused("conv.delete", conv_id=conversation) == 4013
    await tom.ok("conv.members.add", conv_id=conversation, client_ids=["ann"])
    await tom.ok("conv.delete", conv_id=conversation)
    assert (await ann.push("conv.deleted"))["conv_id"] == conversation
    assert await tom.refused("conv.get", conv_id=conversation) == 4011


async def rooms(tom: Peer, ann: Peer) -> None:
    room = (await tom.ok("conv.create", conv_type=4, to_client_ids=[], name="lobby"))["conv_id"]
    seen = await ann.ok("conv.get", conv_id=room)
    assert (seen["name"], seen["client_num"]) == ("lobby", 1)
    await ann.ok("conv.join", conv_id=room)
    assert (await tom.push("conv.members_joined"))["client_ids"] == ["ann"]
    await ann.ok("msg.send", conv_id=room, type=-1, text="hi")
    assert (await tom.push("msg.new"))["text"] == "hi"
    assert await tom.refused("conv.create", conv_type=9, to_client_ids=[]) == 4405
    assert await tom.refused("conv.create", conv_type=1, to_client_ids=["ann", "bob"]) == 4405
