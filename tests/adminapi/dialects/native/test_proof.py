"""Who may call the native API: the app's key in either header, and what each kind of token allows (ZD-40 to ZD-42)."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest

from protocol.commands import UpdateConversation
from protocol.ids import IdForms
from protocol.tokens import make_jwt
from tests.adminapi.conftest import APP, BARE, Served
from tests.adminapi.dialects.native.conftest import CONV, CONV_ID, post_message


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


@pytest.mark.parametrize("claims", [{"sub": "8"}, {"client_id": "8"}, {"unique_name": 8}])
async def test_whatever_logs_a_user_in_acts_as_that_user_only(served: Served, claims: dict[str, Any]) -> None:
    assert await post_message(served, bearer(**claims)) == 0
    assert (served.broker.last.user, served.broker.last.privileged) == ("8", False)


@pytest.mark.parametrize("claims", [{"user": "8"}, {"aud": "8"}, {"sub": ["8"]}, {"role": "admin"}])
async def test_a_token_that_names_nobody_known_is_not_the_back_offices(served: Served, claims: dict[str, Any]) -> None:
    assert await post_message(served, bearer(**claims)) == 4004


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
@pytest.mark.A1
async def test_bad_tokens_are_4004(served: Served, claims: dict[str, Any]) -> None:
    assert await post_message(served, bearer(**claims)) == 4004


@pytest.mark.A1
async def test_another_secret_or_algorithm_is_4004(served: Served) -> None:
    assert await post_message(served, bearer("x" * 32)) == 4004
    assert await post_message(served, {**bearer(BARE.secret + "x" * 30), "app-id": APP.id}) == 4004
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ1bmlxdWVfbmFtZSI6IjgifQ."
    assert await post_message(served, {"app-id": APP.id, "authorization": f"Bearer {none}"}) == 4004


async def test_a_users_token_updates_one_conversation_of_his(served: Served) -> None:
    body: dict[str, Any] = {"where": [["conv_id", "=", CONV_ID]], "update": {"conv_extend": {"a": 1}}}
    answer = await served.call("PUT", "/im/conversations", json=body, headers=bearer(unique_name="8"))
    assert answer.json()["code"] == 0
    assert served.broker.last.command == UpdateConversation(conversation=CONV, name="", attributes=b'{"a":1}')
    body["where"] = [["conv_type", "=", 1]]
    answer = await served.call("PUT", "/im/conversations", json=body, headers=bearer(unique_name="8"))
    assert answer.json()["code"] == 4005
