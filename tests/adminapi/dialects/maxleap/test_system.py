"""System messages: ML-42 and ML-43."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from protocol.pushes import SystemNew
from tests.adminapi.dialects.maxleap.conftest import OURS, THEIRS, World

HELLO = {"content": {"media": 0, "body": "hello all!"}}


def heard(world: World, name: str) -> list[Any]:
    return [orjson.loads(push.content) for push in world.script.pushes(name) if isinstance(push, SystemNew)]


async def online(world: World, *users: str) -> None:
    for user in users:
        world.script.login(user, user, app=OURS.id)


async def test_ml42_to_all_who_are_online_in_this_app(world: World) -> None:
    await online(world, "tom", "ann")
    world.script.login("stranger", app=THEIRS.id)
    await world.does("POST", "/system", 202, HELLO)
    for user in ("tom", "ann"):
        assert heard(world, user) == [{"media": 0, "body": "hello all!"}]
    assert heard(world, "stranger") == []


async def test_ml43_to_a_user_a_group_or_a_room(world: World) -> None:
    group, room = await world.group("tom", "ann"), await world.room("ann", "bob")
    await online(world, "tom", "ann", "bob")
    for target, receivers in ((f"{group}?group", "tom ann"), (f"{room}?room=", "ann bob"), ("bob", "bob"), ("tom?x", "tom")):
        await world.does("POST", f"/system/{target}", 202, HELLO)
        assert " ".join(user for user in ("tom", "ann", "bob") if heard(world, user)) == receivers


async def test_ml43_who_is_offline_misses_it_and_that_is_no_error(world: World) -> None:
    await world.users("tom")
    await world.does("POST", "/system/tom", 202, HELLO)
    await online(world, "tom")
    assert heard(world, "tom") == []


@pytest.mark.parametrize("target", ["nobody", "{room}", "{group}", "{room}?group", "{group}?room", "tom?group", "x?room"])
async def test_ml43_a_target_that_is_not_there(world: World, target: str) -> None:
    places = {"group": await world.group("tom"), "room": await world.room("tom")}
    assert await world.refused("POST", f"/system/{target.format(**places)}", json=HELLO) == (404, 5004)


async def test_what_is_said_beside_the_content(world: World) -> None:
    await online(world, "tom")
    push = {
        "enable": True,
        "sound": "ding.caf",
        "prefix": "[",
        "suffix": "]",
        "overwrite": "new",
        "badge": 1,
        "contentAvailable": False,
        "later": [],
    }
    await world.does("POST", "/system/tom", 202, {**HELLO, "push": push, "remark": "aside", "ts": 1456373078542})
    assert heard(world, "tom") == [{"media": 0, "body": "hello all!", "remark": "aside"}]
    nothing = {"content": {"media": 3, "body": "http://h/a.mp4"}, "push": None, "remark": None, "ts": None}
    await world.does("POST", "/system", 202, nothing)
    await world.does("POST", "/system", 202, {"content": {"body": "no media"}})
    assert heard(world, "tom") == [{"media": 3, "body": "http://h/a.mp4"}, {"media": 0, "body": "no media"}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, 5001)),
        ({"content": None}, (400, 5001)),
        ({"content": "hello"}, (400, 5001)),
        ({"content": {"media": 0}}, (400, 5001)),
        ({"content": {"media": 0, "body": ""}}, (400, 5001)),
        ({"content": {"media": 0, "body": {"a": 1}}}, (400, 5001)),
        ({"content": {"media": "0", "body": "x"}}, (400, 5001)),
        ({"content": {"media": -1, "body": "x"}}, (400, 5001)),
        ({"content": {"media": True, "body": "x"}}, (400, 5001)),
        ({"content": {"media": 4, "body": "x"}}, (400, 5009)),
        ({"content": {"media": 0, "body": "x" * 5121}}, (400, 5010)),
        ({"content": {"media": 0, "body": "隔" * 1707}}, (400, 5010)),
        ({**HELLO, "remark": 5}, (400, 5001)),
        ({**HELLO, "remark": "x" * 1025}, (400, 5001)),
        ({**HELLO, "ts": "now"}, (400, 5001)),
        ({**HELLO, "push": "yes"}, (400, 5001)),
        ({**HELLO, "push": {"enable": "yes"}}, (400, 5001)),
        ({**HELLO, "push": {"badge": True}}, (400, 5001)),
        ({**HELLO, "push": {"sound": "x" * 1025}}, (400, 5001)),
    ],
)
async def test_what_is_no_system_message(world: World, body: Any, expected: tuple[int, int]) -> None:
    await online(world, "tom")
    for path in ("/system", "/system/tom"):
        assert await world.refused("POST", path, json=body) == expected
    assert heard(world, "tom") == []


async def test_as_many_bytes_as_the_app_allows(world: World) -> None:
    await world.does("POST", "/system", 202, {"content": {"media": 0, "body": "x" * 5120}})


async def test_both_flags(world: World) -> None:
    group = await world.group("tom")
    assert await world.refused("POST", f"/system/{group}?group&room", json=HELLO) == (400, 5001)
