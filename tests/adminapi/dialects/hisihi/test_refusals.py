"""Bad input to every endpoint, other apps' ids, paths and methods that are none: always in the seed's form (HI-23, MUX-1,
MUX-2, MUX-5), never a 500."""

from __future__ import annotations

from typing import Any

import pytest

from adminapi.dialects.hisihi import Hisihi
from adminapi.dialects.hisihi.codes import INTERNAL
from protocol.commands import CreateConversation, GetConversation, ListConversations
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.adminapi.dialects.hisihi.conftest import GROUP, IDS, OTHER, PROOF, Office

BODIES = [("POST", "/im/group"), ("PUT", "/im/group/1"), ("POST", "/im/group/1/member")]
OF_A_GROUP = [
    ("PUT", "group/{}", {"group_name": "x"}),
    ("DELETE", "group/{}", None),
    ("DELETE", "user/c1/group/{}", None),
    ("POST", "group/{}/member", {"member_client_ids": "c2"}),
    ("DELETE", "group/{}/member/c1", None),
    ("GET", "group/{}", None),
    ("POST", "user/c2/group/{}/join_group_notification", None),
]


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 1006),
        (b"group_name=x", 1006),
        (b'{"group_name": NaN}', 1006),
        (b'{"a": 1, "a": 2}', 1006),
        (b"\xff", 1006),
        (b"[" * 20 + b"]" * 20, 1006),
        (b"[]", 1000),
        (b'"x"', 1000),
        (b"5", 1000),
        (b"null", 1000),
        (b"", 1000),
        (b"{}", 1000),
    ],
)
async def test_bodies_that_are_none(office: Office, method: str, path: str, body: bytes, code: int) -> None:
    assert await office.refused(method, path, content=body) == (400, code)
    assert await office.refused(method, "/v1" + path, content=body) == (400, code)


async def test_a_body_over_a_mebibyte(office: Office) -> None:
    for method, path in BODIES:
        assert await office.refused(method, path, content=b'"' + b"x" * 1_100_000 + b'"') == (413, 1000)


@pytest.mark.parametrize("field", [field for field in GROUP if field != "conversation_id"])
async def test_hi05_every_other_field_is_required(office: Office, field: str) -> None:
    for body in ({key: value for key, value in GROUP.items() if key != field}, {**GROUP, field: None}):
        answer = await office.call("POST", "/im/group", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, 1000)
        assert answer.json()["msg"] == f"{field} is missing."
    assert office.broker.heard == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("group_name", ""), ("group_name", 5), ("group_name", ["x"]), ("group_name", "x" * 257), ("group_name", "a\x00b"),
        ("group_name", "a\nb"), ("group_avatar", 5), ("group_avatar", "x" * 1025), ("group_avatar", "\x07"),
        ("description", {}), ("description", "x" * 2001), ("description", True), ("organization_id", 0),
        ("organization_id", -2), ("organization_id", "two"), ("organization_id", 2.0), ("organization_id", True),
        ("organization_id", 1 << 60), ("admin_uid", ""), ("admin_uid", 12), ("admin_uid", ["o12"]), ("admin_uid", "a:b"),
        ("admin_uid", "a b"), ("admin_uid", "x" * 129), ("member_client_ids", 5), ("member_client_ids", {}),
        ("member_client_ids", "c1::c2"), ("member_client_ids", ":"), ("member_client_ids", "c1: c2"),
        ("member_client_ids", [1]), ("member_client_ids", ["c1", None]), ("member_client_ids", ["c1:c2"]),
        ("member_client_ids", ["c"] * 1001), ("member_client_ids", ":".join(f"c{n}" for n in range(1001))),
    ],
)  # fmt: skip
async def test_hi05_values_that_are_none(office: Office, field: str, value: object) -> None:
    answer = await office.call("POST", "/im/group", json={**GROUP, field: value})
    assert (answer.status_code, answer.json()["code"]) == (400, 1000)
    assert field in answer.json()["msg"]
    assert office.broker.heard == []


@pytest.mark.parametrize("value", ["", 5, [], {}, "x" * 257, "a\x00b", True])
async def test_hi06_names_that_are_none(office: Office, value: object) -> None:
    number = office.group("c1", name="old")
    assert await office.refused("PUT", f"/im/group/{number}", json={"group_name": value}) == (400, 1000)
    assert office.manage(GetConversation(conversation=number)).conversation.name == "old"


@pytest.mark.parametrize("value", ["", [], None, 5, {}, ":", "c1:", ["c1", 2], "c 1", ["x" * 129]])
async def test_hi09_lists_that_are_none(office: Office, value: object) -> None:
    number = office.group("c1")
    assert await office.refused("POST", f"/im/group/{number}/member", json={"member_client_ids": value}) == (400, 1000)
    assert office.members(number) == {"c1": 2}


@pytest.mark.parametrize(("method", "path", "body"), OF_A_GROUP)
async def test_groups_that_are_none_of_this_app(office: Office, method: str, path: str, body: Any) -> None:
    foreign = office.group("c1", app=OTHER.id)
    room = office.manage(CreateConversation(kind=Kind.ROOM, members=()), user="").conversation.id
    ended = office.group("c1")
    office.end(ended)
    for number in (foreign, room, ended, IDS.hex24(foreign), 12, 0, -1, "x", "12.5", "9" * 20, "a" * 24, "%00", "²"):
        answer = await office.call(method, f"/im/{path.format(number)}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, 7003), number
        assert set(answer.json()) == {"msg", "code", "request"}
    assert office.script.manage(ListConversations(), app=OTHER.id).total == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/im/org/x/groups"), ("GET", "/im/org/0/contacts"), ("GET", "/im/org/-1/groups"),
        ("GET", "/im/org/9999999999999999999/contacts"), ("GET", "/im/user/a:b/groups"),
        ("GET", "/im/user/" + "x" * 129 + "/groups"), ("GET", "/im/group/1?client_id=a:b"),
        ("DELETE", "/im/group/1/member/a:b"), ("DELETE", "/im/group/1/member/c1?uid=a:b"),
        ("DELETE", "/im/user/a:b/group/1"), ("POST", "/im/user/a:b/group/1/join_group_notification"),
    ],
)  # fmt: skip
async def test_ids_in_paths_that_are_none(office: Office, method: str, path: str) -> None:
    assert await office.refused(method, path) == (400, 1000)
    assert office.broker.heard == []


async def test_a_body_where_none_belongs_changes_nothing(office: Office) -> None:
    number = office.group("c1", "c2", "c3")
    junk = b"{not json"
    assert (await office.ok("GET", f"/im/group/{number}", content=junk))["data"]
    assert await office.ok("GET", "/im/user/c9/groups", content=junk) == {"data": []}
    assert await office.ok("GET", "/im/org/9/contacts", content=junk) == {"data": []}
    await office.ok("POST", f"/im/user/c9/group/{number}/join_group_notification", 201, content=junk)
    await office.ok("DELETE", f"/im/group/{number}/member/c2", 204, content=junk)
    await office.ok("DELETE", f"/im/group/{number}", 204, content=junk)


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/im/group"), ("DELETE", "/im/group"), ("PATCH", "/im/group/1"), ("POST", "/im/group/1"),
        ("GET", "/im/group/1/member"), ("PUT", "/im/group/1/member/c1"), ("POST", "/im/groups"), ("PUT", "/im/org/1/groups"),
        ("DELETE", "/im/org/1/contacts"), ("GET", "/im/org/1/message"), ("GET", "/im/user/c1/group/1"),
        ("GET", "/im/user/c1/group/1/join_group_notification"),
    ],
)  # fmt: skip
async def test_methods_that_are_none(office: Office, prefix: str, method: str, path: str) -> None:
    assert await office.refused(method, prefix + path) == (405, 1008)


@pytest.mark.parametrize(
    "path", ["/im/signature", "/im/group/1/x", "/im/org", "/im/user/c1", "/v1/im", "/v1/im/nothing", "/v1/im/conversations"]
)
async def test_paths_below_our_roots_are_answered_in_our_form(office: Office, path: str) -> None:
    assert await office.refused("GET", path) == (404, 1001)


async def test_other_paths_below_im_are_not_ours(office: Office) -> None:
    """MUX-1: two dialects share `/im/`; what neither owns is answered neutrally."""
    for path in ("/im", "/im/nothing", "/im/groupsx", "/im/signatures/login"):
        answer = await office.call("GET", path)
        assert (answer.status_code, set(answer.json())) == (404, {"code", "error"})
    answer = await office.call("GET", "/im/conversations/x/members", headers={})
    assert (answer.status_code, set(answer.json())) == (200, {"code", "message", "data", "request-id"})
    answer = await office.call("GET", "/im/file")
    assert set(answer.json()) == {"code", "message", "data", "request-id"}


def test_every_reason_has_a_rendering() -> None:
    assert set(Hisihi.renderings) == set(Reason)
    assert all(rendering.code in range(1000, 7010) for rendering in Hisihi.renderings.values())
    assert all(rendering.status >= 400 for rendering in Hisihi.renderings.values())


@pytest.mark.parametrize("reason", list(Reason))
async def test_every_refusal_has_the_seeds_form(office: Office, reason: Reason) -> None:
    office.broker.on(ListConversations, Refused(reason, "the hub's own sentence"))
    answer = await office.call("GET", "/im/groups", headers=PROOF)
    rendering = Hisihi.renderings[reason]
    assert answer.status_code == rendering.status
    said = INTERNAL.text if reason is Reason.INTERNAL else "the hub's own sentence"
    assert answer.json() == {"msg": said, "code": rendering.code, "request": "GET  /im/groups"}


def test_every_endpoint_of_the_document_is_mounted_twice() -> None:
    """HI-01 to HI-17, and the invitation without members (MUX-8)."""
    paths = [(endpoint.method, endpoint.path) for endpoint in Hisihi().routes]
    documented = [(method, path) for method, path in paths if path.startswith("/im/")]
    assert len(documented) == 17 + 1
    assert sorted(paths) == sorted([*documented, *((method, "/v1" + path) for method, path in documented)])
