"""Making, changing and deleting conversations, and their members: LC-01 to LC-06 beside their printed answers."""

from __future__ import annotations

import time

import pytest

from protocol.commands import (
    AddMembers,
    CreateConversation,
    DeleteConversation,
    ListMembers,
    RemoveMembers,
    UpdateConversation,
)
from protocol.errors import Reason, Refused
from protocol.ids import TEMPORARIES
from protocol.records import Kind
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import CONV, CONV_ID, HERE, ROOT, UPDATED, call, managed, ok


async def test_lc01_create(served: Served) -> None:
    body = {"name": "My First Conversation", "m": ["BillGates", "SteveJobs"]}
    answer = await ok(served, "POST", ROOT, json=body)
    made = {"objectId": CONV_ID, "createdAt": "2018-01-16T03:40:32.814Z"}
    whole = {**made, "updatedAt": made["createdAt"], **body, "color": "red", "unique": False}
    assert {key: answer[key] for key in whole} == whole
    assert list(answer)[:2] == ["objectId", "createdAt"]
    assert len(CONV_ID) == 24
    command = CreateConversation(kind=Kind.GROUP, members=("BillGates", "SteveJobs"), name="My First Conversation")
    assert served.broker.last == managed(command, "", "BillGates", "SteveJobs")


async def test_lc01_everything_else_is_a_custom_attribute(served: Served) -> None:
    body = {"m": ["a", "b"], "unique": True, "tr": True, "c": "b", "attr": {"x": 1}, "level": 5, "gone": None}
    await ok(served, "POST", ROOT + "/", json=body)
    command = CreateConversation(
        kind=Kind.ROOM, members=("a", "b"), unique=True, attributes=b'{"attr":{"x":1},"level":5,"gone":null}'
    )
    assert served.broker.last == managed(command, "b", "a", "b")


async def test_lc01_without_anything(served: Served) -> None:
    await ok(served, "POST", ROOT)
    assert served.broker.last == managed(CreateConversation(kind=Kind.GROUP, members=()))


async def test_lc02_a_temporary_conversation_is_meant_by_its_mark_and_answered_with_it(served: Served) -> None:
    for said in (CONV_ID, str(CONV)):
        answer = await ok(served, "PUT", f"{ROOT}/_tmp:{said}", json={"name": "x"})
        assert answer["objectId"] == "_tmp:" + CONV_ID
        assert served.broker.last.command.conversation == CONV | TEMPORARIES


async def test_lc02_update(served: Served) -> None:
    answer = await ok(served, "PUT", HERE, json={"name": "Updated Conversation"})
    assert answer == UPDATED
    assert list(answer) == ["updatedAt", "objectId"]
    assert served.broker.last == managed(UpdateConversation(conversation=CONV, name="Updated Conversation", merge=True))
    await ok(served, "PUT", HERE, json={"color": "blue", "attr": {"a": [1]}})
    assert served.broker.last.command == UpdateConversation(
        conversation=CONV, attributes=b'{"color":"blue","attr":{"a":[1]}}', merge=True
    )


async def test_lc03_delete(served: Served) -> None:
    assert await ok(served, "DELETE", HERE) == {}
    assert served.broker.last == managed(DeleteConversation(conversation=CONV))


async def test_lc04_add_members(served: Served) -> None:
    before = int(time.time() * 1000) - 1
    answer = await ok(served, "POST", f"{HERE}/members", json={"client_ids": ["Tom", "Jerry"]})
    assert list(answer) == ["updatedAt", "objectId"]
    assert answer["objectId"] == CONV_ID
    stamp = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(before / 1000))
    assert answer["updatedAt"][:13] == stamp[:13]
    assert (len(answer["updatedAt"]), answer["updatedAt"][-1]) == (24, "Z")
    assert served.broker.last == managed(
        AddMembers(conversation=CONV, users=("Tom", "Jerry"), strict=True), "", "Tom", "Jerry"
    )


async def test_lc05_remove_members_with_a_body_on_delete(served: Served) -> None:
    answer = await ok(served, "DELETE", f"{HERE}/members", json={"client_ids": ["Tom", "Jerry"]})
    assert list(answer) == ["updatedAt", "objectId"]
    assert served.broker.last == managed(RemoveMembers(conversation=CONV, users=("Tom", "Jerry"), strict=True))


@pytest.mark.parametrize("query", ["client_ids=Tom&client_ids=Jerry", 'client_ids=["Tom","Jerry"]'])
async def test_lc05_the_same_in_the_query_where_a_proxy_drops_the_body(served: Served, query: str) -> None:
    await ok(served, "DELETE", f"{HERE}/members?{query}")
    assert served.broker.last == managed(RemoveMembers(conversation=CONV, users=("Tom", "Jerry"), strict=True))


async def test_lc05_who_stays_makes_an_error_that_names_him(served: Served) -> None:
    served.broker.on(RemoveMembers, Refused(Reason.NOT_ALLOWED, "Jerry cannot be removed here; nobody was"))
    answer = await call(served, "DELETE", f"{HERE}/members", json={"client_ids": ["Tom", "Jerry"]})
    assert (answer.status_code, answer.json()["code"]) == (403, 4403)
    assert "Jerry" in answer.json()["error"]


async def test_lc06_list_members_is_a_bare_array(served: Served) -> None:
    assert await ok(served, "GET", f"{HERE}/members") == ["client1", "client2"]
    assert served.broker.last == managed(ListMembers(conversation=CONV))


async def test_lc06_list_members_as_later_clients_read_it(served: Served) -> None:
    await served.change(leancloud_result=True)
    assert await ok(served, "GET", f"{HERE}/members") == {"result": ["client1", "client2"]}
