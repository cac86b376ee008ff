"""Friends, strangers, and the lists of a user: ML-07 to ML-13 and ML-52."""

from __future__ import annotations

import re
from typing import Any

import pytest

from protocol.commands import DeleteUser, PutVisitor, RecallMessage
from tests.adminapi.dialects.maxleap.conftest import IDS, OURS, World


async def test_ml07_makes_friends_of_users_who_are_made(world: World) -> None:
    made = await world.does("POST", "/ctx/tom/friends/ann", 200)
    assert re.fullmatch("[0-9a-f]{32}", made["id"])
    assert made == {"id": made["id"], "from": "tom", "to": "ann", "ns": OURS.id, "ts": world.script.ms}
    assert await world.get("/ctx/ann/friends") == ["tom"]
    assert (await world.get("/ctx/ann"))["friends"] == ["tom"]


async def test_ml07_twice_and_from_the_other_side_is_the_same_friendship(world: World) -> None:
    first = await world.does("POST", "/ctx/tom/friends/ann", 200)
    world.script.pass_ms(1000)
    assert await world.does("POST", "/ctx/tom/friends/ann", 200) == first
    other = await world.does("POST", "/ctx/ann/friends/tom", 200)
    assert other == {**first, "from": "ann", "to": "tom"}
    third = await world.does("POST", "/ctx/tom/friends/bob", 200)
    assert third["id"] != first["id"]


async def test_ml07_what_cannot_be(world: World) -> None:
    await world.users("tom", "gone")
    world.manage(DeleteUser(user="gone"))
    assert await world.refused("POST", "/ctx/tom/friends/tom") == (400, 5001)
    assert await world.refused("POST", "/ctx/tom/friends/gone") == (404, 5004)
    assert await world.refused("POST", "/ctx/tom/friends/a.b") == (404, 5004)
    assert await world.refused("POST", "/ctx/a.b/friends/tom") == (404, 5004)
    assert await world.refused("POST", f"/ctx/tom/friends/{'x' * 129}") == (404, 5004)
    assert await world.get("/ctx/tom/friends") == []


async def test_ml08_a_friend_comes_online_and_goes(world: World) -> None:
    made = await world.does("POST", "/ctx/tom/friends/ann", 200)
    del made["ns"]
    assert await world.get("/ctx/tom/friends/ann") == {**made, "online": False}
    world.script.login("s", "ann", app=OURS.id)
    assert await world.get("/ctx/tom/friends/ann") == {**made, "online": True}
    world.script.drop("s")
    world.script.pass_ms(11_000)
    assert not (await world.get("/ctx/tom/friends/ann"))["online"]
    assert (await world.get("/ctx/ann/friends/tom"))["id"] == made["id"]


async def test_ml08_who_is_no_friend_is_5004(world: World) -> None:
    await world.users("tom", "ann")
    for path in ("/ctx/tom/friends/ann", "/ctx/tom/friends/nobody", "/ctx/nobody/friends/tom"):
        assert await world.refused("GET", path) == (404, 5004)


async def test_ml09_ends_it_for_both_and_is_never_an_error(world: World) -> None:
    await world.does("POST", "/ctx/tom/friends/ann", 200)
    for path in ("/ctx/ann/friends/tom", "/ctx/tom/friends/ann", "/ctx/tom/friends/nobody", "/ctx/nobody/friends/tom"):
        await world.does("DELETE", path, 204)
    assert await world.get("/ctx/tom/friends") == []
    assert await world.refused("GET", "/ctx/nobody") == (404, 5004)


async def test_ml11_with_detail(world: World) -> None:
    for friend in ("ann", "bob"):
        await world.does("POST", f"/ctx/tom/friends/{friend}", 200)
    await world.users("eve")
    world.say("ann", "first", to="tom")
    ts = world.say("ann", "last", to="tom")
    world.say("eve", "a stranger's", to="tom")
    world.script.login("s", "ann", app=OURS.id)
    assert await world.get("/ctx/tom/friends") == ["ann", "bob"]
    recent = {"speaker": "ann", "content": {"media": 0, "body": "last"}, "ts": ts}
    expected = [{"id": "ann", "online": True, "recent": recent}, {"id": "bob", "online": False}]
    for flag in ("?detail", "?detail=", "?detail=true", "?detail=1"):
        assert await world.get(f"/ctx/tom/friends{flag}") == expected
    assert await world.refused("GET", "/ctx/nobody/friends") == (404, 5004)


async def test_ml11_many_friends_each_with_what_was_said_last(world: World) -> None:
    names = [f"f{number}" for number in range(120)]
    for name in names:
        await world.does("POST", f"/ctx/tom/friends/{name}", 200)
        world.say(name, name, to="tom")
    rows = await world.get("/ctx/tom/friends?detail")
    assert [row["recent"]["content"]["body"] for row in rows] == names


async def test_recent_is_absent_when_it_was_taken_back(world: World) -> None:
    await world.does("POST", "/ctx/tom/friends/ann", 200)
    world.say("ann", "oops", to="tom")
    (conversation,) = world.script.hub(OURS.id).tables.conversations
    message = world.script.tails[OURS.id].by_seq[conversation][1].id
    world.manage(RecallMessage(conversation=conversation, message=message), user="ann")
    assert await world.get("/ctx/tom/friends?detail") == [{"id": "ann", "online": False}]


async def test_ml12_with_detail(world: World) -> None:
    group = await world.group("tom", "ann", name="us")
    await world.does("POST", f"/groups/{group}/attributes", 201, {"star": 5})
    ts = world.say("ann", "hi", conversation=group)
    row = {
        "id": group,
        "owner": "tom",
        "attributes": {"name": "us", "star": 5},
        "members": ["ann"],
        "ts": world.script.hub(OURS.id).tables.conversations[IDS.parse(group) or 0].created_ms,
        "recent": {"speaker": "ann", "content": {"media": 0, "body": "hi"}, "ts": ts},
    }
    assert await world.get("/ctx/ann/groups?detail") == [row]
    assert await world.get("/ctx/ann/groups") == [group]
    quiet = await world.group("ann")
    assert "recent" not in (await world.get("/ctx/ann/groups?detail"))[0]
    assert await world.get("/ctx/ann/groups") == [quiet, group]


async def test_ml13_with_detail(world: World) -> None:
    room = await world.room("tom", "ann", name="lobby")
    row = {"id": room, "attributes": {"name": "lobby"}, "members": ["tom", "ann"], "ts": world.script.ms}
    assert await world.get("/ctx/tom/rooms?detail") == [row]
    assert await world.get("/ctx/tom/rooms") == [room]
    assert await world.get("/ctx/tom/groups") == []


@pytest.mark.parametrize("what", ["groups", "rooms", "friends", "strangers"])
async def test_lists_of_nobody_are_5004(world: World, what: str) -> None:
    for flag in ("", "?detail"):
        assert await world.refused("GET", f"/ctx/nobody/{what}{flag}") == (404, 5004)


async def test_ml52_strangers(world: World) -> None:
    await world.users("tom", "ann", "bob", "eve", "quiet")
    world.manage(PutVisitor(user="guest"))
    said = {user: world.say(user, f"from {user}", to="tom") for user in ("ann", "bob", "eve", "guest")}
    await world.does("POST", "/ctx/tom/friends/ann", 200)
    assert await world.get("/ctx/tom/strangers") == ["eve", "bob"]
    assert await world.get("/ctx/tom/strangers?skip=1&limit=5") == ["bob"]
    assert await world.get("/ctx/tom/strangers?_limit=1") == ["eve"]

    def row(user: str) -> dict[str, Any]:
        recent = {"speaker": user, "content": {"media": 0, "body": f"from {user}"}, "ts": said[user]}
        return {"id": user, "online": False, "recent": recent}

    assert await world.get("/ctx/tom/strangers?detail") == [row("eve"), row("bob")]
    assert await world.get("/ctx/tom/strangers/bob") == row("bob")
    assert [each["speaker"] for each in await world.get("/ctx/tom/strangers/bob/chats")] == ["bob"]
    for other in ("ann", "quiet", "nobody", "guest"):
        assert await world.refused("GET", f"/ctx/tom/strangers/{other}") == (404, 5004)
    assert await world.refused("GET", "/ctx/tom/strangers/nobody/chats") == (404, 5004)
