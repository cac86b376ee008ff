"""Rooms: ML-28 to ML-38 and ML-52."""

from __future__ import annotations

import re
from typing import Any

import pytest

from protocol.commands import CreateConversation
from tests.adminapi.dialects.maxleap.conftest import IDS, OURS, World


async def test_ml28_makes_a_room_without_an_owner(world: World) -> None:
    room = await world.room("tom", "ann", name="room_test")
    assert re.fullmatch("[0-9a-f]{32}", room)
    shown = {"members": ["tom", "ann"], "attributes": {"name": "room_test"}, "ts": world.script.ms}
    assert await world.get(f"/rooms/{room}") == shown
    assert await world.does("POST", f"/rooms/{room}", 200) == shown
    empty = await world.does("POST", "/rooms", 201, {})
    assert (await world.get(f"/rooms/{empty}"))["members"] == []


async def test_a_body_that_was_lost_is_no_empty_object(world: World) -> None:
    await world.users("tom")
    room = await world.room("tom", name="room_test")
    for path in (f"/rooms/{room}/attributes", "/ctx/tom/attributes"):
        for method in ("POST", "PUT"):
            assert await world.refused(method, path) == (400, 5001)
    assert await world.refused("POST", "/rooms") == (400, 5001)
    assert (await world.get(f"/rooms/{room}"))["attributes"] == {"name": "room_test"}
    await world.does("PUT", f"/rooms/{room}/attributes", 201, {})
    assert (await world.get(f"/rooms/{room}"))["attributes"] == {}


async def test_attributes_may_come_with_the_creation_as_later_clients_send_them(world: World) -> None:
    body = {"attributes": {"name": "inner", "k": 1, "none": None}, "members": []}
    room = await world.does("POST", "/rooms", 201, body)
    assert (await world.get(f"/rooms/{room}"))["attributes"] == {"name": "inner", "k": 1}
    room = await world.does("POST", "/rooms", 201, {**body, "name": "outer"})
    assert (await world.get(f"/rooms/{room}/attributes/name")) == "outer"
    assert await world.refused("POST", "/rooms", json={"attributes": 5}) == (400, 5001)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"members": "tom"}, (400, 5001)),
        ({"members": ["nobody"]}, (404, 5004)),
        ({"members": ["tom", "ann", "bob", "eve", "dan", "kim"]}, (409, 5008)),
        ({"name": ["a"]}, (400, 5001)),
        ({"name": "x" * 257}, (400, 5010)),
    ],
)
async def test_ml28_what_makes_no_room(world: World, body: Any, expected: tuple[int, int]) -> None:
    await world.users("tom", "ann", "bob", "eve", "dan", "kim")
    assert await world.refused("POST", "/rooms", json=body) == expected
    assert not world.script.hub(OURS.id).tables.conversations


async def test_ml29_search(world: World) -> None:
    for name, attributes in (("a", {"company": "maxleap"}), ("b", {"company": "maxleap"}), ("c", {})):
        room = await world.room("tom", name=name)
        await world.does("POST", f"/rooms/{room}/attributes", 201, attributes)
    await world.group("tom", name="no room")
    for query, expected in (("", "c b a"), ("company=maxleap", "b a"), ("_sort=name&_limit=2", "a b"), ("_skip=2", "a")):
        rows = await world.get(f"/rooms?{query}")
        assert " ".join(row["attributes"]["name"] for row in rows) == expected
    assert rows == [{"id": rows[0]["id"], "members": ["tom"], "attributes": rows[0]["attributes"], "ts": world.script.ms}]


async def test_only_rooms_are_rooms(world: World) -> None:
    group = await world.group("tom", "ann")
    for name in (group, "0" * 32, "x"):
        for method, path in (
            ("GET", ""),
            ("POST", ""),
            ("DELETE", ""),
            ("GET", "/attributes"),
            ("GET", "/attributes/name"),
            ("DELETE", "/attributes"),
            ("POST", "/members/tom"),
            ("DELETE", "/members/tom"),
        ):
            assert await world.refused(method, f"/rooms/{name}{path}") == (404, 5004)
        for method, path, body in (
            ("POST", "/attributes", {"a": 1}),
            ("PUT", "/attributes", {"a": 1}),
            ("POST", "/members", {"members": ["tom"]}),
            ("DELETE", "/members", {"members": ["tom"]}),
        ):
            assert await world.refused(method, f"/rooms/{name}{path}", json=body) == (404, 5004)


async def test_ml31_deletes(world: World) -> None:
    room = await world.room("tom")
    await world.does("DELETE", f"/rooms/{room}", 204)
    assert await world.refused("GET", f"/rooms/{room}") == (404, 5004)
    assert (await world.get("/ctx/tom"))["rooms"] == []


async def test_ml32_to_ml36(world: World) -> None:
    path = f"/rooms/{await world.room('tom', name='lobby')}/attributes"
    await world.does("POST", path, 201, {"company": "maxleap", "star": 5})
    assert await world.get(path) == {"company": "maxleap", "star": 5, "name": "lobby"}
    assert await world.get(f"{path}/name") == "lobby"
    await world.does("PUT", path, 201, {"rate": "100%"})
    assert await world.get(path) == {"rate": "100%"}
    assert await world.get(f"{path}/rate") == "100%"
    assert await world.refused("GET", f"{path}/company") == (404, 5004)
    await world.does("DELETE", path, 204)
    assert await world.get(path) == {}


async def test_ml37_and_ml38(world: World) -> None:
    path = f"/rooms/{await world.room('tom', 'ann')}"
    await world.users("bob", "eve", "dan", "kim")
    await world.does("POST", f"{path}/members", 201, {"members": ["bob", "ann"]})
    for members, expected in ((["eve", "nobody"], (404, 5004)), (["eve", "dan", "kim"], (409, 5008))):
        assert await world.refused("POST", f"{path}/members", json={"members": members}) == expected
    assert (await world.get(path))["members"] == ["tom", "ann", "bob"]
    await world.does("DELETE", f"{path}/members", 204, {"members": ["tom", "nobody"]})
    await world.does("DELETE", f"{path}/members", 204, {"members": ["ann", []]})
    assert (await world.get(path))["members"] == ["bob"]
    for method in ("POST", "DELETE"):
        for body in ({}, {"members": []}, {"members": None}, {"members": "bob"}):
            assert await world.refused(method, f"{path}/members", json=body) == (400, 5001)


async def test_ml52_one_member_in_the_path(world: World) -> None:
    path = f"/rooms/{await world.room()}"
    await world.users("ann")
    await world.does("POST", f"{path}/members/ann", 201)
    assert (await world.get(path))["members"] == ["ann"]
    await world.does("DELETE", f"{path}/members/ann", 204)
    assert (await world.get(path))["members"] == []


async def test_the_owner_of_a_room_made_elsewhere_is_a_member_and_stays(world: World) -> None:
    await world.users("tom", "ann")
    made = world.manage(CreateConversation(kind=4, members=("ann",)), user="tom").conversation
    path = f"/rooms/{IDS.hex32(made.id)}"
    assert (await world.get(path))["members"] == ["tom", "ann"]
    assert await world.refused("DELETE", f"{path}/members/tom") == (400, 5001)
