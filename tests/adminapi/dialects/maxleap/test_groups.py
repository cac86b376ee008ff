"""Groups: ML-14 to ML-25 and ML-52."""

from __future__ import annotations

import re
from typing import Any

import pytest

from protocol.commands import Block, CreateConversation, DeleteUser, GetConversation, UpdateConversation
from protocol.records import Kind
from tests.adminapi.dialects.maxleap.conftest import IDS, OURS, World


async def test_ml14_makes_a_group_of_the_owner_and_the_members(world: World) -> None:
    group = await world.group("tom", "ann", name="us")
    assert re.fullmatch("[0-9a-f]{32}", group)
    shown = {"owner": "tom", "members": ["ann"], "attributes": {"name": "us"}, "ts": world.script.ms}
    assert await world.get(f"/groups/{group}") == shown
    assert await world.does("POST", f"/groups/{group}", 200) == shown
    assert (await world.get("/ctx/tom"))["groups"] == [group]


async def test_ml14_without_members_or_name_or_with_the_owner_among_them(world: World) -> None:
    await world.users("tom", "ann")
    for body, members in (
        ({"owner": "tom"}, []),
        ({"owner": "tom", "members": []}, []),
        ({"owner": "tom", "members": None, "name": None}, []),
        ({"owner": "tom", "members": ["tom", "ann", "ann"]}, ["ann"]),
        ({"owner": "tom", "members": ["ann", []], "later": 1}, ["ann"]),
        ({"owner": "tom", "members": [["ann", ""], ""]}, ["ann"]),
    ):
        group = await world.does("POST", "/groups", 201, body)
        shown = await world.get(f"/groups/{group}")
        assert (shown["members"], shown["attributes"]) == (members, {})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, 5001)),
        ({"members": ["ann"]}, (400, 5001)),
        ({"owner": ""}, (400, 5001)),
        ({"owner": ["tom"]}, (400, 5001)),
        ({"owner": "x" * 129}, (400, 5001)),
        ({"owner": "nobody"}, (404, 5004)),
        ({"owner": "tom", "members": "ann"}, (400, 5001)),
        ({"owner": "tom", "members": {"a": 1}}, (400, 5001)),
        ({"owner": "tom", "members": [{"a": 1}]}, (400, 5001)),
        ({"owner": "tom", "members": [True]}, (400, 5001)),
        ({"owner": "tom", "members": [[["ann"]]]}, (400, 5001)),
        ({"owner": "tom", "members": ["nobody"]}, (404, 5004)),
        ({"owner": "tom", "members": [f"u{number}" for number in range(10_001)]}, (400, 5001)),
        ({"owner": "tom", "members": ["ann", "bob", "eve", "dan"]}, (409, 5008)),
        ({"owner": "tom", "name": 5}, (400, 5001)),
        ({"owner": "tom", "name": "x" * 257}, (400, 5010)),
    ],
)
async def test_ml14_what_makes_no_group(world: World, body: Any, expected: tuple[int, int]) -> None:
    await world.users("tom", "ann", "bob", "eve", "dan")
    assert await world.refused("POST", "/groups", json=body) == expected
    assert not world.script.hub(OURS.id).tables.conversations


async def test_ml16_only_groups_are_groups(world: World) -> None:
    room = await world.room("tom", "ann")
    world.say("tom", "hi", to="ann")
    (direct,) = [row for row in world.script.hub(OURS.id).tables.conversations.values() if row.kind == Kind.DIRECT]
    for name in (room, IDS.hex32(direct.id), "0" * 32, "x", "x" * 500, str(1 << 52)):
        for method, path in (
            ("GET", ""),
            ("POST", ""),
            ("DELETE", ""),
            ("GET", "/attributes"),
            ("GET", "/attributes/name"),
            ("DELETE", "/attributes"),
            ("DELETE", "/members/tom"),
            ("POST", "/members/tom"),
        ):
            assert await world.refused(method, f"/groups/{name}{path}") == (404, 5004)
        for method, path, body in (
            ("PUT", "", {"owner": "tom"}),
            ("POST", "/attributes", {"a": 1}),
            ("PUT", "/attributes", {"a": 1}),
            ("POST", "/members", {"members": ["tom"]}),
            ("DELETE", "/members", {"members": ["tom"]}),
        ):
            assert await world.refused(method, f"/groups/{name}{path}", json=body) == (404, 5004)


async def test_ml17_a_new_owner_becomes_a_member(world: World) -> None:
    group = await world.group("tom", "ann")
    await world.users("baz")
    await world.does("PUT", f"/groups/{group}", 201, {"owner": "baz"})
    shown = await world.get(f"/groups/{group}")
    assert (shown["owner"], shown["members"]) == ("baz", ["tom", "ann"])
    assert await world.refused("DELETE", f"/groups/{group}/members", json={"members": ["baz"]}) == (400, 5001)
    await world.does("DELETE", f"/groups/{group}/members", 204, {"members": ["tom"]})


async def test_ml17_members_and_name_together(world: World) -> None:
    group = await world.group("tom", "ann", name="old")
    await world.users("bob", "eve")
    await world.does("PUT", f"/groups/{group}", 201, {"members": ["bob", "eve"]})
    assert (await world.get(f"/groups/{group}"))["members"] == ["bob", "eve"]
    await world.does("PUT", f"/groups/{group}", 201, {"owner": "ann", "members": ["tom"], "name": "new"})
    shown = await world.get(f"/groups/{group}")
    assert (shown["owner"], shown["members"], shown["attributes"]) == ("ann", ["tom"], {"name": "new"})
    await world.does("PUT", f"/groups/{group}", 201, {"members": []})
    assert (await world.get(f"/groups/{group}"))["members"] == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, 5001)),
        ({"owner": None, "other": 1}, (400, 5001)),
        ({"owner": 1.5}, (400, 5001)),
        ({"owner": "nobody"}, (404, 5004)),
        ({"members": ["nobody"], "name": "new"}, (404, 5004)),
        ({"members": "ann"}, (400, 5001)),
        ({"members": ["ann", "bob", "kim", "dan"]}, (409, 5008)),
        ({"members": ["eve"]}, (400, 5005)),
        ({"name": 7}, (400, 5001)),
        ({"owner": "ann", "name": "x" * 257}, (400, 5010)),
    ],
)
async def test_ml17_what_changes_nothing(world: World, body: Any, expected: tuple[int, int]) -> None:
    """`eve` has been blocked from the group."""
    group = await world.group("tom", "ann", name="old")
    await world.users("bob", "eve", "dan", "kim")
    world.manage(Block(conversation=IDS.parse(group) or 0, user="eve"))
    before = await world.get(f"/groups/{group}")
    assert await world.refused("PUT", f"/groups/{group}", json=body) == expected
    assert await world.get(f"/groups/{group}") == before


async def test_ml18_deletes_for_good(world: World) -> None:
    group = await world.group("tom")
    await world.does("DELETE", f"/groups/{group}", 204)
    for method in ("GET", "DELETE"):
        assert await world.refused(method, f"/groups/{group}") == (404, 5004)
    assert (await world.get("/ctx/tom"))["groups"] == []


async def test_ml19_to_ml23(world: World) -> None:
    path = f"/groups/{await world.group('tom', name='us')}/attributes"
    await world.does("POST", path, 201, {"company": "maxleap", "star": 5})
    assert await world.get(path) == {"company": "maxleap", "star": 5, "name": "us"}
    assert await world.get(f"{path}/star") == 5
    await world.does("POST", path, 201, {"star": None})
    assert await world.refused("GET", f"{path}/star") == (404, 5004)
    await world.does("PUT", path, 201, {"flag": "Game", "none": None})
    assert await world.get(path) == {"flag": "Game"}
    assert await world.refused("GET", f"{path}/name") == (404, 5004)
    await world.does("DELETE", path, 204)
    assert await world.get(path) == {}
    assert await world.refused("POST", path, json={"a": "x" * 16_384}) == (400, 5010)


async def test_the_name_is_one_value_whoever_sets_it(world: World) -> None:
    """ML-14, ML-22: as an attribute here, as the conversation's name to all others."""
    group = await world.group("tom", name="made")
    number, path = IDS.parse(group) or 0, f"/groups/{group}/attributes"

    def name() -> str:
        return str(world.manage(GetConversation(conversation=number)).conversation.name)

    assert name() == "made"
    world.manage(UpdateConversation(conversation=number, name="elsewhere", attributes=b'{"a":1}'))
    assert await world.get(path) == {"a": 1, "name": "elsewhere"}
    assert await world.get(f"{path}/name") == "elsewhere"
    await world.does("POST", path, 201, {"name": "here", "b": 2})
    assert name() == "here"
    assert world.manage(GetConversation(conversation=number)).conversation.attributes == b'{"a":1,"b":2}'
    await world.does("POST", path, 201, {"c": 3})
    assert name() == "here"
    await world.does("POST", path, 201, {"name": None})
    assert name() == ""
    for bad, expected in ((5, (400, 5001)), ({"a": 1}, (400, 5001)), ("x" * 257, (400, 5010))):
        for method in ("POST", "PUT"):
            assert await world.refused(method, path, json={"name": bad}) == expected


async def test_an_attribute_called_name_that_another_dialect_stored_is_shown_until_it_is_set_here(world: World) -> None:
    await world.users("tom")
    made = world.manage(CreateConversation(kind=3, members=(), attributes=b'{"name":"theirs"}'), user="tom")
    path = f"/groups/{IDS.hex32(made.conversation.id)}/attributes"
    assert await world.get(f"{path}/name") == "theirs"
    await world.does("POST", path, 201, {"name": "ours"})
    assert await world.get(f"{path}/name") == "ours"
    await world.does("POST", path, 201, {"name": None})
    assert await world.get(path) == {}


async def test_ml24_all_or_nobody(world: World) -> None:
    path = f"/groups/{await world.group('tom', 'ann')}"
    await world.users("bob", "eve", "dan")
    await world.does("POST", f"{path}/members", 201, {"members": ["ann", "bob"]})
    for members, expected in ((["eve", "nobody"], (404, 5004)), (["eve", "dan"], (409, 5008)), ([], (400, 5001))):
        assert await world.refused("POST", f"{path}/members", json={"members": members}) == expected
    assert (await world.get(path))["members"] == ["ann", "bob"]


async def test_ml25_the_owner_stays_and_with_him_all(world: World) -> None:
    path = f"/groups/{await world.group('tom', 'ann', 'bob')}"
    assert await world.refused("DELETE", f"{path}/members", json={"members": ["ann", "tom"]}) == (400, 5001)
    assert (await world.get(path))["members"] == ["ann", "bob"]
    await world.does("DELETE", f"{path}/members", 204, {"members": ["ann", "nobody"]})
    assert (await world.get(path))["members"] == ["bob"]


@pytest.mark.parametrize(
    "query", ['members=["ann","bob"]', "members=ann&members=bob", "members=ann,bob", "members=ann,,bob,"]
)
async def test_ml25_members_in_the_query_where_the_body_was_dropped(world: World, query: str) -> None:
    """MUX-10."""
    path = f"/groups/{await world.group('tom', 'ann', 'bob')}"
    await world.does("DELETE", f"{path}/members?{query}", 204)
    assert (await world.get(path))["members"] == []
    for bad in ("", "?members=", "?members=["):
        assert await world.refused("DELETE", f"{path}/members{bad}") == (400, 5001)


async def test_ml52_one_member_in_the_path(world: World) -> None:
    path = f"/groups/{await world.group('tom')}"
    await world.users("ann")
    for _ in range(2):
        await world.does("POST", f"{path}/members/ann", 201)
        assert (await world.get(path))["members"] == ["ann"]
    assert await world.refused("DELETE", f"{path}/members/tom") == (400, 5001)
    for _ in range(2):
        await world.does("DELETE", f"{path}/members/ann", 204)
    assert await world.refused("POST", f"{path}/members/nobody") == (404, 5004)


async def test_a_group_whose_owner_was_deleted_is_still_one(world: World) -> None:
    path = f"/groups/{await world.group('tom', 'ann')}"
    world.manage(DeleteUser(user="tom"))
    shown = await world.get(path)
    assert (shown["owner"], shown["members"]) == ("tom", ["ann"])
    await world.does("PUT", path, 201, {"owner": "ann"})
    assert (await world.get(path))["owner"] == "ann"


GROUPS = {"a": {"company": "maxleap", "star": 5}, "b": {"company": "maxleap", "star": 3}, "c": {"star": "5"}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "c b a"),
        ("company=maxleap", "b a"),
        ("star=5", "c a"),
        ("name=b", "b"),
        ("company=maxleap&star=5", "a"),
        ("company=other", ""),
        ("_sort=star", "b a c"),
        ("_sort=company,-name", "c b a"),
        ("_sort=-company,star&_limit=1", "b"),
        ("_sort=id", "a b c"),
        ("_limit=1&_skip=1", "b"),
        ("size=2&skip=2", "a"),
        ("limit=2", "c b"),
        ("_skip=99", ""),
        ("_unknown=1&detail", "c b a"),
    ],
)
async def test_ml15_search(world: World, query: str, expected: str) -> None:
    for name, attributes in GROUPS.items():
        group = await world.group("tom", name=name)
        await world.does("POST", f"/groups/{group}/attributes", 201, attributes)
    await world.room("tom", name="no group")
    world.foreign()
    rows = await world.get(f"/groups?{query}")
    assert " ".join(row["attributes"]["name"] for row in rows) == expected


async def test_ml15_a_row(world: World) -> None:
    group = await world.group("tom", "ann", name="us")
    row = {"id": group, "owner": "tom", "members": ["ann"], "attributes": {"name": "us"}, "ts": world.script.ms}
    assert await world.get("/groups") == [row]


@pytest.mark.parametrize(
    "query", ["_limit=x", "_skip=-1", "_skip=1000001", "_sort=a,b,c,d", "&".join(f"a{number}=1" for number in range(30))]
)
async def test_ml15_what_cannot_be_asked(world: World, query: str) -> None:
    assert await world.refused("GET", f"/groups?{query}") == (400, 5001)
