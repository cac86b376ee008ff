"""Looking for conversations, and what back offices do to clients: the calls of LC-30 that are served."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from protocol.commands import (
    Condition,
    ConversationPage,
    Kick,
    ListConversations,
    ListMembers,
    OnlineUsers,
    QueryPresence,
    Stats,
    StatsReport,
    Sync,
    SyncState,
)
from protocol.errors import Reason, Refused
from protocol.ids import TEMPORARIES
from protocol.records import ConversationState, Kind
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import (
    CONV,
    CONV_ID,
    CREATED_MS,
    FOREIGN,
    IDS,
    ROOT,
    Talk,
    call,
    managed,
    ok,
    query,
    refused,
    said,
)

NO_ROOM = Condition("kind", "!=", int(Kind.ROOM))
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
    found = Talk([said(1)]).info().conversation
    found.users = ["client1", "client2"]
    served.broker.on(ListConversations, ConversationPage(conversations=[found], total=1))
    assert await query(served, {"name": "first conversation"}) == {"results": [ROW]}
    where = (Condition("name", "=", "first conversation"),)
    assert served.broker.last == managed(ListConversations(where=where, size=100, with_members=True))
    room = Talk([], Kind.ROOM).info().conversation
    room.creator = "tom"
    served.broker.on(ListConversations, ConversationPage(conversations=[room], total=1))
    row = (await query(served))["results"][0]
    assert (row["tr"], row["c"]) == (True, "tom")
    assert "m" not in row
    assert "lm" not in row
    assert isinstance(served.broker.last.command, ListConversations)


async def test_lc30_a_temporary_conversation_has_its_mark_and_is_found_by_it(served: Served) -> None:
    found = Talk([said(1)], Kind.TEMPORARY).info().conversation
    served.broker.on(ListConversations, ConversationPage(conversations=[found], total=1))
    named = (await query(served))["results"][0]["objectId"]
    assert named == "_tmp:" + CONV_ID
    assert await ok(served, "GET", f"{ROOT}/{named}/members") == ["client1", "client2"]
    assert served.broker.last == managed(ListMembers(conversation=CONV | TEMPORARIES))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, []),
        ({"objectId": CONV_ID}, [Condition("id", "=", CONV)]),
        ({"objectId": FOREIGN}, [Condition("id", "=", IDS.conversation(FOREIGN))]),
        ({"objectId": "nonsense"}, [Condition("id", "=", 0)]),
        ({"m": {"$all": ["Tom", "Jerry"]}, "tr": False}, [Condition("member", "all", ["Tom", "Jerry"]), NO_ROOM]),
        ({"level": {"$gt": 1, "$ne": 5}}, [Condition("attributes.level", op, value) for op, value in ((">", 1), ("!=", 5))]),
        ({"createdAt": {"$gt": "2018-01-16T03:40:32.814Z"}}, [Condition("created", ">", CREATED_MS)]),
        ({"name": {"$regex": "^\\QMy\\E"}}, [Condition("name", "starts", "My")]),
    ],
)
async def test_lc30_where_means_what_it_means_on_a_socket(served: Served, where: Any, expected: list[Condition]) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    assert await query(served, where) == {"results": []}
    assert served.broker.last == managed(ListConversations(where=tuple(expected), size=100, with_members=True))


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ('{"name":{"$where":"x"}}', "$where"),
        ('{"createdAt":{"$gt":"yesterday"}}', "createdAt"),
        ('{"tr":1}', "tr"),
        ("[]", "JSON object"),
        ("nonsense", "JSON object"),
        ("[" * 40, "JSON object"),
    ],
)
async def test_lc30_where_is_refused_by_what_is_wrong_in_it(served: Served, where: str, named: str) -> None:
    answer = await call(served, "GET", f"{ROOT}?where={quote(where)}")
    assert (answer.status_code, answer.json()["code"]) == (400, 107)
    assert named in answer.json()["error"]
    assert served.broker.heard == []


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


async def test_lc30_stats_are_of_this_app(served: Served) -> None:
    counters = {'online_users{app="666666"}': 3.0, 'online_users{app="bare"}': 9.0}
    served.broker.on(Stats, StatsReport(counters=counters))
    assert await ok(served, "GET", "/1.2/rtm/stats") == {"result": {"online_user_count": 3}}


async def test_lc30_conversations_of_every_kind(served: Served) -> None:
    info = Talk([], Kind.SYSTEM).info().conversation
    served.broker.on(ListConversations, ConversationPage(conversations=[info], total=1))
    found = await ok(served, "GET", "/1.2/rtm/all-conversations", params={"limit": 5})
    assert [row["sys"] for row in found["results"]] == [True]
    assert served.broker.last == managed(ListConversations(size=5, with_members=True))


async def test_lc30_check_online(served: Served) -> None:
    served.broker.on(QueryPresence, OnlineUsers(online=["Jerry"]))
    body = {"client_ids": ["Tom", "Jerry"]}
    assert await ok(served, "POST", "/1.2/rtm/clients/check-online", json=body) == {"results": ["Jerry"]}
    assert served.broker.last == managed(QueryPresence(users=("Tom", "Jerry")))


async def test_lc30_unread_count(served: Served) -> None:
    def state(number: int, unread: int) -> ConversationState:
        return ConversationState(number, Kind.GROUP, "", 1, 9, 0, unread, False, None)

    def page(command: Sync, _: Any) -> SyncState:
        states = [state(CONV + 1, 2)] if command.cursor else [state(CONV, 3)]
        return SyncState(conversations=states, left=[], patches=[], cursor="c", more=not command.cursor, reset=False)

    served.broker.on(Sync, page)
    path = "/1.2/rtm/clients/tom/unread-count"
    assert await ok(served, "GET", path) == {"count": 5}
    assert served.broker.last == managed(Sync(cursor="c"), "tom")
    assert await ok(served, "GET", f"{path}?conv_id={CONV_ID}") == {"count": 3}
    assert await refused(served, "GET", f"{path}?conv_id={FOREIGN}") == (404, 4303)
    served.broker.on(Sync, Refused(Reason.UNKNOWN_USER, "none"))
    assert await ok(served, "GET", path) == {"count": 0}
    served.broker.on(Sync, Refused(Reason.OVERLOADED, "busy"))
    assert await refused(served, "GET", path) == (503, 503)
