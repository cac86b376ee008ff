"""The native dialect: every request of the seed beside its printed answer, then proof, codes, traps and refusals."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
import trio

from adminapi.dialects.native import Native
from protocol.commands import (
    AddMembers,
    Condition,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    Done,
    ListConversations,
    ListMembers,
    ListMessages,
    Managed,
    MemberList,
    MembersChanged,
    MessagePage,
    RemoveMembers,
    SendMessage,
    Sent,
    UpdateConversation,
    UpdateConversations,
)
from protocol.errors import Reason, Refused
from protocol.ids import IdForms, first_at
from protocol.records import ConversationInfo, MemberFailure, MemberInfo, Message
from protocol.tokens import make_jwt
from tests.adminapi.conftest import APP, BARE, Served

IDS = IdForms(APP.id)
CREATED_MS = 1_597_994_197_000
"""2020-08-21 07:16:37, as the seed prints it."""
CONV = first_at(CREATED_MS)
CONV_ID = IDS.hex32(CONV)
MSG = first_at(1_608_298_323_027)
MSG_ID = IDS.hex32(MSG)
HEADERS = {"app-id": "666666", "app-key": "master"}


def info(kind: int = 2, attributes: bytes = b"{}", members: int = 0, updated_ms: int = 0) -> ConversationInfo:
    return ConversationInfo(
        id=CONV,
        kind=kind,
        name="",
        attributes=attributes,
        owner="1597500303",
        creator="1597500303",
        members=members,
        created_ms=CREATED_MS,
        updated_ms=updated_ms,
    )


def ok(data: Any, request_id: str | None = None) -> dict[str, Any]:
    return {"code": 0, "message": "ok", "data": data, "request-id": request_id}


@pytest.fixture
async def served(served: Served) -> Served:
    """The fake answers as the seed prints."""
    broker = served.broker
    broker.on(AddMembers, lambda command, managed: MembersChanged(allowed=list(command.users), failed=[]))
    broker.on(RemoveMembers, lambda command, managed: MembersChanged(allowed=list(command.users), failed=[]))
    members = [MemberInfo(user=user, role=0, online=False) for user in ("Tom", "Alex", "Iron")]
    broker.on(ListMembers, MemberList(members=members, total=len(members)))
    broker.on(
        CreateConversation,
        lambda command, managed: Created(conversation=info(command.kind, command.attributes), created=True),
    )
    broker.on(ListConversations, ConversationPage(conversations=[info(2), info(1)], total=20))
    broker.on(UpdateConversations, Done(time_ms=1))
    broker.on(UpdateConversation, Done(time_ms=1))
    broker.on(DeleteConversation, Done(time_ms=1))
    broker.on(SendMessage, Sent(message=MSG, conversation=CONV, seq=1, time_ms=1_608_126_111_686))
    message = Message(id=MSG, conversation=CONV, seq=7, sender="2", type=-1, body=b'{"text":"123323333211112321"}')
    broker.on(ListMessages, MessagePage(messages=[message], total=237))
    return served


async def test_zd01_add_members(served: Served) -> None:
    path = f"/im/conversations/{CONV_ID}/members"
    answer = await served.call("POST", path, json={"client_ids": ["Tom", "Jerry"]})
    assert answer.status_code == 200
    assert answer.json() == ok(True)
    assert served.broker.last == Managed(
        app=APP.id, rev=3, command=AddMembers(conversation=CONV, users=("Tom", "Jerry"), strict=True)
    )


async def test_zd02_list_members(served: Served) -> None:
    answer = await served.call("GET", f"/im/conversations/{CONV_ID}/members")
    assert answer.json() == ok(["Tom", "Alex", "Iron"])


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


async def test_zd06_update_conversation(served: Served) -> None:
    body = {"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": {"conv_name": "test2"}}}
    answer = await served.call("PUT", "/im/conversations", json=body)
    assert answer.json() == ok(True)
    expected = UpdateConversations(where=(Condition("id", "=", CONV),), attributes=b'{"conv_name":"test2"}')
    assert served.broker.last.command == expected


async def test_zd07_delete_conversation(served: Served) -> None:
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}")
    assert answer.json() == ok(True)
    assert served.broker.last.command == DeleteConversation(conversation=CONV)


async def test_zd09_send_message(served: Served) -> None:
    path = f"/im/conversations/{CONV_ID}/message"
    answer = await served.call("POST", path, json={"from_client": 2, "type": -1, "text": "HELLO !"})
    assert answer.json() == ok({"msg_id": MSG_ID, "time": 1608126111686})
    assert served.broker.last == Managed(
        app=APP.id,
        rev=3,
        user="2",
        numeric_user=True,
        command=SendMessage(conversation=CONV, type=-1, body=b'{"text":"HELLO !"}'),
    )


async def test_zd09_all_fields(served: Served) -> None:
    body = {
        "from_client": "2",
        "type": "-2",
        "attr": {"w": 1},
        "url": "http://x/y.jpg",
        "transient": 1,
        "mention_all": "1",
        "mention_client_ids": '["3",4]',
    }
    headers = {**HEADERS, "Idempotency-Key": "once", "Request-Id": "r-1"}
    answer = await served.call("POST", f"/im/conversations/{CONV_ID}/message/", json=body, headers=headers)
    assert answer.json()["request-id"] == "r-1"
    assert served.broker.last.command == SendMessage(
        conversation=CONV,
        type=-2,
        body=b'{"attr":{"w":1},"url":"http://x/y.jpg"}',
        transient=True,
        mention_all=True,
        mentions=("3", "4"),
        client_msg_id="once",
    )


@pytest.mark.parametrize(("sent", "kept"), [(0, True), ("0", True), (1, False), ("1", False), (None, False)])
async def test_zd09_no_sync_means_what_is_printed(served: Served, sent: Any, kept: bool) -> None:
    body = {"from_client": "2", "type": -1, "text": "x", "no_sync": sent}
    await served.call("POST", f"/im/conversations/{CONV_ID}/message", json=body)
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert command.no_sync is kept


async def test_zd08_list_messages_with_a_body_on_get(served: Served) -> None:
    path = f"/im/conversations/{CONV_ID}/message"
    answer = await served.call("GET", path, json={"page": 3, "size": 5})
    row = {
        "msg_id": MSG_ID,
        "conv_id": CONV_ID,
        "type": -1,
        "text": "123323333211112321",
        "attr": None,
        "url": "null",
        "ctime": 1608298323027,
        "msg_status": 1,
        "no_sync": 0,
        "mention_all": 0,
        "mention_client_ids": "null",
        "transient": 0,
        "mtime": None,
        "client_id": "2",
    }
    page = {"current_page": 3, "data": [row], "last_page": 48, "per_page": 5, "total": 237}
    assert answer.json() == ok(page)
    assert list(answer.json()["data"]["data"][0]) == list(row)
    assert served.broker.last.command == ListMessages(conversation=CONV, page=3, size=5)
    await served.call("GET", path)
    assert served.broker.last.command == ListMessages(conversation=CONV, page=1, size=10)
    await served.call("GET", path + "?page=2&size=7")
    assert served.broker.last.command == ListMessages(conversation=CONV, page=2, size=7)


async def test_zd11_upload_answers_a_bare_url_where_the_file_is(served: Served) -> None:
    name = "2020-04-28 16.25.13.jpg"
    answer = await served.call("POST", "/im/file/upload", files={"file": (name, b"\xff\xd8picture", "image/jpeg")})
    body = answer.json()
    assert (body["code"], body["message"]) == (0, "ok")
    assert body["data"].startswith(f"http://{served.host}/-/files/666666/")
    assert body["data"].endswith(".jpg")
    got = await served.client.get(body["data"])
    assert got.content == b"\xff\xd8picture"
    assert got.headers["content-type"] == "image/jpeg"


# Proof


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"app-id": "666666", "app-key": "master"}, 0),
        ({"IM-APP-ID": "666666", "app-key": "a-long-secret"}, 0),
        ({"app-id": "666666", "IM-APP-ID": "666666", "app-key": "master"}, 0),
        ({"app-id": "666666", "IM-APP-ID": "bare", "app-key": "master"}, 4002),
        ({"app-key": "master"}, 4002),
        ({}, 4002),
        ({"app-id": "nobody", "app-key": "master"}, 4002),
        ({"app-id": "gone", "app-key": "k3"}, 4002),
        ({"app-id": "666666"}, 4002),
        ({"app-id": "bare"}, 0),
        ({"app-id": "bare", "app-key": "wrong"}, 4004),
        ({"app-id": "666666", "app-key": "wrong"}, 4004),
        ({"app-id": "666666", "app-key": ""}, 4004),
        ({"app-id": "666666", "app-key": "mästér".encode()}, 4004),
        ({"app-id": "666666", "authorization": "Bearer nonsense"}, 4004),
        ({"app-id": "666666", "authorization": "Basic eDp5"}, 4002),
        ({"X-LC-Id": "666666", "X-LC-Key": "master"}, 4002),
    ],
)
async def test_keys_and_both_app_headers(served: Served, headers: dict[str, str], code: int) -> None:
    app = headers.get("app-id", "666666")
    conversation = IdForms(app).hex32(CONV)
    answer = await served.call("GET", f"/im/conversations/{conversation}/members", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    if code:
        assert answer.json()["data"] is None
        assert served.broker.heard == []


def bearer(secret: str = APP.secret, **claims: Any) -> dict[str, str]:
    claims.setdefault("exp", int(time.time()) + 600)
    return {"app-id": APP.id, "authorization": "Bearer " + make_jwt(secret, claims)}


def md5(*members: str) -> str:
    return hashlib.md5(json.dumps(members, separators=(",", ":")).encode()).hexdigest()


SEND = {"from_client": "8", "type": -1, "text": "x"}


async def post_message(served: Served, headers: dict[str, str], body: Any = SEND) -> int:
    answer = await served.call("POST", f"/im/conversations/{CONV_ID}/message", json=body, headers=headers)
    return int(answer.json()["code"])


async def test_a_management_token_does_everything(served: Served) -> None:
    assert await post_message(served, bearer()) == 0
    assert served.broker.last.privileged


async def test_a_login_token_acts_as_its_user_only(served: Served) -> None:
    for name in (8, "8"):
        assert await post_message(served, bearer(unique_name=name)) == 0
        assert (served.broker.last.user, served.broker.last.privileged) == ("8", False)
    assert await post_message(served, bearer(unique_name="9")) == 4005
    assert (await served.call("GET", f"/im/conversations/{CONV_ID}/members", headers=bearer(unique_name="9"))).json()[
        "code"
    ] == 0
    assert (served.broker.last.user, served.broker.last.privileged) == ("9", False)
    body = {"client_id": "8", "to_client_ids": ["6"], "conv_type": 1}
    answer = await served.call("POST", "/im/conversations", json=body, headers=bearer(unique_name="9"))
    assert answer.json()["code"] == 4005


async def test_a_token_beside_a_key_still_narrows(served: Served) -> None:
    headers = {**bearer(unique_name="8"), "app-key": "master"}
    assert await post_message(served, headers) == 0
    assert not served.broker.last.privileged


async def test_an_action_token_allows_its_act_for_its_user_with_its_members(served: Served) -> None:
    assert md5("6", "7") == "4da3203c3552dab1c183da893a483ede"
    headers = bearer(aud=8, act="conv.create", members="4da3203c3552dab1c183da893a483ede")
    body: dict[str, Any] = {"client_id": 8, "to_client_ids": [6, 7], "conv_type": 3}
    assert (await served.call("POST", "/im/conversations", json=body, headers=headers)).json()["code"] == 0
    assert (served.broker.last.user, served.broker.last.privileged) == ("8", False)
    for change in ({"to_client_ids": ["6"]}, {"to_client_ids": ["7", "6"]}, {"client_id": "6"}):
        answer = await served.call("POST", "/im/conversations", json={**body, **change}, headers=headers)
        assert answer.json()["code"] == 4005
    assert await post_message(served, headers) == 4005
    path = f"/im/conversations/{CONV_ID}/members"
    for method, act in (("POST", "conv.members.add"), ("DELETE", "conv.members.remove")):
        headers = bearer(aud="8", act=act, members=md5("6", "7"))
        assert (await served.call(method, path, json={"client_ids": ["6", "7"]}, headers=headers)).json()["code"] == 0
        assert (await served.call(method, path, json={"client_ids": ["6"]}, headers=headers)).json()["code"] == 4005
        headers = bearer(aud="8", act=act)
        assert (await served.call(method, path, json={"client_ids": ["6"]}, headers=headers)).json()["code"] == 4005
    assert await post_message(served, bearer(aud="8", act="msg.send")) == 0
    assert await post_message(served, bearer(aud="8", act="msg.send", members=md5("x"))) == 4005


@pytest.mark.parametrize(
    ("method", "path", "act", "body"),
    [
        ("GET", f"/im/conversations/{CONV_ID}/members", "conv.members", None),
        ("GET", "/im/conversations?where=[]", "conv.list", None),
        ("PUT", "/im/conversations", "conv.update", {"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": {}}}),
        ("DELETE", f"/im/conversations/{CONV_ID}", "conv.delete", None),
        ("GET", f"/im/conversations/{CONV_ID}/message", "msg.history", None),
    ],
)
async def test_each_act_opens_its_endpoint_and_no_other(served: Served, method: str, path: str, act: str, body: Any) -> None:
    answer = await served.call(method, path, json=body, headers=bearer(aud="8", act=act))
    assert answer.json()["code"] == 0
    answer = await served.call(method, path, json=body, headers=bearer(aud="8", act="msg.send"))
    assert answer.json()["code"] == 4005


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"unique_name": ""},
        {"aud": "8"},
        {"act": "msg.send"},
        {"act": "", "aud": "8"},
        {"act": "conv.create", "aud": "8", "members": 5},
        {"app_id": "bare"},
        {"unique_name": "8", "nbf": int(time.time()) + 9999},
    ],
)
async def test_bad_tokens_are_4004(served: Served, claims: dict[str, Any]) -> None:
    assert await post_message(served, bearer(**claims)) == 4004


async def test_another_secret_or_algorithm_is_4004(served: Served) -> None:
    assert await post_message(served, bearer("x" * 32)) == 4004
    assert await post_message(served, {**bearer(BARE.secret + "x" * 30), "app-id": APP.id}) == 4004
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ1bmlxdWVfbmFtZSI6IjgifQ."
    assert await post_message(served, {"app-id": APP.id, "authorization": f"Bearer {none}"}) == 4004


async def test_a_users_token_updates_one_conversation_of_his(served: Served) -> None:
    body = {"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": {"a": 1}}}
    answer = await served.call("PUT", "/im/conversations", json=body, headers=bearer(unique_name="8"))
    assert answer.json()["code"] == 0
    assert served.broker.last.command == UpdateConversation(conversation=CONV, attributes=b'{"a":1}')
    body["where"] = [["conv_type", "=", 1]]
    answer = await served.call("PUT", "/im/conversations", json=body, headers=bearer(unique_name="8"))
    assert answer.json()["code"] == 4005


# Codes


def test_every_reason_has_a_rendering() -> None:
    assert set(Native.renderings) == set(Reason)
    assert all(rendering.status == 200 for rendering in Native.renderings.values())


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.INTERNAL, 1),
        (Reason.UNKNOWN_USER, 211),
        (Reason.BAD_USER_ID, 212),
        (Reason.BANNED, 213),
        (Reason.WRONG_PASSWORD, 214),
        (Reason.MISSING_FIELD, 4001),
        (Reason.MISSING_HEADER, 4002),
        (Reason.UNKNOWN_APP, 4002),
        (Reason.NOT_LOGGED_IN, 4003),
        (Reason.UNAUTHORIZED, 4004),
        (Reason.NOT_ALLOWED, 4005),
        (Reason.UNKNOWN_CONVERSATION, 4011),
        (Reason.MUTED, 4012),
        (Reason.NOT_A_MEMBER, 4013),
        (Reason.FULL, 4014),
        (Reason.BLOCKED, 4015),
        (Reason.UNKNOWN_MESSAGE, 4016),
        (Reason.TOO_BROAD, 4017),
        (Reason.EXISTS, 4018),
        (Reason.TOO_FAST, 4029),
        (Reason.TOO_LARGE, 4030),
        (Reason.BAD_KIND, 4405),
        (Reason.BAD_FORMAT, 4406),
        (Reason.BAD_FILE, 4601),
        (Reason.STORAGE_UNAVAILABLE, 5030),
        (Reason.OVERLOADED, 5031),
        (Reason.HISTORY_UNAVAILABLE, 5032),
        (Reason.GOING_AWAY, 5033),
        (Reason.OUTCOME_UNKNOWN, 5034),
    ],
)
async def test_what_the_broker_refuses_has_its_code(served: Served, reason: Reason, code: int) -> None:
    served.broker.on(DeleteConversation, Refused(reason, "the user 7", retry_after_ms=1500))
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}", headers={**HEADERS, "request-id": "q"})
    text = "Internal server error. No information available" if code == 1 else "the user 7"
    assert answer.status_code == 200
    assert answer.json() == {"code": code, "message": text, "data": None, "request-id": "q"}
    assert answer.headers["retry-after"] == "2"


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


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from_client": None}, 4001),
        ({"type": None}, 4001),
        ({"text": None}, 4001),
        ({"text": ""}, 4001),
        ({"text": 5}, 4406),
        ({"type": 0}, 4406),
        ({"type": -7}, 4406),
        ({"type": 1}, 4406),
        ({"type": "text"}, 4406),
        ({"transient": 2}, 4406),
        ({"no_sync": True}, 4406),
        ({"mention_client_ids": {"a": 1}}, 4406),
        ({"mention_client_ids": "nonsense"}, 4406),
        ({"url": 7}, 4406),
    ],
)
async def test_zd09_refusals(served: Served, change: dict[str, Any], code: int) -> None:
    assert await post_message(served, HEADERS, {**SEND, **change}) == code
    assert served.broker.heard == []


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
    where = json.dumps([["name", "=", "x' OR '1'='1"], ["conv_extend.a'b", "like", "%;--"], ["conv_id", "=", "1 OR 1"]])
    assert (await served.call("GET", f"/im/conversations?where={quote(where)}")).json()["code"] == 0
    command = served.broker.last.command
    assert isinstance(command, ListConversations)
    assert [(c.field, c.op, c.value) for c in command.where] == [
        ("name", "=", "x' OR '1'='1"),
        ("attributes.a'b", "like", "%;--"),
        ("id", "=", 0),
    ]


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "size=0", "size=101", "size=1e3", "page=99999999999"])
async def test_paging_is_bounded(served: Served, query: str) -> None:
    answer = await served.call("GET", f"/im/conversations/{CONV_ID}/message?{query}")
    assert answer.json()["code"] == 4406


async def test_an_empty_list_is_one_empty_page(served: Served) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    answer = await served.call("GET", "/im/conversations?where=[]")
    empty = {"current_page": 1, "data": [], "last_page": 1, "per_page": 20, "total": 0}
    assert answer.json() == ok(empty)


@pytest.mark.parametrize("conversation", ["x", "0" * 32, IdForms("other").hex32(CONV), "%00", "a" * 2000])
async def test_an_id_that_is_not_ours_is_4011(served: Served, conversation: str) -> None:
    answer = await served.call("GET", f"/im/conversations/{conversation}/members")
    assert answer.json()["code"] in (4011, 1)
    assert served.broker.heard == []


async def test_every_form_of_an_id_is_accepted(served: Served) -> None:
    for form in (IDS.hex32(CONV), IDS.hex24(CONV), IDS.base64(CONV), str(CONV)):
        assert (await served.call("GET", f"/im/conversations/{form}/members")).json()["code"] == 0


async def test_members_that_failed_make_an_error_that_names_them(served: Served) -> None:
    failed = [MemberFailure(user="Jerry", reason="full")]
    served.broker.on(AddMembers, MembersChanged(allowed=["Tom"], failed=failed))
    answer = await served.call("POST", f"/im/conversations/{CONV_ID}/members", json={"client_ids": ["Tom", "Jerry"]})
    body = answer.json()
    assert body["code"] == 4014
    assert "Jerry" in body["message"]
    assert "Tom" in body["message"]


# Before routing, and while the broker is away


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/im/conversations/a/b/c", b"", 1),
        ("GET", "/im/file", b"", 1),
        ("GET", "/im/file/upload", b"", 1),
        ("PATCH", "/im/conversations", b"{}", 1),
        ("OPTIONS", "/im/conversations", b"", 1),
        ("POST", "/im/conversations", b"{", 4406),
        ("POST", "/im/conversations", b"[]", 4406),
        ("POST", "/im/conversations", b'{"a":1,"a":2}', 4406),
        ("POST", "/im/conversations", b'{"a":NaN}', 4406),
        ("POST", "/im/conversations", b"\xff\xfe", 4406),
        ("POST", "/im/conversations", b"[" * 100_000, 4406),
        ("POST", "/im/conversations", b" " * 1_100_000, 4030),
        ("POST", "/im/file/upload", b"{}", 4601),
    ],
)
async def test_what_fails_before_routing_answers_in_the_envelope(
    served: Served, method: str, path: str, body: bytes, code: int
) -> None:
    answer = await served.call(method, path, content=body)
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert set(answer.json()) == {"code", "message", "data", "request-id"}


async def test_an_unforeseen_error_is_code_1_and_shows_nothing(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.broker.on(ListMembers, Done(time_ms=1))
    answer = await served.call("GET", f"/im/conversations/{CONV_ID}/members")
    assert answer.json()["code"] == 1
    assert answer.json()["message"] == "Internal server error. No information available"
    assert "unforeseen" in caplog.text


async def test_while_the_broker_is_away_the_answer_is_try_again_later_and_it_recovers(
    served: Served, nursery: trio.Nursery
) -> None:
    served.broker.stop()
    for _ in range(3):
        answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}")
        await trio.sleep(0.01)
    assert answer.json()["code"] == 5031
    assert "retry-after" in answer.headers
    await nursery.start(served.broker.run)
    with trio.fail_after(5):
        await served.channel.wait_ready()
    assert (await served.call("DELETE", f"/im/conversations/{CONV_ID}")).json()["code"] == 0


async def test_a_write_in_flight_when_the_broker_dies_is_5034(served: Served) -> None:
    served.broker.on(DeleteConversation, lambda command, managed: served.broker.drop())
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}")
    assert answer.json()["code"] == 5034


@pytest.mark.parametrize("claims", [{"sub": "8"}, {"client_id": "8"}, {"unique_name": 8}])
async def test_whatever_logs_a_user_in_acts_as_that_user_only(served: Served, claims: dict[str, Any]) -> None:
    assert await post_message(served, bearer(**claims)) == 0
    assert (served.broker.last.user, served.broker.last.privileged) == ("8", False)


@pytest.mark.parametrize("claims", [{"user": "8"}, {"aud": "8"}, {"sub": ["8"]}, {"role": "admin"}])
async def test_a_token_that_names_nobody_known_is_not_the_back_offices(served: Served, claims: dict[str, Any]) -> None:
    assert await post_message(served, bearer(**claims)) == 4004
