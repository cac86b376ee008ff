"""Looking for conversations, and what back offices do to clients: the calls of LC-30 that are served."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    Condition,
    ConversationPage,
    Kick,
    ListConversations,
    ListMembers,
    Managed,
    OnlineUsers,
    QueryPresence,
)
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import CONV_ID, ROOT, Talk, managed, ok, query, refused, said

ROW = {
    "color": "red",
    "name": "My First Conversation",
    "objectId": CONV_ID,
    "m": ["client1", "client2"],
    "lm": {"__type": "Date", "iso": "2017-05-22T05:43:31.151Z"},
    "createdAt": "2018-01-16T03:40:32.814Z",
    "updatedAt": "2018-01-16T03:40:32.814Z",
}


async def test_lc30_query_conversations(served: Served) -> None:
    page = ConversationPage(conversations=[Talk([said(1)]).info().conversation], total=1)
    served.broker.on(ListConversations, page)
    assert await query(served, {"name": "first conversation"}) == {"results": [ROW]}
    asked = [each.command for each in served.broker.heard if isinstance(each, Managed)]
    assert asked[0] == ListConversations(where=(Condition("name", "=", "first conversation"),), page=1, size=100)
    room = Talk([], Kind.ROOM).info().conversation
    room.creator = "tom"
    served.broker.on(ListConversations, ConversationPage(conversations=[room], total=1))
    row = (await query(served))["results"][0]
    assert (row["tr"], row["c"]) == (True, "tom")
    assert "m" not in row
    assert "lm" not in row
    assert isinstance(served.broker.last.command, ListConversations)


async def test_lc30_a_conversation_deleted_meanwhile_is_left_out(served: Served) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[Talk([]).info().conversation], total=1))
    served.broker.on(ListMembers, Refused(Reason.UNKNOWN_CONVERSATION, "gone"))
    assert await query(served) == {"results": []}


@pytest.mark.parametrize(
    ("skip", "limit", "names"),
    [
        (0, 3, "c0 c1 c2"),
        (3, 3, "c3 c4 c5"),
        (1, 3, "c1 c2 c3"),
        (5, 3, "c5 c6"),
        (9, 3, ""),
        (2, 20, "c2 c3 c4 c5 c6"),
        (0, 0, ""),
    ],
)
async def test_lc30_skip_and_limit(served: Served, skip: int, limit: int, names: str) -> None:
    def page(command: ListConversations, _: Any) -> ConversationPage:
        rows = [Talk([]).info().conversation for _ in range(7)]
        for number, row in enumerate(rows):
            row.name = f"c{number}"
        start = command.skip
        return ConversationPage(conversations=rows[start : start + command.size], total=7)

    served.broker.on(ListConversations, page)
    found = (await query(served, more=f"&skip={skip}&limit={limit}"))["results"]
    assert " ".join(row["name"] for row in found) == names


@pytest.mark.parametrize("bounds", ["skip=-1", "skip=x", "limit=1001", "limit=1e3", "limit=-1", "skip=1000001"])
async def test_lc30_paging_is_bounded(served: Served, bounds: str) -> None:
    assert await refused(served, "GET", f"{ROOT}?{bounds}") == (400, 107)


async def test_lc30_kick(served: Served) -> None:
    assert await ok(served, "POST", "/1.2/rtm/clients/tom/kick", json={"reason": "why"}) == {}
    assert served.broker.last == managed(Kick(user="tom", reason="why"))
    assert await ok(served, "POST", "/1.2/rtm/clients/tom%20x/kick") == {}
    assert served.broker.last == managed(Kick(user="tom x"))
    served.broker.on(Kick, Refused(Reason.UNKNOWN_USER, "none"))
    assert await ok(served, "POST", "/1.2/rtm/clients/nobody/kick") == {}
    served.broker.on(Kick, Refused(Reason.STORAGE_UNAVAILABLE, "full"))
    assert await refused(served, "POST", "/1.2/rtm/clients/tom/kick") == (503, 503)


async def test_lc30_check_online(served: Served) -> None:
    served.broker.on(QueryPresence, OnlineUsers(online=["Jerry"]))
    body = {"client_ids": ["Tom", "Jerry"]}
    assert await ok(served, "POST", "/1.2/rtm/clients/check-online", json=body) == {"results": ["Jerry"]}
    assert served.broker.last == managed(QueryPresence(users=("Tom", "Jerry")))
