"""HI-05 to HI-08: groups are made, adopted, renamed and ended, and who has to know is told (HI-26)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from protocol.commands import (
    BanUser,
    Block,
    CreateConversation,
    GetConversation,
    GetUser,
    ImportConversations,
    ImportedConversation,
    ListUsers,
    SendSystem,
    UpdateConversation,
)
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.adminapi.dialects.hisihi.conftest import APP, GROUP, IDS, OTHER, Office


def info(office: Office, number: int) -> Any:
    return office.manage(GetConversation(conversation=number)).conversation


async def make(office: Office, **fields: Any) -> Any:
    return await office.ok("POST", "/im/group", 201, json={**GROUP, **fields})


@pytest.mark.parametrize("root", ["/im", "/v1/im"])
async def test_hi05_create(office: Office, root: str) -> None:
    answer = await office.ok("POST", f"{root}/group", 201, json=GROUP)
    number = answer["group_id"]
    assert type(number) is int
    assert answer == {**GROUP, "group_id": number, "conversation_id": IDS.hex24(number)}
    made = info(office, number)
    assert (made.kind, made.name, made.owner, made.creator, made.most) == (Kind.GROUP, "666", "o12", "o12", 1000)
    assert orjson.loads(made.attributes) == {
        "group_avatar": GROUP["group_avatar"], "organization_id": 2, "description": "群描述信息",
    }  # fmt: skip
    assert office.members(number) == {"o12": 2, "u232": 0, "p23": 0}


@pytest.mark.parametrize(
    ("fields", "members"),
    [
        ({"member_client_ids": ["c1", "c2"]}, ["o12", "c1", "c2"]),
        ({"member_client_ids": "c1:c1:o12"}, ["o12", "c1"]),
        ({"member_client_ids": ""}, ["o12"]),
        ({"member_client_ids": []}, ["o12"]),
        ({"conversation_id": None}, ["o12", "u232", "p23"]),
        ({"conversation_id": 0}, ["o12", "u232", "p23"]),
        ({"organization_id": "2"}, ["o12", "u232", "p23"]),
        ({"description": "", "group_avatar": ""}, ["o12", "u232", "p23"]),
        ({"description": "two\nlines"}, ["o12", "u232", "p23"]),
    ],
)
async def test_hi05_members_and_empty_fields(office: Office, fields: dict[str, Any], members: list[str]) -> None:
    answer = await make(office, **fields)
    assert list(office.members(answer["group_id"])) == members
    assert answer["organization_id"] == 2
    given = fields.get("member_client_ids", GROUP["member_client_ids"])
    expected = given if isinstance(given, list) else list(dict.fromkeys(filter(None, given.split(":"))))
    assert answer["member_client_ids"] == ":".join(expected)
    for field in ("description", "group_avatar"):
        assert answer[field] == fields.get(field, GROUP[field])


async def test_hi05_users_of_other_dialects_are_named_as_they_are_and_others_made(office: Office) -> None:
    office.user("Tom@x.com", nickname="Tom")
    answer = await make(office, member_client_ids="Tom@x.com:c77")
    assert list(office.members(answer["group_id"])) == ["o12", "Tom@x.com", "c77"]
    assert office.manage(GetUser(user="Tom@x.com")).user.attributes == b'{"nickname":"Tom"}'
    # What is no id of the seed's form makes nobody.
    assert await office.refused("POST", "/im/group", json={**GROUP, "member_client_ids": "Ann"}) == (404, 1001)
    assert isinstance(office.manage(GetUser(user="Ann")), Refused)
    assert len(office.script.hub(APP.id).tables.conversations) == 1


async def test_hi05_more_members_than_a_group_may_have_is_7000_and_makes_nothing(office: Office) -> None:
    crowd = ":".join(f"c{n}" for n in range(1000))  # and the admin
    assert await office.refused("POST", "/im/group", json={**GROUP, "member_client_ids": crowd}) == (400, 7000)
    assert (await office.ok("GET", "/im/groups"))["total_count"] == 0
    assert "c0" not in office.script.hub(APP.id).tables.users


async def test_hi05_everybody_in_the_new_group_is_told(office: Office) -> None:
    office.user("c1", nickname="LEE")
    office.online("c1", "o12", "c99")
    answer = await make(office, member_client_ids="c1:c2")
    expected = {
        "_lctype": 1,
        "_lctext": "o12、LEE、c2 加入群聊",
        "_lcattrs": {
            "message_info": "o12、LEE、c2 加入群聊",
            "sys_message_type": "added_to_group",
            "uid": "o12",
            "gid": answer["group_id"],
            "type": "group",
            "conversation_id": answer["conversation_id"],
            "member_client_ids": ["o12", "c1", "c2"],
        },
    }
    assert office.notices("c1") == [expected]
    assert office.notices("o12") == [expected]
    assert office.notices("c99") == []


@pytest.mark.parametrize("form", ["hex24", "hex32", "integer", "digits"])
async def test_hi05_a_conversation_that_is_a_group_is_adopted(office: Office, form: str) -> None:
    number = office.group("tom", "c1", name="old", colour="red", description="old")
    given: object = {"hex24": IDS.hex24(number), "hex32": IDS.hex32(number), "integer": number}.get(form, str(number))
    office.online("c1", "tom")
    answer = await make(office, conversation_id=given, member_client_ids="c1:c2")
    assert (answer["group_id"], answer["conversation_id"]) == (number, IDS.hex24(number))
    found = info(office, number)
    assert (found.name, found.owner, found.creator) == ("666", "o12", "tom")
    assert orjson.loads(found.attributes) == {
        "colour": "red", "group_avatar": GROUP["group_avatar"], "organization_id": 2, "description": "群描述信息",
    }  # fmt: skip
    assert office.members(number) == {"tom": 0, "c1": 0, "o12": 2, "c2": 0}
    for user in ("c1", "tom"):
        (notice,) = office.notices(user)
        assert notice["_lcattrs"]["member_client_ids"] == ["o12", "c2"]
    # Once more changes nothing and tells nobody of somebody new.
    await make(office, conversation_id=given, member_client_ids="c1:c2")
    assert office.members(number) == {"tom": 0, "c1": 0, "o12": 2, "c2": 0}
    assert office.notices("c1") == []


async def test_a_group_from_leancloud_is_called_by_the_id_it_had(office: Office) -> None:
    """HI-05, HI-11, HI-16, HI-26: the school's own tables know no other."""
    old = "5a5b1c2d3e4f5a6b7c8d9e0f"
    group = ImportedConversation(old, False, "old", b'{"organization_id":2}', "c1", ("c1", "c2"), 1516074032814)
    assert office.manage(ImportConversations(conversations=(group,))).made == 1
    office.online("c1")
    answer = await make(office, conversation_id=old, member_client_ids="c1:c3")
    assert answer["conversation_id"] == old
    (notice,) = office.notices("c1")
    assert notice["_lcattrs"]["conversation_id"] == old
    for path in ("/im/org/2/groups", "/im/groups", "/im/user/c1/groups"):
        answer = await office.ok("GET", path)
        assert [row["conversation_id"] for row in answer["data"]] == [old]
    assert (await office.ok("GET", f"/im/group/{old}"))["data"]["group_info"]["conversation_id"] == old


async def test_hi05_what_cannot_be_adopted(office: Office) -> None:
    number = office.group("c1", "c2")
    room = office.manage(CreateConversation(kind=Kind.ROOM, members=()), user="c1").conversation.id
    foreign = office.group("c1", app=OTHER.id)
    for given in (room, foreign, IDS.hex24(foreign), "dasjfr4529sadfh", number + 1, -5, True, [1], 1.5):
        assert await office.refused("POST", "/im/group", json={**GROUP, "conversation_id": given}) == (404, 7003)
    crowd = {**GROUP, "conversation_id": number, "member_client_ids": "c3:c4:c5:c6"}
    assert await office.refused("POST", "/im/group", json=crowd) == (400, 7004)
    assert office.members(number) == {"c1": 2, "c2": 0}
    office.manage(Block(conversation=number, user="c2"))
    blocked = {**GROUP, "conversation_id": number, "admin_uid": "c2"}
    assert await office.refused("POST", "/im/group", json=blocked) == (403, 1004)
    large = b'{"x":"%s"}' % (b"x" * 16_300)
    office.manage(UpdateConversation(conversation=number, attributes=large))
    assert await office.refused("POST", "/im/group", json={**GROUP, "conversation_id": number}) == (400, 7001)
    assert info(office, number).attributes == large


async def test_hi05_a_banned_admin_may_own_what_the_back_office_makes(office: Office) -> None:
    office.user("o12")
    office.manage(BanUser(user="o12"))
    assert (await make(office))["admin_uid"] == "o12"


@pytest.mark.parametrize("root", ["/im", "/v1/im"])
async def test_hi06_rename(office: Office, root: str) -> None:
    number = office.group("c1", "c2", name="old")
    office.online("c2", "c3")
    for path in (number, IDS.hex24(number)):
        assert await office.ok("PUT", f"{root}/group/{path}", json={"group_name": "g123"}) == {"group_name": "g123"}
        assert info(office, number).name == "g123"
        (notice,) = office.notices("c2")
        assert (notice["_lctype"], notice["_lctext"]) == (1, "群名称改为 g123")
        assert notice["_lcattrs"] == {
            "message_info": "群名称改为 g123",
            "sys_message_type": "group_info_been_modified",
            "uid": "c1",
            "gid": number,
            "type": "group",
            "conversation_id": IDS.hex24(number),
            "member_client_ids": [],
        }
    assert office.notices("c3") == []


async def test_hi06_null_is_the_usual_name(office: Office) -> None:
    number = office.group("c1", name="old")
    assert await office.ok("PUT", f"/im/group/{number}", json={"group_name": None}) == {"group_name": "群聊"}
    assert info(office, number).name == "群聊"


@pytest.mark.parametrize("path", ["/im/group/{}", "/v1/im/group/{}", "/im/user/c1/group/{}", "/v1/im/user/1/group/{}"])
async def test_hi07_hi08_a_group_ends_and_its_members_are_told(office: Office, path: str) -> None:
    number = office.group("c1", "c2")
    office.online("c1", "c2", "c3")
    await office.ok("DELETE", path.format(number), 204)
    assert isinstance(office.manage(GetConversation(conversation=number)), Refused)
    for user in ("c1", "c2"):
        (notice,) = office.notices(user)
        assert notice["_lcattrs"]["sys_message_type"] == "group_been_dismissed"
        assert (notice["_lcattrs"]["uid"], notice["_lcattrs"]["gid"]) == ("c1", number)
    assert office.notices("c3") == []
    assert await office.refused("DELETE", path.format(number)) == (404, 7003)


async def test_hi08_only_the_admin_dismisses(office: Office) -> None:
    number, nobodys = office.group("c1", "c2"), office.group()
    for uid in ("c2", "2", "c3", "nobody", "o1"):
        assert await office.refused("DELETE", f"/im/user/{uid}/group/{number}") == (403, 1008)
    assert await office.refused("DELETE", f"/im/user/c1/group/{nobodys}") == (403, 1008)
    assert office.members(number) == {"c1": 2, "c2": 0}


async def test_a_notice_that_cannot_be_sent_takes_nothing_back(office: Office) -> None:
    """What the answer says is what was done."""
    for kind in (SendSystem, ListUsers):
        office.broker.on(kind, Refused(Reason.OVERLOADED, "busy"))
    answer = await make(office)
    assert office.members(answer["group_id"]) == {"o12": 2, "u232": 0, "p23": 0}
    await office.ok("PUT", f"/im/group/{answer['group_id']}", json={"group_name": "x"})
    await office.ok("DELETE", f"/im/group/{answer['group_id']}", 204)


async def test_a_repeated_post_with_its_key_makes_one_group(office: Office) -> None:
    headers = {"app-id": APP.id, "app-key": APP.key, "Idempotency-Key": "once"}
    answers = [(await office.call("POST", "/im/group", json=GROUP, headers=headers)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert (await office.ok("GET", "/im/groups"))["total_count"] == 1
