"""What was said, up to a time: ML-10, ML-26, ML-27 and ML-41."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import DeleteMessage, PutVisitor, RecallMessage, SendMessage, Sync
from protocol.richtext import body_of
from tests.adminapi.dialects.maxleap.conftest import IDS, OURS, World


async def bodies(world: World, path: str) -> list[str]:
    return [row["content"]["body"] for row in await world.get(path)]


async def talk(world: World, count: int) -> list[int]:
    """Messages "0", "1", ... between tom and ann; their times."""
    await world.users("tom", "ann")
    return [world.say(("tom", "ann")[number % 2], str(number), to=("ann", "tom")[number % 2]) for number in range(count)]


async def test_ml10_old_to_new_and_the_newest_twenty(world: World) -> None:
    times = await talk(world, 25)
    path = "/ctx/tom/friends/ann/chats"
    rows = await world.get(path)
    assert [row["ts"] for row in rows] == times[5:]
    assert rows[-1] == {"speaker": "tom", "content": {"media": 0, "body": "24"}, "ts": times[24]}
    assert await world.get("/ctx/ann/friends/tom/chats") == rows


async def test_ml10_the_ts_of_the_oldest_asks_for_what_came_before(world: World) -> None:
    times = await talk(world, 230)
    path, seen, until = "/ctx/tom/friends/ann/chats?limit=100", [], times[-1] + 1
    while rows := await world.get(f"{path}&ts={until}"):
        seen = [row["content"]["body"] for row in rows] + seen
        until = rows[0]["ts"]
    assert seen == [str(number) for number in range(230)]


@pytest.mark.parametrize("limit", [1, 3, 20, 100])
async def test_ml10_no_page_begins_within_a_millisecond(world: World, limit: int) -> None:
    await world.users("tom", "ann")
    for number in range(130):  # of the first 120 all are of one moment, then two of each
        command = SendMessage(type=-1, body=b'{"text":"%d"}' % number, to="ann")
        world.manage(command, user="tom")
        world.script.ms += number > 120 and number % 2
    path, seen, until = f"/ctx/tom/friends/ann/chats?limit={limit}", [], world.script.ms + 1
    while rows := await world.get(f"{path}&ts={until}"):
        seen = [row["content"]["body"] for row in rows] + seen
        until = rows[0]["ts"]
    assert seen == [str(number) for number in range(130)]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("limit=3", 22, 24),
        ("size=3", 22, 24),
        ("_limit=3", 22, 24),
        ("limit=0", 25, 24),
        ("limit=100", 0, 24),
        ("limit=5000", 0, 24),
        ("limit=", 5, 24),
        ("ts=", 5, 24),
        ("ts=0", 5, 24),
        ("ts=1", 25, 24),
        ("ts=9007199254740991", 5, 24),
    ],
)
async def test_ml10_ts_and_limit(world: World, query: str, first: int, last: int) -> None:
    await talk(world, 25)
    expected = [str(number) for number in range(first, last + 1)]
    assert await bodies(world, f"/ctx/tom/friends/ann/chats?{query}") == expected


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=1.5", "ts=x", "ts=-1", "ts=99999999999999999", "size=%20"])
async def test_ml10_what_is_no_number(world: World, query: str) -> None:
    await talk(world, 1)
    assert await world.refused("GET", f"/ctx/tom/friends/ann/chats?{query}") == (400, 5001)


async def test_ml10_nobody_and_nothing(world: World) -> None:
    await world.users("tom", "ann")
    assert await world.get("/ctx/tom/friends/ann/chats") == []
    for path in ("/ctx/tom/friends/nobody/chats", "/ctx/nobody/friends/tom/chats"):
        assert await world.refused("GET", path) == (404, 5004)


async def test_what_was_taken_back_is_left_out_and_the_page_still_full(world: World) -> None:
    await talk(world, 60)
    (conversation,) = world.script.hub(OURS.id).tables.conversations
    for seq in range(11, 51):
        message = world.script.tails[OURS.id].by_seq[conversation][seq].id
        change = RecallMessage if seq % 2 else DeleteMessage
        world.manage(change(conversation=conversation, message=message), user="tom")
    left = [str(number) for number in (*range(10), *range(50, 60))]
    assert await bodies(world, "/ctx/tom/friends/ann/chats") == left
    assert await bodies(world, "/ctx/tom/friends/ann/chats?limit=12") == left[-12:]


async def test_what_others_said_reads_as_media_and_body(world: World) -> None:
    group = await world.group("tom", "ann")
    number = IDS.parse(group) or 0
    said: list[tuple[int, bytes]] = [
        (-1, b'{"text":"words"}'),
        (-2, b'{"url":"http://h/a.png"}'),
        (-3, b'{"url":"http://h/a.mp3"}'),
        (-4, b'{"url":"http://h/a.mp4"}'),
        (-5, b'{"attr":{"latitude":1,"longitude":2}}'),
        body_of('{"_lctype":-2,"_lcfile":{"url":"http://h/lc.png"}}'),
        (-1, b'{"text":"said","attr":{"remark":"aside"}}'),
    ]
    for kind, body in said:
        world.manage(SendMessage(type=kind, body=body, conversation=number), user="ann")
    rows: list[dict[str, Any]] = await world.get(f"/groups/{group}/chats")
    assert [(row["content"]["media"], row["content"]["body"]) for row in rows] == [
        (0, "words"),
        (1, "http://h/a.png"),
        (2, "http://h/a.mp3"),
        (3, "http://h/a.mp4"),
        (0, '{"latitude":1,"longitude":2}'),
        (1, "http://h/lc.png"),
        (0, "said"),
    ]
    assert [row.get("remark") for row in rows] == [None] * 6 + ["aside"]


async def test_ml27_wipes_for_everybody_and_goes_on(world: World) -> None:
    group = await world.group("tom", "ann")
    world.script.login("s", "ann", app=OURS.id)
    for words in ("one", "two"):
        world.say("tom", words, conversation=group)
    assert world.script.say("s", Sync()).conversations[0].unread == 2
    await world.does("DELETE", f"/groups/{group}/chats", 204)
    assert await world.get(f"/groups/{group}/chats") == []
    assert await world.get(f"/groups/{group}/chats?ts={world.script.ms}") == []
    assert world.script.say("s", Sync()).conversations[0].unread == 0
    world.say("tom", "three", conversation=group)
    assert await bodies(world, f"/groups/{group}/chats") == ["three"]
    await world.does("DELETE", f"/groups/{group}/chats", 204)
    await world.does("DELETE", f"/groups/{group}/chats", 204)


async def test_ml41_a_visitor_speaks(world: World) -> None:
    await world.users("tom")
    guest = await world.does("POST", "/passengers", 201, {"name": "n"})
    asked, told = world.say(guest, "help", to="tom"), world.say("tom", "yes?", to=guest)
    path = f"/passengers/{guest}/chats/tom"
    assert await world.get(path) == [
        {"speaker": guest, "content": {"media": 0, "body": "help"}, "ts": asked},
        {"speaker": "tom", "content": {"media": 0, "body": "yes?"}, "ts": told},
    ]
    assert await bodies(world, f"{path}?ts={told}&size=5") == ["help"]


async def test_ml41_who_is_not_there(world: World) -> None:
    await world.users("tom", "ann")
    world.manage(PutVisitor(user="guest"))
    assert await world.get("/passengers/guest/chats/tom") == []
    for path in ("/passengers/guest/chats/nobody", "/passengers/nobody/chats/tom", "/passengers/ann/chats/tom"):
        assert await world.refused("GET", path) == (404, 5004)


async def test_chats_of_what_is_no_group(world: World) -> None:
    room = await world.room("tom")
    for method in ("GET", "DELETE"):
        for name in (room, "nothing", "0" * 32, "12345"):
            assert await world.refused(method, f"/groups/{name}/chats") == (404, 5004)


async def test_every_form_of_an_id_is_understood(world: World) -> None:
    """DESIGN 4: what another dialect calls the group."""
    group = await world.group("tom")
    number = IDS.parse(group) or 0
    for text in (str(number), IDS.hex24(number), group.upper()):
        assert (await world.get(f"/groups/{text}"))["owner"] == "tom"
