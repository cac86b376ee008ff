"""One set of data: what one dialect makes, the others and the sockets see."""

from __future__ import annotations

import base64

import httpx

from tests.journeys.programs import Host
from tests.journeys.test_back_office import data, office
from tests.journeys.wire import json_peer


async def test_a_user_and_a_group_of_jmessage_are_everybodys(host: Host) -> None:
    host.broker()
    host.admin()
    basic = base64.b64encode(b"666666:the-master-key").decode()
    async with (
        office(host, {"Authorization": f"Basic {basic}"}) as jmessage,
        office(host) as native,
        json_peer(host.url) as tommy,
        json_peer(host.url) as anna,
    ):
        made: httpx.Response = await jmessage.post(
            "/v1/users/", json=[{"username": "tommy", "password": "secret1"}, {"username": "anna", "password": "secret2"}]
        )
        assert (made.status_code, made.json()) == (201, [{"username": "tommy"}, {"username": "anna"}])
        await tommy.login("tommy", password="secret1")
        await anna.login("anna", password="secret2")
        group = {"owner_username": "tommy", "group_name": "team", "members_username": ["anna"], "group_desc": "us"}
        created = await jmessage.post("/v1/groups/", json=group)
        assert created.status_code == 201
        joined = await anna.push("conv.joined")
        members = data(await native.get(f"/im/conversations/{joined['conv_id']}/members"))
        assert sorted(members) == ["anna", "tommy"]
        said = {
            "version": 1,
            "target_type": "group",
            "target_id": str(created.json()["gid"]),
            "from_type": "user",
            "from_id": "tommy",
            "msg_type": "text",
            "msg_body": {"text": "from JMessage"},
        }
        assert (await jmessage.post("/v1/messages", json=said)).status_code == 200
        assert (await anna.push("msg.new"))["text"] == "from JMessage"
        page = data(await native.get(f"/im/conversations/{joined['conv_id']}/message"))
        assert [row["text"] for row in page["data"]] == ["from JMessage"]
        await anna.ok("msg.send", conv_id=joined["conv_id"], type=-1, text="from a socket")
        assert (await tommy.push("msg.new"))["text"] == "from JMessage"
        assert (await tommy.push("msg.new"))["text"] == "from a socket"
        assert (await jmessage.delete("/v1/users/anna")).status_code == 204
        assert (await anna.push("logout.kick"))["reason"] == "deleted"


async def test_a_conversation_of_leancloud_is_everybodys(host: Host) -> None:
    host.broker()
    host.admin()
    keys = {"X-LC-Id": "666666", "X-LC-Key": "the-master-key,master"}
    async with (
        office(host, keys) as leancloud,
        office(host) as native,
        json_peer(host.url) as tom,
        json_peer(host.url) as ann,
    ):
        await tom.login("tom")
        await ann.login("ann")
        made = await leancloud.post("/1.2/rtm/conversations", json={"name": "First", "m": ["tom", "ann"], "colour": "red"})
        assert made.status_code == 200
        base = f"/1.2/rtm/conversations/{made.json()['objectId']}"
        joined = (await ann.push("conv.joined"))["conv_id"]
        got = await ann.ok("conv.get", conv_id=joined)
        assert (got["name"], got["conv_extend"]) == ("First", {"colour": "red", "name": "First"})
        said = '{"_lctype":-1,"_lctext":"from LeanCloud","_lcattrs":{"k":1}}'
        sent = (await leancloud.post(f"{base}/messages", json={"from_client": "tom", "message": said})).json()
        new = await ann.push("msg.new")
        assert (new["text"], new["attr"], new["type"]) == ("from LeanCloud", '{"k":1}', -1)
        await leancloud.post(f"{base}/mutes", json={"client_id": "ann", "ttl": 60})
        assert (await leancloud.get(f"{base}/mutes")).json() == ["ann"]
        assert await ann.refused("msg.send", conv_id=joined, type=-1, text="x") == 4012
        await leancloud.delete(f"{base}/mutes", params={"client_id": "ann"})
        await ann.ok("msg.send", conv_id=joined, type=-1, text="from a socket")
        recall = {"from_client": "tom", "timestamp": sent["timestamp"]}
        answer = await leancloud.post(f"{base}/messages/{sent['msg-id']}/recall", json=recall)
        assert answer.json() == {"result": {}}
        assert (await ann.push("msg.recalled"))["conv_id"] == joined
        page = data(await native.get(f"/im/conversations/{joined}/message"))
        assert [(row["text"], row["msg_status"]) for row in page["data"]] == [("from a socket", 1), (None, 3)]
        assert (await leancloud.get(f"{base}/members")).json() == ["tom", "ann"]
        assert (await leancloud.delete(base)).json() == {}
        assert (await ann.push("conv.deleted"))["conv_id"] == joined
