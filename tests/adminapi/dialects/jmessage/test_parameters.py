"""How a request is read: paging, forms of ids, any content type, and the bad input that is JM-23."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.ids import IdForms
from tests.adminapi.conftest import APP
from tests.adminapi.dialects.jmessage.conftest import GID, MESSAGE, MSG, Jiguang, basic, error_of


async def test_paging_left_out(served: Jiguang) -> None:
    for path in ("/v1/users", "/v1/users/?start=&count="):
        answer = await served.call("GET", path)
        assert (answer.json()["start"], answer.json()["count"]) == (0, 100)


@pytest.mark.parametrize("path", ["/v1/users/", "/v1/groups/"])
@pytest.mark.parametrize("query", ["start=-1", "start=x", "start=1.5", "start=9999999999999", "count=0", "count=501"])
async def test_paging_is_bounded(served: Jiguang, path: str, query: str) -> None:
    message = error_of(await served.call("GET", f"{path}?{query}"), 400, 899003)
    assert message.startswith(f"Parameter invalid! {query[:5]} must be")
    assert served.broker.heard == []


@pytest.mark.parametrize("form", ["hex32", "hex24", "base64"])
async def test_every_form_of_a_gid_is_accepted(served: Jiguang, form: str) -> None:
    gid = getattr(IdForms(APP.id), form)(GID)
    assert (await served.call("GET", f"/v1/groups/{gid}")).json()["gid"] == GID
    body = {**MESSAGE, "target_type": "group", "target_id": gid}
    assert (await served.call("POST", "/v1/messages", json=body)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/users/", {"username": "dev_fang", "password": "password"}),
        ("POST", "/v1/users/", []),
        ("POST", "/v1/users/", ["dev_fang"]),
        ("POST", "/v1/users/", [{"username": "dev_fang", "password": "password"}, None]),
        ("PUT", "/v1/users/test", {}),
        ("PUT", "/v1/users/test", []),
        ("PUT", "/v1/users/test", {"username": "other", "password": "x"}),
        ("PUT", "/v1/users/test", {"nickname": 5}),
        ("PUT", "/v1/users/test", {"nickname": "a\nb"}),
        ("PUT", "/v1/users/test", {"nickname": "名" * 22}),
        ("PUT", "/v1/users/test", {"signature": "x" * 251}),
        ("PUT", "/v1/users/test", {"region": {}}),
        ("PUT", "/v1/users/test", {"address": ["x"]}),
        ("PUT", "/v1/users/test", {"gender": 3}),
        ("PUT", "/v1/users/test", {"gender": "male"}),
        ("PUT", "/v1/users/test", {"gender": True}),
        ("PUT", "/v1/users/test", {"star": 1.5}),
        ("PUT", "/v1/users/test", {"birthday": "1990-02-30"}),
        ("PUT", "/v1/users/test", {"birthday": 19900124}),
        ("PUT", "/v1/users/test", {"avatar": "x" * 1025}),
        ("PUT", "/v1/users/test", {"extras": "x"}),
        ("PUT", "/v1/users/test", {"extras": {"x": "y" * 4096}}),
        ("POST", "/v1/groups/", {}),
        ("POST", "/v1/groups/", []),
        ("POST", "/v1/groups/", {"owner_username": "tom"}),
        ("POST", "/v1/groups/", {"group_name": "g"}),
        ("POST", "/v1/groups/", {"owner_username": ["tom"], "group_name": "g"}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": ""}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": 5}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "a\u0000b"}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "名" * 22}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "g", "group_desc": "x" * 251}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "g", "members_username": "eddie"}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "g", "members_username": [{}]}),
        ("POST", "/v1/groups/13579/members", {}),
        ("POST", "/v1/groups/13579/members", []),
        ("POST", "/v1/groups/13579/members", {"add": [], "remove": []}),
        ("POST", "/v1/groups/13579/members", {"add": "test1"}),
        ("POST", "/v1/groups/13579/members", {"add": [None]}),
        ("POST", "/v1/groups/13579/members", {"add": ["test1"], "remove": ["test1"]}),
        ("POST", "/v1/groups/13579/members", {"add": [f"user{number}" for number in range(501)]}),
    ],
)
async def test_jm23_parameter_invalid(served: Jiguang, method: str, path: str, body: Any) -> None:
    message = error_of(await served.call(method, path, json=body), 400, 899003)
    assert message.startswith("Parameter invalid! ")
    assert served.broker.heard == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/users/", b'[{"username":"dev_fang","password":"password"},\n]', 400, 899003),
        ("POST", "/v1/users/", b"{", 400, 899003),
        ("POST", "/v1/users/", b"", 400, 899003),
        ("POST", "/v1/users/", b"\xff\xfe", 400, 899003),
        ("POST", "/v1/users/", b"[" * 100_000, 400, 899003),
        ("POST", "/v1/users/", b" " * 1_100_000, 400, 899003),
        ("POST", "/v1/messages", b'{"version":NaN}', 400, 899003),
        ("POST", "/v1/messages", b'{"version":1,"version":1}', 400, 899003),
        ("POST", "/v1/groups/", '{“owner_username”: "tom"}'.encode(), 400, 899003),
        ("GET", "/v1/users/tom/friends", b"", 404, 404),
        ("GET", "/v1/messages/x", b"", 404, 404),
        ("PUT", "/v1/groups/13579", b"{}", 405, 405),
        ("DELETE", "/v1/users/", b"", 405, 405),
        ("PATCH", "/v1/groups/", b"{}", 405, 405),
    ],
)
async def test_what_cannot_be_read_or_routed_answers_in_the_form(
    served: Jiguang, method: str, path: str, body: bytes, status: int, code: int
) -> None:
    error_of(await served.call(method, path, content=body), status, code)
    assert served.broker.heard == []


@pytest.mark.parametrize("content_type", ["application/json;charset:utf-8", "text/plain", "application/octet-stream", ""])
async def test_the_content_type_does_not_matter(served: Jiguang, content_type: str) -> None:
    headers = {**basic(), "Content-Type": content_type}
    answer = await served.call("POST", "/v1/messages/", content=json.dumps(MESSAGE).encode(), headers=headers)
    assert answer.json() == {"msg_id": MSG}
