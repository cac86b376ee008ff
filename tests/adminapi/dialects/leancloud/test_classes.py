"""Conversations as objects of `_Conversation`, as the storage SDKs ask for them (`protocols.md` 2.12)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.commands import (
    AddMembers,
    Condition,
    ConversationPage,
    CreateConversation,
    DeleteConversation,
    Done,
    ListConversations,
    Managed,
    Operation,
    RemoveMembers,
    SetMembers,
    UpdateConversation,
)
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import (
    CONV,
    CONV_ID,
    FOREIGN,
    UPDATED,
    UPDATED_MS,
    Talk,
    call,
    managed,
    ok,
    refused,
    said,
)

PATH = "/1.1/classes/_Conversation"
HERE = f"{PATH}/{CONV_ID}"
MADE = {"objectId": CONV_ID, "createdAt": "2018-01-16T03:40:32.814Z"}
ROW = {
    "color": "red",
    "name": "My First Conversation",
    **MADE,
    "m": ["Tom", "Jerry"],
    "lm": {"__type": "Date", "iso": "2017-05-22T05:43:31.151Z"},
    "updatedAt": "2018-01-16T03:40:32.814Z",
}


POINTER = {"__type": "Pointer", "className": "_User", "objectId": "55a39634e4b0ed48f0c1845c"}


@pytest.fixture
async def served(served: Served) -> Served:
    found = Talk([said(1)]).info().conversation
    found.users = ["Tom", "Jerry"]
    served.broker.on(ListConversations, ConversationPage(conversations=[found], total=7))
    served.broker.on(SetMembers, Done(time_ms=UPDATED_MS))
    return served


def op(word: str, *users: str) -> dict[str, Any]:
    return {"__op": word, "objects": list(users)}


@pytest.mark.parametrize("m", [["Tom", "Jerry"], op("Add", "Tom", "Jerry"), op("AddUnique", "Tom", "Jerry")])
async def test_create(served: Served, m: Any) -> None:
    body = {"name": "team", "m": m, "unique": True, "sys": False, "color": "red"}
    answer = await call(served, "POST", f"{PATH}?fetchWhenSave=false", json=body)
    assert (answer.status_code, answer.json()) == (201, MADE)
    command = CreateConversation(
        kind=Kind.GROUP, members=("Tom", "Jerry"), name="team", attributes=b'{"color":"red"}', unique=True
    )
    assert served.broker.last == managed(command, "", "Tom", "Jerry")


async def test_create_and_fetch(served: Served) -> None:
    answer = await call(served, "POST", f"{PATH}?fetchWhenSave=true", json={"tr": True, "m": None})
    assert (answer.status_code, answer.json()) == (201, ROW)
    made = served.broker.heard[0]
    assert made == managed(CreateConversation(kind=Kind.ROOM, members=()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"m": op("Increment")}, (400, 107)),
        ({"m": {"__op": "Add"}}, (400, 107)),
        ({"m": "Tom"}, (400, 107)),
        ({"lm": 5}, (400, 107)),
        ({"count": {"__op": "Increment", "amount": "1"}}, (400, 107)),
        ({"tags": {"__op": "Add", "objects": "x"}}, (400, 107)),
        ({"count": {"__op": "BitAnd", "value": 1}}, (400, 107)),
        ([], (400, 107)),
    ],
)
async def test_create_refusals(served: Served, body: Any, expected: tuple[int, int]) -> None:
    assert await refused(served, "POST", PATH, json=body) == expected
    assert served.broker.heard == []


async def test_get(served: Served) -> None:
    assert await ok(served, "GET", HERE) == ROW
    assert await ok(served, "GET", HERE, content=b"null") == ROW
    where = (Condition("id", "=", CONV),)
    assert served.broker.last == managed(ListConversations(where=where, size=1, with_members=True))
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    for path in (HERE, f"{PATH}/{FOREIGN}", f"{PATH}/nonsense"):
        assert await refused(served, "GET", path) == (404, 4303)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ("name", {"name"}),
        ("name, color,m", {"name", "color", "m"}),
        ("attr.x", set()),
        ("-m,-lm,-objectId", {"name", "color"}),
        ("", {"name", "color", "m", "lm"}),
    ],
)
async def test_keys_are_what_is_wanted(served: Served, keys: str, names: set[str]) -> None:
    always = {"objectId", "createdAt", "updatedAt"}
    assert (await ok(served, "GET", HERE, params={"keys": keys})).keys() == always | names
    assert (await ok(served, "GET", PATH, params={"keys": keys}))["results"][0].keys() == always | names


async def test_search(served: Served) -> None:
    query = {"where": json.dumps({"$or": [{"m": "Tom"}, {"color": "red"}]}), "limit": 5, "skip": 10, "order": "-lm,name"}
    assert await ok(served, "GET", PATH, params=query) == {"results": [ROW]}
    ways = [[["member", "=", "Tom"]], [["attributes.color", "=", "red"]]]
    command = ListConversations(
        where=(Condition("", "any", ways),), skip=10, size=5, sort=("-last", "name"), with_members=True
    )
    assert served.broker.last == managed(command)
    assert await ok(served, "GET", PATH, params={"limit": 0, "count": 1}) == {"results": [], "count": 7}
    where = {"owner": POINTER, "due": {"$gt": {"__type": "Date", "iso": "2020-01-01T00:00:00.000Z"}}}
    query = {"where": json.dumps(where), "include": "owner", "order": "-updatedAt,-due", "returnACL": "true"}
    assert await ok(served, "GET", PATH, params=query) == {"results": [ROW]}
    tests = (
        Condition("attributes.owner", "=", POINTER),
        Condition("attributes.due.iso", ">", "2020-01-01T00:00:00.000Z"),
    )
    command = ListConversations(where=tests, size=100, sort=("-changed", "-attributes.due"), with_members=True)
    assert served.broker.last == managed(command)


async def heard(served: Served, body: Any) -> list[Any]:
    assert (await ok(served, "PUT", HERE, json=body))["objectId"] == CONV_ID
    return [each for each in served.broker.heard if isinstance(each, Managed)]


async def test_update_members(served: Served) -> None:
    added = managed(AddMembers(conversation=CONV, users=("Ann",), strict=True), "", "Ann")
    assert await heard(served, {"m": op("Add", "Ann")}) == [added]
    assert (await heard(served, {"m": op("AddUnique", "Ann")}))[1:] == [added]
    removed = managed(RemoveMembers(conversation=CONV, users=("Ann",), strict=True))
    assert (await heard(served, {"m": op("Remove", "Ann")}))[2:] == [removed]
    replaced = managed(SetMembers(conversation=CONV, users=("Ann", "Bob")), "", "Ann", "Bob")
    assert (await heard(served, {"m": ["Ann", "Bob"]}))[3:] == [replaced]


async def test_update_attributes(served: Served) -> None:
    body = {"name": "crew", "color": {"__op": "Delete"}, "level": 5}
    assert await ok(served, "PUT", HERE, json=body) == UPDATED
    change = UpdateConversation(conversation=CONV, name="crew", attributes=b'{"color":null,"level":5}', merge=True)
    assert served.broker.last == managed(change)
    assert await ok(served, "PUT", f"{HERE}?fetchWhenSave=true", json=body) == ROW


async def test_attributes_are_changed_by_what_they_are(served: Served) -> None:
    body = {
        "level": {"__op": "Increment", "amount": 2},
        "seen": {"__op": "Increment"},
        "tags": {"__op": "AddUnique", "objects": ["a"]},
        "log": {"__op": "Add", "objects": [1]},
        "old": {"__op": "Remove", "objects": ["b"]},
        "attr.color": "red",
    }
    assert await ok(served, "PUT", HERE, json=body) == UPDATED
    operations = (
        Operation("level", "increase", 2),
        Operation("seen", "increase", 1),
        Operation("tags", "append-new", ["a"]),
        Operation("log", "append", [1]),
        Operation("old", "remove", ["b"]),
    )
    change = UpdateConversation(
        conversation=CONV, attributes=b'{"attr.color":"red"}', merge=True, paths=True, operations=operations
    )
    assert served.broker.last == managed(change)
    assert (await call(served, "POST", PATH, json={key: body[key] for key in ("level", "tags", "old")})).status_code == 201
    made = CreateConversation(kind=Kind.GROUP, members=(), attributes=b'{"level":2,"tags":["a"],"old":[]}')
    assert served.broker.last == managed(made)


async def test_a_service_conversation_is_made(served: Served) -> None:
    answer = await call(served, "POST", PATH, json={"name": "news", "sys": True, "unique": True})
    assert answer.status_code == 201
    assert served.broker.last == managed(CreateConversation(kind=Kind.SYSTEM, members=(), name="news"))


async def test_members_go_first_so_that_a_refusal_has_changed_nothing(served: Served) -> None:
    body = {"name": "crew", "m": op("Add", "Ann")}
    commands = [type(each.command) for each in await heard(served, body)]
    assert commands == [AddMembers, UpdateConversation]
    served.broker.heard.clear()
    served.broker.on(AddMembers, Refused(Reason.FULL, "full"))
    assert await refused(served, "PUT", HERE, json=body) == (403, 4304)
    assert len(served.broker.heard) == 1
    served.broker.heard.clear()
    assert await refused(served, "PUT", HERE, json={**body, "tr": True}) == (400, 107)
    assert served.broker.heard == []


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("", {}, (400, 1)),
        ("", {"m": {"__op": "Delete"}}, (400, 107)),
        ("", {"level": {"__op": "BitAnd", "value": 1}}, (400, 107)),
        ("", {"name": {"__op": "Increment", "amount": 1}}, (400, 107)),
        ("", {"a.b": {"__op": "Increment", "amount": 1}}, (400, 107)),
        ("", {"lm.iso": 5}, (400, 107)),
        ("", {"m.0": "Tom"}, (400, 107)),
        ("", {"unique": True}, (400, 107)),
        ("", {"objectId": CONV_ID}, (400, 107)),
        ('?where={"level":5}', {"level": 6}, (400, 107)),
        ("?fetchWhenSave=maybe", {"level": 6}, (400, 107)),
    ],
)
async def test_update_refusals(served: Served, query: str, body: Any, expected: tuple[int, int]) -> None:
    assert await refused(served, "PUT", HERE + query, json=body) == expected
    assert served.broker.heard == []


async def test_delete(served: Served) -> None:
    assert await ok(served, "DELETE", HERE) == {}
    assert served.broker.last == managed(DeleteConversation(conversation=CONV))
