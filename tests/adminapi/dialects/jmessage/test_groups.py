"""The calls on groups: JM-07 to JM-11 and JM-13 beside their printed answers, and pages of them from any start."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    AddMembers,
    Condition,
    ConversationFound,
    ConversationPage,
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListMembers,
    Managed,
    MemberList,
    RemoveMembers,
)
from tests.adminapi.conftest import APP
from tests.adminapi.dialects.jmessage.conftest import GID, Jiguang, info, member

GROUP = {
    "gid": 13579,
    "owner_username": "tom",
    "group_name": "泡否",
    "members_username": ["eddie", "annie"],
    "group_desc": "你懂的。。。",
}


@pytest.mark.parametrize("path", ["/v1/groups/", "/v1/groups"])
async def test_jm07_create_a_group(served: Jiguang, path: str) -> None:
    answer = await served.call("POST", path, json={key: GROUP[key] for key in GROUP if key != "gid"})
    assert answer.status_code == 201
    assert answer.json() == GROUP
    assert list(answer.json()) == list(GROUP)
    attributes = '{"desc":"你懂的。。。"}'.encode()
    command = CreateConversation(kind=3, members=("eddie", "annie"), name="泡否", attributes=attributes)
    assert served.broker.last == Managed(app=APP.id, rev=3, user="tom", command=command)


async def test_jm07_in_the_words_of_the_later_sdks(served: Jiguang) -> None:
    body = {"owner_username": "tom", "name": "g", "desc": "d", "members_username": ["tom", "annie", "annie"], "flag": 1}
    answer = await served.call("POST", "/v1/groups/", json=body)
    expected = {"gid": GID, "owner_username": "tom", "group_name": "g", "members_username": ["annie"], "group_desc": "d"}
    assert answer.json() == expected
    answer = await served.call("POST", "/v1/groups/", json={"owner_username": "tom", "group_name": "g"})
    assert answer.json() == {**expected, "members_username": [], "group_desc": ""}


async def test_jm08_get_a_group(served: Jiguang) -> None:
    served.broker.on(ListMembers, MemberList(members=[member("tom", 2), member("eddie"), member("javen")], total=3))
    answer = await served.call("GET", "/v1/groups/13579")
    assert answer.status_code == 200
    assert answer.json() == {**GROUP, "members_username": ["eddie", "javen"]}
    assert type(answer.json()["gid"]) is int


async def test_jm08_a_group_of_another_dialect_shows_what_it_has(served: Jiguang) -> None:
    served.broker.on(GetConversation, ConversationFound(conversation=info(name="", attributes='{"name":"隔壁","desc":7}')))
    answer = await served.call("GET", "/v1/groups/13579")
    assert (answer.json()["group_name"], answer.json()["group_desc"]) == ("隔壁", "")


async def test_jm09_delete_a_group(served: Jiguang) -> None:
    answer = await served.call("DELETE", "/v1/groups/13579")
    assert (answer.status_code, answer.content) == (204, b"")
    assert served.broker.last.command == DeleteConversation(conversation=GID)


@pytest.mark.parametrize("path", ["/v1/groups/13579/members", "/v1/groups/13579/members/"])
async def test_jm10_change_members(served: Jiguang, path: str) -> None:
    answer = await served.call("POST", path, json={"add": ["test1", "test2"], "remove": ["test3", "test4"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert served.commands[-2:] == [
        AddMembers(conversation=GID, users=("test1", "test2"), strict=True),
        RemoveMembers(conversation=GID, users=("test3", "test4")),
    ]


async def test_jm10_one_of_the_two_is_enough(served: Jiguang) -> None:
    for body, command in (({"add": ["test1"]}, AddMembers), ({"remove": ["test3"], "add": None}, RemoveMembers)):
        answer = await served.call("POST", "/v1/groups/13579/members", json=body)
        assert answer.status_code == 204
        assert isinstance(served.broker.last.command, command)


async def test_jm11_list_members(served: Jiguang) -> None:
    # 2015-03-20 22:00:13 and 2015-03-11 01:12:00 at +08:00
    members = [member("tom", 0, 1_426_860_013_000), member("annie", 2, 1_426_007_520_000)]
    served.broker.on(ListMembers, MemberList(members=members, total=2))
    answer = await served.call("GET", "/v1/groups/13579/members/")
    assert answer.status_code == 200
    assert answer.json() == [
        {"username": "tom", "flag": 0, "ctime": "2015-03-20 22:00:13"},
        {"username": "annie", "flag": 1, "ctime": "2015-03-11 01:12:00"},
    ]


async def test_jm13_list_groups(served: Jiguang) -> None:
    answer = await served.call("GET", "/v1/groups/?start=1100&count=100")
    assert answer.status_code == 200
    assert answer.json() == {"total": 1322, "start": 1100, "count": 100, "groups": [111, 222, 333]}
    expected = ListConversations(where=(Condition("kind", "=", 3),), skip=1100, size=100)
    assert served.broker.last.command == expected


@pytest.mark.parametrize(("start", "count"), [(0, 1), (7, 5), (1001, 500), (1150, 100), (12_345, 500), (199_000, 500)])
async def test_any_start_and_count_get_exactly_those(served: Jiguang, start: int, count: int) -> None:
    def listed(command: ListConversations, managed: Any) -> ConversationPage:
        first = command.skip
        rows = [info(number=number + 1) for number in range(first, first + command.size)]
        return ConversationPage(conversations=rows, total=200_000)

    served.broker.on(ListConversations, listed)
    answer = await served.call("GET", f"/v1/groups?start={start}&count={count}")
    assert answer.json()["groups"] == list(range(start + 1, start + count + 1))
