"""Users and their attributes: ML-01 to ML-06, and the search of ML-52."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import DeleteUser, Login, PutUser, PutVisitor
from tests.adminapi.dialects.maxleap.conftest import OURS, World


async def test_ml01_a_user_without_anything(world: World) -> None:
    await world.users("tom")
    assert await world.get("/ctx/tom") == {"installs": [], "sessions": 0, "friends": [], "groups": [], "rooms": []}


async def test_ml01_sessions_are_counted_and_installs_named_once(world: World) -> None:
    for device, install in (("a", "i1"), ("b", "i1"), ("c", ""), ("d", "i2")):
        login = Login(app=OURS.id, user="tom", device=device, install=install)
        world.script.ask(world.script.number(device), login)
    shown = await world.get("/ctx/tom")
    assert (shown["sessions"], shown["installs"]) == (4, ["i1", "i2"])


async def test_ml01_groups_and_rooms_beyond_a_page_are_all_there_and_nothing_else_is(world: World) -> None:
    await world.users("tom", "ann")
    groups = [await world.does("POST", "/groups", 201, {"owner": "tom"}) for _ in range(101)]
    room = await world.does("POST", "/rooms", 201, {"members": ["tom"]})
    world.say("tom", "hi", to="ann")
    shown = await world.get("/ctx/tom")
    assert (shown["groups"], shown["rooms"]) == (groups[::-1], [room])
    assert await world.get("/ctx/tom/groups") == groups[::-1]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_ml01_who_is_not_there_is_5004(world: World, method: str) -> None:
    """POST is how the vendor's version 4 client loads (ML-52)."""
    world.manage(PutVisitor(user="guest"))
    world.manage(PutUser(user="gone"))
    world.manage(DeleteUser(user="gone"))
    for name in ("nobody", "guest", "gone", "x" * 129, "%E2%82%AC", "%00"):
        assert await world.refused(method, f"/ctx/{name}") == (404, 5004)
    await world.users("tom")
    assert (await world.does(method, "/ctx/tom", 200))["sessions"] == 0


async def test_ml02_named_keys_are_overwritten_and_the_others_stay(world: World) -> None:
    path = "/ctx/tom/attributes"
    await world.does("POST", path, 201, {"name": "隔壁老王", "age": 46, "deep": {"a": [1, None]}})
    await world.does("POST", path, 201, {"age": 47, "rate": 1.5})
    assert await world.get(path) == {"name": "隔壁老王", "age": 47, "deep": {"a": [1, None]}, "rate": 1.5}
    await world.does("POST", path, 201, {"age": None, "no": None})
    assert "age" not in await world.get(path)
    assert await world.refused("GET", f"{path}/age") == (404, 5004)


async def test_ml03_replaces_all(world: World) -> None:
    path = "/ctx/tom/attributes"
    await world.does("PUT", path, 201, {"name": "a", "age": 46})
    await world.does("PUT", path, 201, {"name": "b", "none": None})
    assert await world.get(path) == {"name": "b"}


@pytest.mark.parametrize("value", ["text", "", 46, 1.5, True, False, [], {"a": 1}, [1, "b"]])
async def test_ml05_a_bare_value_of_any_kind(world: World, value: Any) -> None:
    await world.does("POST", "/ctx/tom/attributes", 201, {"key": value})
    found = await world.get("/ctx/tom/attributes/key")
    assert found == value
    assert type(found) is type(value)


async def test_ml06_clears(world: World) -> None:
    await world.does("POST", "/ctx/tom/attributes", 201, {"name": "a"})
    await world.does("DELETE", "/ctx/tom/attributes", 204)
    assert await world.get("/ctx/tom/attributes") == {}
    assert "attributes" not in await world.get("/ctx/tom")
    assert await world.refused("DELETE", "/ctx/nobody/attributes") == (404, 5004)


async def test_a_password_set_elsewhere_outlives_attributes_set_here(world: World) -> None:
    world.manage(PutUser(user="tom", password="a-hash"))
    await world.does("PUT", "/ctx/tom/attributes", 201, {"a": 1})
    assert world.script.hub(OURS.id).tables.users["tom"].password == "a-hash"


async def test_new_users_have_the_seeds_alphabet_and_those_of_others_are_taken_as_they_are(world: World) -> None:
    for name in ("Aa0_-", "x" * 128):
        await world.does("POST", f"/ctx/{name}/attributes", 201, {"a": 1})
    for name in ("tom@x.com", "a.b", "隔壁"):
        assert await world.refused("POST", f"/ctx/{name}/attributes", json={"a": 1}) == (400, 5001)
    world.manage(PutUser(user="tom@x.com"))
    await world.does("POST", "/ctx/tom@x.com/attributes", 201, {"a": 1})
    assert await world.get("/ctx/tom@x.com/attributes/a") == 1


async def test_an_id_that_is_taken_or_was_deleted_is_5005(world: World) -> None:
    world.manage(PutVisitor(user="guest"))
    await world.users("gone")
    world.manage(DeleteUser(user="gone"))
    for name in ("guest", "gone"):
        for method in ("POST", "PUT"):
            assert await world.refused(method, f"/ctx/{name}/attributes", json={}) == (400, 5005)


async def test_too_many_attributes_are_5010(world: World) -> None:
    for method in ("POST", "PUT"):
        assert await world.refused(method, "/ctx/tom/attributes", json={"a": "x" * 65_536}) == (400, 5010)


PEOPLE = {
    "tom": {"city": "x", "age": 46, "vip": True},
    "ann": {"city": "y", "age": "46"},
    "bob": {"city": "x", "age": 7},
    "eve": {},
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "tom ann bob eve"),
        ("city=x", "tom bob"),
        ("city=x&age=7", "bob"),
        ("age=46", "tom ann"),
        ("vip=true", "tom"),
        ("city=z", ""),
        ("city=x&city=y", "tom ann bob"),
        ("_sort=-age", "ann tom bob eve"),
        ("_sort=city,-age", "eve tom bob ann"),
        ("_sort=-id&_skip=1&_limit=2", "eve bob"),
        ("sort=id&skip=2&size=1", "eve"),
        ("_sort=-ts,id", "tom ann bob eve"),
        ("_sort=ts", "ann bob eve tom"),
        ("_limit=0", ""),
        ("_limit=100000", "tom ann bob eve"),
    ],
)
async def test_ml52_search(world: World, query: str, expected: str) -> None:
    for name, attributes in PEOPLE.items():
        await world.does("POST", f"/ctx/{name}/attributes", 201, attributes)
    world.manage(PutVisitor(user="guest", attributes=b'{"city":"x"}'))
    world.script.pass_ms(1000)
    await world.does("POST", "/ctx/tom/attributes", 201, {})
    world.foreign()
    assert " ".join(row["id"] for row in await world.get(f"/ctx?{query}")) == expected


async def test_ml52_a_row(world: World) -> None:
    world.script.login("s", "tom", app=OURS.id)
    row = {"id": "tom", "online": True, "ts": world.script.ms, "attributes": {}}
    assert await world.get("/ctx") == [row]
    world.script.pass_ms(1000)
    await world.does("POST", "/ctx/tom/attributes", 201, {"a": 1})
    assert await world.get("/ctx") == [{**row, "ts": world.script.ms, "attributes": {"a": 1}}]
