"""The `where` of a query for conversations (LC-30): what it becomes, and what in it is refused by name."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from protocol.commands import Condition, ConversationPage, ListConversations
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import CONV, CONV_ID, CREATED_MS, FOREIGN, IDS, ROOT, call, query


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, []),
        ({"objectId": CONV_ID}, [Condition("id", "=", CONV)]),
        ({"objectId": FOREIGN}, [Condition("id", "=", IDS.conversation(FOREIGN))]),
        ({"objectId": "x"}, [Condition("id", "=", 0)]),
        ({"objectId": {"$in": [CONV_ID, "x"]}}, [Condition("id", "in", [CONV, 0])]),
        ({"m": "Tom"}, [Condition("member", "=", "Tom")]),
        ({"m": {"$in": ["Tom", "Jerry"]}}, [Condition("member", "in", ["Tom", "Jerry"])]),
        ({"c": {"$ne": "Tom"}}, [Condition("creator", "!=", "Tom")]),
        ({"tr": True}, [Condition("kind", "=", 4)]),
        ({"tr": False}, [Condition("kind", "!=", 4)]),
        ({"tr": {"$ne": True}}, [Condition("kind", "!=", 4)]),
        ({"level": 5}, [Condition("attributes.level", "=", 5)]),
        ({"attr": {"a": 1}}, [Condition("attributes.attr", "=", {"a": 1})]),
        (
            {"level": {"$gt": 1, "$gte": 2, "$lt": 9, "$lte": 8, "$ne": 5}},
            [
                Condition("attributes.level", op, value)
                for op, value in ((">", 1), (">=", 2), ("<", 9), ("<=", 8), ("!=", 5))
            ],
        ),
        ({"createdAt": {"$gt": "2018-01-16T03:40:32.814Z"}}, [Condition("created", ">", CREATED_MS)]),
        (
            {"createdAt": {"$lte": {"__type": "Date", "iso": "2018-01-16T03:40:32.814Z"}}},
            [Condition("created", "<=", CREATED_MS)],
        ),
        ({"createdAt": {"__type": "Date", "iso": "2018-01-16T03:40:32.814Z"}}, [Condition("created", "=", CREATED_MS)]),
    ],
)
async def test_lc30_where(served: Served, where: Any, expected: list[Condition]) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    assert await query(served, where) == {"results": []}
    assert served.broker.last.command == ListConversations(where=tuple(expected), page=1, size=100)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ('{"name":{"$regex":"x"}}', "$regex"),
        ('{"$or":[{"name":"x"}]}', "$or"),
        ('{"m":{"$all":["x"]}}', "$all"),
        ('{"level":{"$exists":true}}', "$exists"),
        ('{"updatedAt":{"$gt":"2018-01-16T03:40:32.814Z"}}', "updatedAt"),
        ('{"attr.x":1}', "attr.x"),
        ('{"createdAt":5}', "createdAt"),
        ('{"createdAt":{"$gt":"yesterday"}}', "createdAt"),
        ('{"objectId":5}', "objectId"),
        ('{"tr":1}', "tr"),
        ('{"tr":{"$in":[true]}}', "tr"),
        ('{"m":{"$in":"x"}}', "$in"),
        ('{"m":{"x":1}}', "user ids"),
        ("[]", "JSON object"),
        ("nonsense", "JSON object"),
        ("[" * 40, "JSON object"),
    ],
)
async def test_lc30_where_is_refused_by_what_is_wrong_in_it(served: Served, where: str, named: str) -> None:
    answer = await call(served, "GET", f"{ROOT}?where={quote(where)}")
    assert (answer.status_code, answer.json()["code"]) == (400, 107)
    assert named in answer.json()["error"] or "where" in answer.json()["error"]
    assert served.broker.heard == []
