"""Conversations and their members: ZD-01 to ZD-07 and ZD-45 beside their printed answers, and what each refuses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from protocol.commands import (
    AddMembers,
    Condition,
    ConversationPage,
    CreateConversation,
    DeleteConversation,
    ListConversations,
    Managed,
    MembersChanged,
    RemoveMembers,
    UpdateConversations,
)
from protocol.ids import IdForms
from protocol.records import MemberFailure
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.native.conftest import CONV, CONV_ID, IDS, ok


async def test_zd01_add_members(served: Served) -> None:
    path = f"/im/conversations/{CONV_ID}/members"
    answer = await served.call("POST", path, json={"client_ids": ["Tom", "Jerry"]})
    assert answer.status_code == 200
    assert answer.json() == ok(True)
    assert served.broker.last == Managed(
        app=APP.id, rev=3, command=AddMembers(conversation=CONV, users=("Tom", "Jerry"), strict=True)
    )


async def test_members_that_failed_make_an_error_that_names_them(served: Served) -> None:
    failed = [MemberFailure(user="Jerry", reason="full")]
    served.broker.on(AddMembers, MembersChanged(allowed=["Tom"], failed=failed))
    answer = await served.call("POST", f"/im/conversations/{CONV_ID}/members", json={"client_ids": ["Tom", "Jerry"]})
    body = answer.json()
    assert body["code"] == 4014
    assert "Jerry" in body["message"]
    assert "Tom" in body["message"]


async def test_zd02_list_members(served: Served) -> None:
    answer = await served.call("GET", f"/im/conversations/{CONV_ID}/members")
    assert answer.json() == ok(["Tom", "Alex", "Iron"])


@pytest.mark.parametrize("conversation", ["x", "0" * 32, IdForms("other").hex32(CONV), "%00", "a" * 2000])
async def test_an_id_that_is_not_ours_is_4011(served: Served, conversation: str) -> None:
    answer = await served.call("GET", f"/im/conversations/{conversation}/members")
    assert answer.json()["code"] in (4011, 1)
    assert served.broker.heard == []


async def test_every_form_of_an_id_is_accepted(served: Served) -> None:
    for form in (IDS.hex32(CONV), IDS.hex24(CONV), IDS.base64(CONV), str(CONV)):
        assert (await served.call("GET", f"/im/conversations/{form}/members")).json()["code"] == 0


async def test_zd45_remove_members_with_a_body_on_delete(served: Served) -> None:
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}/members", json={"client_ids": ["Tom", 5]})
    assert answer.json() == ok(True)
    assert served.broker.last.command == RemoveMembers(conversation=CONV, users=("Tom", "5"))


async def test_zd04_create_conversation(served: Served) -> None:
    body = {
        "client_id": "1597500303",
        "to_client_ids": ["1597500304"],
        "conv_type": 2,
        "conv_extend": {"conv_name": "just test"},
    }
    answer = await served.call("POST", "/im/conversations", json=body)
    assert answer.json() == ok({"conv_extend": {"conv_name": "just test"}, "conv_id": CONV_ID})
    assert list(answer.json()["data"]) == ["conv_extend", "conv_id"]
    assert served.broker.last == Managed(
        app=APP.id,
        rev=3,
        user="1597500303",
        heed_ban=True,
        command=CreateConversation(kind=2, members=("1597500304",), attributes=b'{"conv_name":"just test"}'),
    )
    del body["conv_extend"]
    answer = await served.call("POST", "/im/conversations", json=body)
    assert answer.json() == ok({"conv_extend": None, "conv_id": CONV_ID})


async def test_numbers_serve_as_user_ids(served: Served) -> None:
    body = {"client_id": 8, "to_client_ids": [6, 7], "conv_type": "3"}
    assert (await served.call("POST", "/im/conversations", json=body)).json()["code"] == 0
    last = served.broker.last
    assert (last.user, last.numeric_user) == ("8", True)
    assert last.command == CreateConversation(kind=3, members=("6", "7"))


CREATE = {"client_id": "a", "to_client_ids": ["b"], "conv_type": 1}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": None}, 4001),
        ({"client_id": ""}, 4001),
        ({"client_id": {}}, 4406),
        ({"client_id": "a\u0000b"}, 4406),
        ({"to_client_ids": None}, 4001),
        ({"to_client_ids": "b"}, 4406),
        ({"to_client_ids": [["b"]]}, 4406),
        ({"to_client_ids": ["b", "c"]}, 4405),
        ({"to_client_ids": ["a"]}, 4405),
        ({"conv_type": None}, 4001),
        ({"conv_type": 0}, 4405),
        ({"conv_type": 5}, 4405),
        ({"conv_type": "x"}, 4406),
        ({"conv_type": 1.5}, 4406),
        ({"conv_type": True}, 4406),
        ({"conv_extend": "text"}, 4406),
        ({"conv_extend": []}, 4406),
    ],
)
async def test_zd04_refusals(served: Served, change: dict[str, Any], code: int) -> None:
    answer = await served.call("POST", "/im/conversations", json={**CREATE, **change})
    assert answer.json()["code"] == code
    assert served.broker.heard == []


async def test_zd37_a_chatroom_is_accepted(served: Served) -> None:
    answer = await served.call("POST", "/im/conversations", json={**CREATE, "conv_type": 4})
    assert answer.json()["code"] == 0


ROW = {
    "conv_id": CONV_ID,
    "conv_type": 2,
    "client_num": 0,
    "app_id": "666666",
    "conv_extend": None,
    "conv_creater_id": "1597500303",
    "ctime": "2020-08-21 07:16:37",
    "mtime": None,
}
PAGE = {"current_page": 1, "data": [ROW, {**ROW, "conv_type": 1}], "last_page": 10, "per_page": 2, "total": 20}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_zd05_list_conversations_as_titled_and_as_its_curl_line_sends_it(served: Served, method: str) -> None:
    where = f'[["conv_id","=","{CONV_ID}"]]'
    answer = await served.call(method, f"/im/conversations?where={quote(where)}&page=1&size=2")
    assert answer.json() == ok(PAGE)
    assert list(answer.json()["data"]["data"][0]) == list(ROW)
    where_there = (Condition("id", "=", CONV),)
    assert served.broker.last.command == ListConversations(where=where_there, page=1, size=2)


async def test_zd05_parameters_in_the_body_of_a_get(served: Served) -> None:
    body = {"where": [["conv_type", "in", [1, 2]]], "page": 2}
    assert (await served.call("GET", "/im/conversations", json=body)).json()["code"] == 0
    expected = ListConversations(where=(Condition("kind", "in", [1, 2]),), page=2, size=20)
    assert served.broker.last.command == expected


async def test_mux13_a_post_with_a_body_creates_whatever_the_query_says(served: Served) -> None:
    body = {"client_id": "a", "to_client_ids": ["b"], "conv_type": 1}
    await served.call("POST", "/im/conversations?where=[]", json=body)
    assert isinstance(served.broker.last.command, CreateConversation)


async def test_an_empty_list_is_one_empty_page(served: Served) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    answer = await served.call("GET", "/im/conversations?where=[]")
    empty = {"current_page": 1, "data": [], "last_page": 1, "per_page": 20, "total": 0}
    assert answer.json() == ok(empty)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (None, 4001),
        ("", 4001),
        ("nonsense", 4406),
        ("{}", 4406),
        ("[1]", 4406),
        ('[["conv_id","="]]', 4406),
        ('[["conv_id; DROP TABLE conversations","=","x"]]', 4406),
        ('[["1=1 OR conv_id","=","x"]]', 4406),
        ('[["conv_id","= 1 OR 1=","x"]]', 4406),
        ('[["conv_id","regexp","x"]]', 4406),
        ('[["password","=","x"]]', 4406),
        ('[["conv_extend","=","x"]]', 4406),
        ('[["conv_id","in","x"]]', 4406),
        ('[["user_id","=",{"$ne":null}]]', 4406),
        ('[["ctime","=","yesterday"]]', 4406),
        ("[[" * 40, 4406),
    ],
)
async def test_zd05_where_is_validated(served: Served, where: str | None, code: int) -> None:
    query = "" if where is None else f"?where={quote(where)}"
    assert (await served.call("GET", f"/im/conversations{query}")).json()["code"] == code
    assert served.broker.heard == []


async def test_zd05_what_looks_like_sql_in_a_value_stays_a_value(served: Served) -> None:
    said = [["name", "=", "x' OR '1'='1"], ["conv_extend.a'b", "like", "%;--"], ["conv_extend.name", "=", "x"]]
    where = json.dumps([*said, ["conv_id", "=", "1 OR 1"]])
    assert (await served.call("GET", f"/im/conversations?where={quote(where)}")).json()["code"] == 0
    command = served.broker.last.command
    assert isinstance(command, ListConversations)
    assert [(c.field, c.op, c.value) for c in command.where] == [
        ("name", "=", "x' OR '1'='1"),
        ("attributes.a'b", "like", "%;--"),
        ("name", "=", "x"),
        ("id", "=", 0),
    ]


async def test_zd06_update_conversation(served: Served) -> None:
    body = {"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": {"conv_name": "test2"}}}
    answer = await served.call("PUT", "/im/conversations", json=body)
    assert answer.json() == ok(True)
    where = (Condition("id", "=", CONV),)
    assert served.broker.last.command == UpdateConversations(where=where, attributes=b'{"conv_name":"test2"}', name="")
    body["update"] = {"conv_extend": {"conv_name": "test2", "name": "team"}}
    assert (await served.call("PUT", "/im/conversations", json=body)).json() == ok(True)
    assert served.broker.last.command == UpdateConversations(where=where, attributes=b'{"conv_name":"test2"}', name="team")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 4001),
        ({"where": [["conv_id", "=", CONV_ID]]}, 4001),
        ({"where": [["conv_id", "=", CONV_ID]], "update": {}}, 4001),
        ({"where": [["conv_id", "=", CONV_ID]], "update": []}, 4406),
        ({"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": {}, "conv_type": 1}}, 4406),
        ({"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": "x"}}, 4406),
        ({"where": [], "update": {"conv_extend": {}}}, 4406),
    ],
)
async def test_zd06_refusals(served: Served, body: Any, code: int) -> None:
    assert (await served.call("PUT", "/im/conversations", json=body)).json()["code"] == code
    assert served.broker.heard == []


async def test_zd07_delete_conversation(served: Served) -> None:
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}")
    assert answer.json() == ok(True)
    assert served.broker.last.command == DeleteConversation(conversation=CONV)
