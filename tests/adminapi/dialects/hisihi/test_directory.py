"""HI-11 to HI-13, HI-15, HI-16: lists in the seed's shape, in its paging, of this app and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import CreateConversation, DeleteUser, GetConversation, ListUsers
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.adminapi.dialects.hisihi.conftest import IDS, OTHER, Office

ROOTS = ["/im", "/v1/im"]


def row(office: Office, number: int, name: str, **more: Any) -> dict[str, Any]:
    """A group as HI-11 prints one."""
    created = office.manage(GetConversation(conversation=number)).conversation.created_ms
    return {
        "id": number,
        "group_avatar": "0",
        "group_name": name,
        "description": "",
        "level": 6,
        "conversation_id": IDS.hex24(number),
        "create_time": created // 1000,
        **more,
    }


def school(office: Office) -> tuple[int, int]:
    """Two groups of organisation 2, and others."""
    first = office.group("o12", "c1", name="g123", organization_id=2, group_avatar="0", description="")
    office.script.pass_ms(321_000)
    second = office.group("o12", name="676", organization_id=2, group_avatar="0")
    office.group("o3", name="elsewhere", organization_id=3)
    office.group("o3", name="nowhere")
    office.group("o12", name="foreign", organization_id=2, app=OTHER.id)
    office.manage(CreateConversation(kind=Kind.ROOM, members=(), attributes=b'{"organization_id":2}'), user="c1")
    return first, second


@pytest.mark.parametrize("root", ROOTS)
async def test_hi11_the_groups_of_an_organisation(office: Office, root: str) -> None:
    first, second = school(office)
    answer = await office.ok("GET", f"{root}/org/2/groups")
    assert answer == {"data": [row(office, first, "g123"), row(office, second, "676")], "total_count": 2}
    assert answer["data"][1]["create_time"] - answer["data"][0]["create_time"] == 321
    assert await office.ok("GET", f"{root}/org/99/groups") == {"data": [], "total_count": 0}


@pytest.mark.parametrize("root", ROOTS)
async def test_hi12_all_groups(office: Office, root: str) -> None:
    school(office)
    answer = await office.ok("GET", f"{root}/groups")
    assert [group["group_name"] for group in answer["data"]] == ["g123", "676", "elsewhere", "nowhere"]
    assert answer["total_count"] == 4
    assert all(set(group) == set(answer["data"][0]) for group in answer["data"])


@pytest.mark.parametrize(
    ("query", "body", "names"),
    [
        ("?page=1&per_page=3", None, ["g123", "676", "elsewhere"]),
        ("?page=2&per_page=3", None, ["nowhere"]),
        ("?page=9&per_page=3", None, []),
        ("", {"page": 2, "per_page": 3}, ["nowhere"]),
        ("", {"page": "2", "per_page": "3"}, ["nowhere"]),
        ("?page=1&per_page=3", {"page": 2, "per_page": 1}, ["676"]),
        ("?page=2", {"per_page": 2}, ["elsewhere", "nowhere"]),
        ("?page=&per_page=", {}, ["g123", "676", "elsewhere", "nowhere"]),
    ],
)
async def test_paging_is_read_from_the_body_and_else_from_the_query(
    office: Office, query: str, body: Any, names: list[str]
) -> None:
    school(office)
    answer = await office.ok("GET", f"/im/groups{query}", json=body)
    assert [group["group_name"] for group in answer["data"]] == names
    assert answer["total_count"] == 4


async def test_twenty_to_a_page(office: Office) -> None:
    for n in range(21):
        office.group("o1", name=f"g{n}", organization_id=1)
    for path in ("/im/groups", "/im/org/1/groups"):
        assert len((await office.ok("GET", path))["data"]) == 20
        assert [group["group_name"] for group in (await office.ok("GET", f"{path}?page=2"))["data"]] == ["g20"]


@pytest.mark.parametrize("path", ["/im/groups", "/v1/im/org/2/groups"])
@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=1.5", "per_page=0", "per_page=101", "page=100001", "page=9" + "9" * 30]
)
async def test_pages_that_are_none(office: Office, path: str, query: str) -> None:
    assert await office.refused("GET", f"{path}?{query}") == (400, 1000)


@pytest.mark.parametrize("path", ["/im/groups", "/im/org/2/groups"])
@pytest.mark.parametrize(("body", "code"), [(b"{", 1006), (b"[]", 1000), (b'{"page": []}', 1000), (b'{"page": true}', 1000)])
async def test_bodies_that_are_no_paging(office: Office, path: str, body: bytes, code: int) -> None:
    assert await office.refused("GET", path, content=body) == (400, code)


@pytest.mark.parametrize("root", ROOTS)
async def test_hi13_contacts(office: Office, root: str) -> None:
    first, second = school(office)
    office.user("c529", organization_id=2, nickname="LEE", name="Lee", avatar="http://x/55a62d15b9fc4-05505543.jpg")
    office.user("o7", organization_id=2, name="admin", avatar=5)
    office.user("Tom@x", organization_id=2)
    office.user("c8", organization_id=3)
    office.user("c9", organization_id="2")
    office.user("c10", organization_id=2)
    office.manage(DeleteUser(user="c10"))
    assert await office.ok("GET", f"{root}/org/2/contacts") == {
        "data": [
            {"id": first, "avatar": "0", "name": "g123", "type": "group"},
            {"id": second, "avatar": "0", "name": "676", "type": "group"},
            {"id": 529, "avatar": "http://x/55a62d15b9fc4-05505543.jpg", "name": "LEE", "type": "user"},
            {"id": 7, "avatar": "", "name": "admin", "type": "user"},
            {"id": "Tom@x", "avatar": "", "name": "Tom@x", "type": "user"},
        ]
    }
    assert await office.ok("GET", f"{root}/org/77/contacts") == {"data": []}


async def test_hi13_more_contacts_than_one_question_answers(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        office.group("o1", organization_id=1)
        office.user(f"c{n}", organization_id=1)
    for name in ("AT_ONCE", "USERS_AT_ONCE"):
        monkeypatch.setattr(f"adminapi.dialects.hisihi.people.{name}", 3)
    for name in ("GROUPS_MOST", "USERS_MOST"):
        monkeypatch.setattr(f"adminapi.dialects.hisihi.people.{name}", 9)
    assert [row["type"] for row in (await office.ok("GET", "/im/org/1/contacts"))["data"]] == ["group"] * 7 + ["user"] * 7
    monkeypatch.setattr("adminapi.dialects.hisihi.people.USERS_MOST", 3)
    assert await office.refused("GET", "/im/org/1/contacts") == (400, 1000)
    monkeypatch.setattr("adminapi.dialects.hisihi.people.GROUPS_MOST", 3)
    assert await office.refused("GET", "/im/user/o1/groups") == (400, 1000)


@pytest.mark.parametrize("root", ROOTS)
async def test_hi15_the_groups_of_a_user(office: Office, root: str) -> None:
    first, _ = school(office)
    last = office.group("o5", "c1")
    answer = await office.ok("GET", f"{root}/user/c1/groups")
    expected = [row(office, first, "g123", organization_id=2), row(office, last, "", organization_id=0, group_avatar="")]
    assert answer == {"data": expected}
    assert await office.ok("GET", f"{root}/user/c404/groups") == {"data": []}


@pytest.mark.parametrize("root", ROOTS)
async def test_hi16_detail(office: Office, root: str) -> None:
    number = office.group("o2", "c72", "c9", name="g123", organization_id=2, group_avatar="0")
    office.user("c72", nickname="Leslie", avatar="http://x/56792a426d0b5-05505543.jpg")
    for path in (number, IDS.hex24(number)):
        answer = await office.ok("GET", f"{root}/group/{path}")
        assert answer == {
            "data": {
                "group_member_info": [
                    {"is_admin": 1, "avatar": "", "nickname": "o2", "client_id": "o2"},
                    {
                        "is_admin": 0,
                        "avatar": "http://x/56792a426d0b5-05505543.jpg",
                        "nickname": "Leslie",
                        "client_id": "c72",
                    },
                    {"is_admin": 0, "avatar": "", "nickname": "c9", "client_id": "c9"},
                ],
                "group_info": row(office, number, "g123", organization_id=2),
            }
        }
    for user, there in (("c72", True), ("c001", False)):
        answer = await office.call("GET", f"{root}/group/{number}?client_id={user}")
        assert answer.json()["is_exist_in_group"] is there
        assert b'"is_exist_in_group":' + (b"true" if there else b"false") in answer.content
    assert "is_exist_in_group" not in await office.ok("GET", f"{root}/group/{number}?client_id=")


async def test_hi16_shows_what_other_dialects_made(office: Office) -> None:
    number = office.group(name="", organization_id="2", group_avatar=5, description=None)
    answer = (await office.ok("GET", f"/im/group/{number}"))["data"]
    assert answer["group_member_info"] == []
    assert answer["group_info"] == row(office, number, "", organization_id=0, group_avatar="")
    named = office.group("c1", name="", description="d")
    assert (await office.ok("GET", f"/im/group/{named}"))["data"]["group_info"]["description"] == "d"


async def test_hi16_a_large_group_in_few_questions(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adminapi.dialects.hisihi.people.AT_ONCE", 2)
    number = office.group("o1", "c1", "c2", "c3", "c4")
    for n in range(1, 5):
        office.user(f"c{n}", nickname=f"N{n}")
    office.broker.heard.clear()
    members = (await office.ok("GET", f"/im/group/{number}"))["data"]["group_member_info"]
    assert [member["nickname"] for member in members] == ["o1", "N1", "N2", "N3", "N4"]
    asked = [managed for managed in office.broker.heard if isinstance(managed.command, ListUsers)]  # type: ignore[union-attr]
    assert len(asked) == 3


async def test_a_broker_that_is_busy_is_said_so(office: Office) -> None:
    busy = Refused(Reason.OVERLOADED, "too many searches at once", retry_after_ms=1500)
    office.broker.on(ListUsers, busy)
    answer = await office.call("GET", "/im/org/2/contacts")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 1007, "2")
