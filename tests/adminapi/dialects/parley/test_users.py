"""Users: found, shown with friends and conversations, exported."""

from __future__ import annotations

import json
from pathlib import Path

from protocol.commands import (
    Condition,
    ConversationPage,
    FriendList,
    GetUser,
    History,
    HistoryPage,
    ListConversations,
    ListFriends,
    ListUsers,
    Managed,
    UserFound,
    UserList,
)
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.records import ConversationInfo, FriendInfo, Message, UserInfo
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.parley.conftest import SignIn

OWN = {"authorization": f"Bearer {APP.master_key}"}
BASE = f"/-/api/apps/{APP.id}/users"
USER = UserInfo(user="tom", attributes=b'{"nickname":"T"}', online=True, created_ms=5)
SHOWN = {
    "user": "tom", "attributes": {"nickname": "T"}, "online": True, "banned": False, "created_ms": 5, "updated_ms": None,
}  # fmt: skip
CONV = 1 << 40
GROUP = ConversationInfo(
    id=CONV, kind=3, name="G", attributes=b"{}", owner="tom", creator="ann", members=2, created_ms=7, updated_ms=0,
)  # fmt: skip


async def test_a_page_of_a_search(served: Served) -> None:
    served.broker.on(ListUsers, UserList(users=[USER], total=3))
    answer = await served.client.get(f"{BASE}?search=T&start=1&limit=1", headers=OWN)
    assert answer.json() == {"users": [SHOWN], "next": 2, "total": 3}
    ways = [[[field, "contains~", "T"]] for field in ("id", "attributes.name", "attributes.nickname")]
    command = ListUsers(skip=1, limit=1, where=(Condition("", "any", ways),))
    assert served.broker.last == Managed(app=APP.id, rev=3, command=command)
    answer = await served.client.get(BASE, headers=OWN)
    assert served.broker.last.command == ListUsers(skip=0, limit=50)


async def test_among_too_many_the_one_of_that_id_is_found(served: Served) -> None:
    def answering(command: ListUsers, managed: Managed) -> UserList | Refused:
        if command.where[0].op == "any":
            return Refused(Reason.TOO_BROAD, "many")
        assert command.where == (Condition("id", "=", "tom"),)
        return UserList(users=[USER], total=1)

    served.broker.on(ListUsers, answering)
    assert (await served.client.get(f"{BASE}?search=tom", headers=OWN)).json()["users"] == [SHOWN]


async def test_friends_and_conversations(served: Served) -> None:
    served.broker.on(ListFriends, FriendList(friends=[FriendInfo("ann", False, 9)]))
    answer = await served.client.get(f"{BASE}/tom/friends", headers=OWN)
    assert answer.json() == {"friends": [{"user": "ann", "online": False, "since_ms": 9}]}
    assert served.broker.last.user == "tom"
    served.broker.on(ListConversations, ConversationPage(conversations=[GROUP], total=1))
    answer = await served.client.get(f"{BASE}/tom/conversations?limit=2", headers=OWN)
    (found,) = answer.json()["conversations"]
    assert (found["conversation"], found["kind"], found["members"]) == (IdForms(APP.id).hex32(CONV), "group", 2)
    assert answer.json()["next"] is None
    wanted = ListConversations(where=(Condition("member", "=", "tom"),), skip=0, size=2)
    assert served.broker.last.command == wanted


async def test_an_export_is_an_admins_and_in_the_audit_log(served: Served, sign_in: SignIn, folder: Path) -> None:
    said = Message(1 << 41, CONV, 1, "tom", -1, b'{"text":"hi"}')
    other = Message((1 << 41) + 1, CONV, 2, "ann", -1, b'{"text":"ho"}')
    served.broker.on(GetUser, UserFound(user=USER))
    served.broker.on(ListFriends, FriendList(friends=[FriendInfo("ann", False, 9)]))
    served.broker.on(ListConversations, ConversationPage(conversations=[GROUP], total=1))
    served.broker.on(History, HistoryPage(conversation=CONV, messages=[said, other], more=False))
    assert (await served.client.get(f"{BASE}/tom/export", headers=await sign_in("support"))).status_code == 403
    answer = await served.client.get(f"{BASE}/tom/export", headers=await sign_in("admin"))
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["type"] for line in lines] == ["user", "friend", "conversation", "message"]
    assert lines[3]["text"] == "hi"
    noted = json.loads(served.audit.tail(1)[0])
    assert (noted["operator"], noted["commands"], noted["path"]) == ("admin", ["Export"], f"{BASE}/tom/export")


async def test_an_export_says_who_is_not_there_and_why_it_breaks_off(served: Served) -> None:
    served.broker.on(GetUser, Refused(Reason.UNKNOWN_USER, "no tom"))
    assert (await served.client.get(f"{BASE}/tom/export", headers=OWN)).status_code == 404
    served.broker.on(GetUser, UserFound(user=USER))
    served.broker.on(ListFriends, Refused(Reason.OVERLOADED, "busy"))
    answer = await served.client.get(f"{BASE}/tom/export", headers=OWN)
    assert json.loads(answer.text.splitlines()[-1]) == {"fault": "busy", "reason": "overloaded"}
