"""Silences, blacklists and roles by the vendor's later calls (`protocols.md` 2.13)."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    Command,
    Done,
    ListBlocked,
    ListMembers,
    MemberList,
    MembersChanged,
    Mute,
    SetBlocked,
    SetMembers,
    SetMuted,
    SetRole,
    Unmute,
    UserNames,
)
from protocol.records import MemberFailure, MemberInfo, Role
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import CONV, CONV_ID, UPDATED_MS, managed, ok, refused

HERE = f"/1.2/rtm/conversations/{CONV_ID}"
ROOM = f"/1.2/rtm/chatrooms/{CONV_ID}"
SERVICE = f"/1.2/rtm/service-conversations/{CONV_ID}"
OLD = "/1.1/rtm/conversation/blacklist"
TWO = {"client_ids": ["tom", "ann"]}


@pytest.fixture
async def served(served: Served) -> Served:
    broker = served.broker
    for command in (SetMuted, SetBlocked):
        broker.on(command, lambda c, m: MembersChanged(allowed=list(c.users), failed=[]))
    for command in (SetRole, SetMembers):
        broker.on(command, Done(time_ms=UPDATED_MS))
    rows = [("tom", Role.OWNER, 0), ("ann", Role.MANAGER, -1), ("bob", 0, UPDATED_MS), ("eve", 0, -1), ("joe", 0, -1)]
    members = [MemberInfo(user, int(role), user == "tom", muted) for user, role, muted in rows]
    broker.on(ListMembers, MemberList(members=members, total=5))
    broker.on(ListBlocked, UserNames(users=["eve", "joe"], total=5))
    return served


@pytest.mark.parametrize(
    ("method", "path", "sent", "command"),
    [
        ("POST", "temporary-silenceds", {"client_id": "tom", "ttl": 50}, Mute(conversation=CONV, user="tom", seconds=50)),
        ("DELETE", "temporary-silenceds", {"client_id": "tom"}, Unmute(conversation=CONV, user="tom")),
        ("POST", "permanent-silenceds", TWO, SetMuted(conversation=CONV, users=("tom", "ann"), muted=True)),
        ("DELETE", "permanent-silenceds", TWO, SetMuted(conversation=CONV, users=("tom", "ann"), muted=False)),
        ("DELETE", "blacklists", TWO, SetBlocked(conversation=CONV, users=("tom", "ann"), blocked=False)),
        ("DELETE", "member-infos/tom", {}, SetRole(conversation=CONV, user="tom", role=0)),
    ],
)
@pytest.mark.parametrize("place", [HERE, ROOM])
async def test_a_call_is_a_command(
    served: Served, place: str, method: str, path: str, sent: dict[str, Any], command: Command
) -> None:
    assert await ok(served, method, f"{place}/{path}", json=sent) == {}
    assert served.broker.last == managed(command)
    if isinstance(command, Mute | Unmute):
        assert await ok(served, method, OLD, json={**sent, "conv_id": CONV_ID}) == {}
        assert served.broker.last == managed(command)
        assert await refused(served, method, OLD, json=sent) == (400, 1)


@pytest.mark.parametrize("place", [HERE, ROOM, SERVICE])
async def test_who_is_blocked_need_not_be_there_yet(served: Served, place: str) -> None:
    assert await ok(served, "POST", f"{place}/blacklists", json=TWO) == {}
    assert served.broker.last == managed(SetBlocked(conversation=CONV, users=("tom", "ann"), blocked=True), "", "tom", "ann")
    part = await ok(served, "GET", f"{place}/blacklists", params={"limit": 2, "next": "1"})
    assert part == {"client_ids": ["eve", "joe"], "next": "3"}
    assert served.broker.last == managed(ListBlocked(conversation=CONV, skip=1, limit=2))
    assert await ok(served, "GET", f"{place}/blacklists") == {"client_ids": ["eve", "joe"]}


async def test_a_failure_says_for_whom(served: Served) -> None:
    failed = MembersChanged(allowed=["ann"], failed=[MemberFailure("tom", "not_a_member"), MemberFailure("x", "muted")])
    served.broker.on(SetMuted, failed)
    answer = await served.client.request(
        "POST", f"{HERE}/permanent-silenceds", json=TWO, headers={"X-LC-Id": "666666", "X-LC-Key": "a-long-secret"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, 4317)
    assert "tom, x" in answer.json()["error"]


async def test_who_is_silenced_for_good(served: Served) -> None:
    path = f"{HERE}/permanent-silenceds"
    assert await ok(served, "GET", path) == {"client_ids": ["ann", "eve", "joe"]}
    assert await ok(served, "GET", path, params={"limit": 2}) == {"client_ids": ["ann", "eve"], "next": "2"}
    assert await ok(served, "GET", path, params={"limit": 2, "next": 2}) == {"client_ids": ["joe"]}
    for query in ("next=x", "limit=0", "limit=501", "next=-1"):
        assert await refused(served, "GET", f"{path}?{query}") == (400, 107)


async def test_roles(served: Served) -> None:
    path = f"{HERE}/member-infos"
    given = await ok(served, "POST", path, json={"clientId": "ann", "role": "Manager"})
    assert given["objectId"] == "ann"
    assert served.broker.last == managed(SetRole(conversation=CONV, user="ann", role=1))
    await ok(served, "PUT", f"{path}/ann", json={"clientId": "ann", "role": "Owner"})
    assert served.broker.last == managed(SetMembers(conversation=CONV, owner="ann"))
    tom, ann = ({"clientId": who, "objectId": who, "role": role} for who, role in (("tom", "Owner"), ("ann", "Manager")))
    assert await ok(served, "GET", path) == {"results": [tom, ann]}
    assert await ok(served, "GET", path, params={"role": "Manager"}) == {"results": [ann]}
    assert await ok(served, "GET", path, params={"skip": 1, "limit": 1}) == {"results": [ann]}
    for body in ({"clientId": "ann"}, {"clientId": "ann", "role": "King"}):
        assert await refused(served, "POST", path, json=body) == (400, 107)
    assert await refused(served, "POST", path, json={"role": "Owner"}) == (400, 1)


async def test_how_many_are_online_in_a_chatroom(served: Served) -> None:
    assert await ok(served, "GET", f"{ROOM}/members/online-count") == {"result": 1}
    assert await ok(served, "GET", f"/1.1/rtm/transient_group/onlines?gid={CONV_ID}") == {"result": 1}
    assert await refused(served, "GET", "/1.1/rtm/transient_group/onlines") == (400, 1)
