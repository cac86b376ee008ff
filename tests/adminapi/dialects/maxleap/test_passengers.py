"""Visitors, called passengers here: ML-39 and ML-40 (what they said: `test_chats`)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from protocol.commands import DeleteUser
from tests.adminapi.dialects.maxleap.conftest import OURS, World


async def test_ml39_makes_one_and_ml40_shows_it_flat(world: World) -> None:
    guest = await world.does("POST", "/passengers", 201, {"name": "王尼玛", "age": 3, "none": None})
    assert re.fullmatch("[0-9a-f]{32}", guest)
    for method in ("GET", "POST"):
        assert await world.does(method, f"/passengers/{guest}", 200) == {"name": "王尼玛", "age": 3}
    other = await world.does("POST", "/passengers", 201)
    assert other != guest
    assert await world.get(f"/passengers/{other}") == {}


async def test_ml39_with_an_id_makes_and_then_changes(world: World) -> None:
    for body in ({"id": "guest-1", "name": "a", "age": 3}, {"id": "guest-1", "age": None, "name": "b"}):
        assert await world.does("POST", "/passengers", 201, body) == "guest-1"
    assert await world.get("/passengers/guest-1") == {"name": "b"}


@pytest.mark.parametrize("given", ["a.b", "x" * 129, "with space", ["a"], 1.5, True, "隔壁"])
async def test_ml39_an_id_nobody_can_have(world: World, given: Any) -> None:
    assert await world.refused("POST", "/passengers", json={"id": given}) == (400, 5001)


async def test_ml39_an_id_that_is_taken(world: World) -> None:
    await world.users("tom")
    await world.does("POST", "/passengers", 201, {"id": "gone"})
    world.manage(DeleteUser(user="gone"))
    for name in ("tom", "gone"):
        assert await world.refused("POST", "/passengers", json={"id": name}) == (400, 5005)
    assert await world.refused("POST", "/passengers", json={"a": "x" * 65_536}) == (400, 5010)


async def test_ml40_who_is_no_passenger(world: World) -> None:
    await world.users("tom")
    for name in ("tom", "nobody", "0" * 32, "x" * 129):
        assert await world.refused("GET", f"/passengers/{name}") == (404, 5004)


async def test_a_passenger_may_be_in_a_group_and_is_in_no_search(world: World) -> None:
    guest = await world.does("POST", "/passengers", 201, {"name": "n"})
    group = await world.group("tom")
    await world.does("POST", f"/groups/{group}/members", 201, {"members": [guest]})
    assert (await world.get(f"/groups/{group}"))["members"] == [guest]
    assert [row["id"] for row in await world.get("/ctx")] == ["tom"]
    assert world.script.hub(OURS.id).tables.users[guest].visitor
