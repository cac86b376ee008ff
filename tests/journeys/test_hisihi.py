"""A school's back office on the hisihi API: its groups are everybody's, its notices reach the sockets, its signatures are
what the broker checks, and what it has applied for or marked outlives the broker."""

from __future__ import annotations

import base64
import time

import trio

from protocol.signatures import Action, action_signed
from tests.journeys.programs import APP, Host
from tests.journeys.test_back_office import data, office
from tests.journeys.wire import json_peer

MASTER = str(APP["master_key"])
BEARER = {"Authorization": f"Bearer {MASTER}"}
GROUP = {
    "group_name": "666",
    "member_client_ids": "o12:u232:p23",
    "organization_id": 2,
    "conversation_id": "",
    "group_avatar": "http://pic.hisihi.com/232rwfrqw.jpg",
    "admin_uid": "o12",
    "description": "群描述信息",
}


async def test_a_school_moves_in(host: Host) -> None:
    host.configure(hisihi={"app": "666666"})
    host.broker()
    host.admin()
    basic = base64.b64encode(f"666666:{MASTER}".encode()).decode()
    async with (
        office(host, BEARER) as school,
        office(host, {"X-LC-Id": "666666", "X-LC-Key": f"{MASTER},master"}) as leancloud,
        office(host, {"Authorization": f"Basic {basic}"}) as jmessage,
        office(host) as native,
        json_peer(host.url) as admin,
        json_peer(host.url) as pupil,
    ):
        await admin.login("o12")
        await pupil.login("u232", ext={"nickname": "LEE", "organization_id": 2})
        made = await school.post("/v1/im/group", json=GROUP)
        assert made.status_code == 201, made.text
        group, conversation = made.json()["group_id"], made.json()["conversation_id"]
        joined = (await pupil.push("conv.joined"))["conv_id"]
        added = (await pupil.push("system.new"))["content"]
        assert (added["_lctype"], added["_lctext"]) == (1, "o12、LEE、p23 加入群聊")
        assert added["_lcattrs"]["sys_message_type"] == "added_to_group"
        assert (added["_lcattrs"]["gid"], added["_lcattrs"]["conversation_id"]) == (group, conversation)
        # One conversation, by every name.
        assert (await leancloud.get(f"/1.2/rtm/conversations/{conversation}/members")).json() == ["o12", "u232", "p23"]
        (row,) = (await leancloud.get("/1.2/rtm/conversations", params={"where": '{"organization_id":2}'})).json()["results"]
        assert (row["objectId"], row["name"], row["description"]) == (conversation, "666", "群描述信息")
        found = (await jmessage.get(f"/v1/groups/{group}")).json()
        assert (found["gid"], found["owner_username"], found["group_name"]) == (group, "o12", "666")
        assert data(await native.get(f"/im/conversations/{joined}/members")) == ["o12", "u232", "p23"]
        # And what the others do to it is seen here.
        assert (await jmessage.post("/v1/users/", json=[{"username": "c555", "password": "secret"}])).status_code == 201
        change = {"add": ["c555"], "remove": ["p23"]}
        assert (await jmessage.post(f"/v1/groups/{group}/members", json=change)).status_code == 204
        await leancloud.put(f"/1.2/rtm/conversations/{conversation}", json={"description": "new"})
        seen = (await school.get(f"/im/group/{group}", params={"client_id": "c555"})).json()
        assert seen["is_exist_in_group"] is True
        assert [(each["client_id"], each["nickname"], each["is_admin"]) for each in seen["data"]["group_member_info"]] == [
            ("o12", "o12", 1), ("u232", "LEE", 0), ("c555", "c555", 0),
        ]  # fmt: skip
        assert (seen["data"]["group_info"]["description"], seen["data"]["group_info"]["level"]) == ("new", 1000)
        contacts = (await school.get("/im/org/2/contacts")).json()["data"]
        assert [(each["id"], each["type"], each["name"]) for each in contacts] == [
            (group, "group", "666"),
            (232, "user", "LEE"),
        ]
        # Messages flow as in any group.
        await pupil.ok("msg.send", conv_id=joined, type=-1, text="hello")
        assert (await admin.push("msg.new"))["text"] == "hello"
        # The notices of an application, a removal and the end go to those they concern.
        path = f"/im/user/c77/group/{group}/join_group_notification"
        answer = await school.post(path)
        assert (answer.status_code, answer.json()) == (201, {"message": "已为您提交加群申请"})
        while (notice := (await admin.push("system.new"))["content"])["_lcattrs"][
            "sys_message_type"
        ] != "user_join_group_apply":
            pass
        assert notice["_lcattrs"]["uid"] == "c77"
        assert (await school.delete(f"/im/group/{group}/member/u232")).status_code == 204
        assert (await pupil.push("system.new"))["content"]["_lcattrs"]["sys_message_type"] == "removed_from_group"
        assert (await school.delete(f"/im/group/{group}/member/o12")).json()["code"] == 1008
        assert (await school.post("/v1/im/org/7/message")).status_code == 201

    # Applications, marks and limits are on the disk before they are acknowledged.
    host.kill()
    host.broker()
    async with office(host, BEARER) as school, json_peer(host.url) as admin:
        waiting = f"/-/api/apps/666666/conversations/{conversation}/join-requests"
        with trio.fail_after(20):
            while (await school.get("/-/ready")).status_code != 200:
                await trio.sleep(0.05)
        listed = await school.get(waiting)
        assert [each["user"] for each in listed.json()["requests"]] == ["c77"]
        assert (await school.post("/im/org/7/message")).json()["code"] == 7007
        await admin.login("o12")
        added_now = await school.post(f"/im/group/{group}/member", json={"member_client_ids": "c77"})
        assert added_now.json() == {"group_id": group, "member_client_ids": "c77"}
        assert (await school.get(waiting)).json() == {"requests": []}
        assert (await school.post(path)).json() == {"code": 7009, "message": "用户已在该群组中"}
        assert (await school.delete(f"/im/user/c77/group/{group}")).json()["code"] == 1008
        assert (await school.delete(f"/im/user/o12/group/{group}")).status_code == 204
        types = []
        while "group_been_dismissed" not in types:
            types.append((await admin.push("system.new"))["content"]["_lcattrs"]["sys_message_type"])
        assert (await school.get(f"/im/group/{group}")).json()["code"] == 7003


async def test_signatures_are_those_the_broker_checks_and_take_the_master_key(host: Host) -> None:
    host.broker()
    host.admin()
    async with office(host, BEARER) as school, office(host, {}) as stranger, office(host) as key:
        path = "/im/signature/invite/666666/c2/3/c4:c5"
        signed = (await school.get(path)).json()
        at = action_signed(
            MASTER, signed["signature"], round(time.time() * 1000), Action.INVITE, "666666", "c2", signed["timestamp"],
            signed["nonce"], conversation="3", members="c4:c5",
        )  # fmt: skip
        assert at == int(signed["timestamp"]) * 1000
        for refused in (await stranger.get(path), await key.get(path)):
            assert (refused.status_code, refused.json()["code"]) == (401, 1005)
        assert (await key.get("/im/groups")).status_code == 200
        assert (await school.get("/im/groups")).json()["code"] == 1005


async def test_an_app_may_keep_the_habit_of_the_document(host: Host) -> None:
    host.configure({**APP, "hisihi_unsigned": True}, hisihi={"app": "666666"})
    host.broker()
    host.admin()
    async with office(host, {}) as anybody:
        assert (await anybody.post("/im/group", json=GROUP)).status_code == 201
        assert (await anybody.get("/v1/im/groups")).json()["total_count"] == 1
        assert len((await anybody.get("/im/signature/login/666666/3")).json()["signature"]) == 40
