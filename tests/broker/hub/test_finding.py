"""What LeanCloud's clients look for: lists, several ways, texts in any case, and what one sees without being in it."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    Condition,
    CreateConversation,
    DeleteMessage,
    History,
    ListConversations,
    Read,
    UpdateConversation,
)
from protocol.errors import Reason
from protocol.records import Kind
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text


def found(script: Script, user: str, *where: tuple[str, str, Any], **fields: Any) -> list[int]:
    conditions = tuple(Condition(*each) for each in where)
    reply = script.say(user, ListConversations(where=conditions, size=100, **fields))
    return [each.id for each in reply.conversations]


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        (("attributes.tags", "=", "a"), True),
        (("attributes.tags", "!=", "a"), False),
        (("attributes.tags", "in", ["z", "b"]), True),
        (("attributes.tags", "not-in", ["z"]), True),
        (("attributes.tags", "not-in", ["b"]), False),
        (("attributes.tags", "all", ["a", "b"]), True),
        (("attributes.tags", "all", ["a", "z"]), False),
        (("attributes.tags", "size", 2), True),
        (("attributes.tags", "size", 1), False),
        (("attributes.color", "exists", True), True),
        (("attributes.color", "exists", False), False),
        (("attributes.colour", "exists", False), True),
        (("attributes.attr.deep.x", "=", 5), True),
        (("attributes.attr.deep.y", "=", 5), False),
        (("attributes.color", "starts", "Re"), True),
        (("attributes.color", "starts", "re"), False),
        (("attributes.color", "starts~", "re"), True),
        (("attributes.color", "ends", "%"), True),
        (("attributes.color", "contains~", "D 10"), True),
        (("attributes.color", "is~", "RED 100%"), True),
        (("member", "all", ["tom", "ann"]), True),
        (("member", "all", ["tom", "eve"]), False),
        (("member", "not-in", ["eve"]), True),
        (("member", "!=", "ann"), False),
        (("unique", "=", False), True),
        (("last", ">", 0), True),
        (("changed", ">", 0), True),
        (("", "any", [[["name", "=", "x"]], [["attributes.color", "starts", "R"], ["members", "=", 2]]]), True),
        (("", "any", [[["name", "=", "x"]], [["name", "=", "y"]]]), False),
    ],
)
def test_a_condition(script: Script, condition: tuple[str, str, Any], matches: bool) -> None:
    conversation = group(script, "tom", "ann")
    attributes = b'{"tags":["a","b"],"color":"Red 100%","attr":{"deep":{"x":5}}}'
    script.say("tom", UpdateConversation(conversation=conversation, attributes=attributes))
    script.say("tom", text("hi", conversation=conversation))
    assert found(script, "tom", condition) == ([conversation] if matches else [])


@pytest.mark.parametrize(
    "condition",
    [("name", "size", True), ("name", "exists", 1), ("created", "starts", "1"), ("", "any", [1]), ("", "any", [[["name"]]])],
)
def test_a_condition_that_is_none_is_refused(script: Script, condition: tuple[str, str, Any]) -> None:
    group(script, "tom", "ann")
    assert reason(script.say("tom", ListConversations(where=(Condition(*condition),)))) is Reason.BAD_FORMAT


def test_too_many_conditions_are_counted_in_every_way(script: Script) -> None:
    script.login("tom")
    ways = [[["name", "=", str(n)]] for n in range(21)]
    assert reason(script.say("tom", ListConversations(where=(Condition("", "any", ways),)))) is Reason.BAD_FORMAT


def test_rooms_are_found_by_all_and_show_what_one_outside_sees(script: Script) -> None:
    own = group(script, "tom", "ann")
    script.login("eve")
    room = script.say("tom", CreateConversation(kind=Kind.ROOM, members=(), name="r", attributes=b'{"a":1}')).conversation.id
    rooms = ("kind", "=", int(Kind.ROOM))
    assert found(script, "eve", rooms, visible=True) == [room]
    assert found(script, "eve", ("id", "in", [room, own]), visible=True) == [room]
    assert found(script, "eve", ("name", "=", "r"), visible=True) == []
    assert found(script, "eve", rooms) == []
    asked = ListConversations(where=(Condition(*rooms),), visible=True, with_members=True)
    (seen,) = script.say("eve", asked).conversations
    assert (seen.name, seen.attributes, seen.users, seen.owner) == ("r", b"{}", None, "")
    (seen,) = script.say("ann", ListConversations(with_members=True)).conversations
    assert (seen.id, seen.users) == (own, ["tom", "ann"])


def test_an_app_may_let_everybody_find_everything_but_what_was_said() -> None:
    script = Script(app("a", open_query=True))
    conversation = group(script, "tom", "ann")
    script.say("tom", text("hi", conversation=conversation))
    script.login("eve")
    (seen,) = script.say("eve", ListConversations(visible=True, with_members=True)).conversations
    assert (seen.id, seen.users, seen.last_message) == (conversation, ["tom", "ann"], None)


def test_a_path_changes_one_place_of_an_attribute(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", UpdateConversation(conversation=conversation, attributes=b'{"a":{"b":1,"c":2},"d":3}'))
    changed = UpdateConversation(
        conversation=conversation, attributes=b'{"a.b":9,"a.e.f":1,"a.c":null,"d":null}', merge=True, paths=True
    )
    script.say("tom", changed)
    (seen,) = script.say("tom", ListConversations()).conversations
    assert seen.attributes == b'{"a":{"b":9,"e":{"f":1}}}'


@pytest.mark.parametrize("hidden", [False, True])
def test_history_by_message_id_and_time(script: Script, hidden: bool) -> None:
    conversation = group(script, "tom", "ann")
    ids = []
    for n in range(300):
        script.pass_ms(7)
        ids.append(script.say("tom", text(str(n), conversation=conversation)).message)
    script.tails["a"].hidden = hidden

    def page(**fields: Any) -> list[int]:
        reply = script.say("tom", History(conversation=conversation, limit=3, **fields))
        return [ids.index(each.id) for each in reply.messages]

    assert page() == [297, 298, 299]
    assert page(older_than=ids[100]) == [97, 98, 99]
    assert page(older_than=ids[100] + 1) == [98, 99, 100]
    assert page(older_than=ids[2], newer_than=ids[0]) == [1]
    assert page(older_than=ids[200], newer_than=ids[100]) == [197, 198, 199]
    assert page(older_than=ids[200], newer_than=ids[100], forward=True) == [101, 102, 103]
    assert page(newer_than=ids[298], forward=True) == [299]
    assert page(newer_than=ids[299]) == []
    assert page(older_than=ids[0]) == []
    assert page(older_than=1 << 60) == [297, 298, 299]


def test_history_of_one_type_and_without_the_deleted(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    ids = [script.say("tom", text(str(n), conversation=conversation)).message for n in range(6)]
    script.manage(DeleteMessage(conversation=conversation, message=ids[4]))
    newest = script.say("tom", History(conversation=conversation, limit=2, present=True))
    assert [each.id for each in newest.messages] == [ids[3], ids[5]]
    assert newest.more
    assert script.say("tom", History(conversation=conversation, type=-2)).messages == []
    assert len(script.say("tom", History(conversation=conversation, type=-1)).messages) == 5


def test_a_mark_by_message_id_moves_as_far_as_memory_tells(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    ids = [script.say("tom", text(str(n), conversation=conversation)).message for n in range(50)]

    def left(older_than: int) -> int:
        return int(script.say("ann", Read(conversation=conversation, older_than=older_than)).unread)

    assert left(ids[0]) == 50
    assert left(ids[10]) == 40
    assert left(ids[3]) == 40
    assert left(ids[20] + 1) == 29
    script.tails["a"].hidden = script.hold_jobs = True  # a fetch would hold the answer back
    assert left(ids[30]) == 29
    assert left(ids[49]) == 1
    assert left(ids[49] + 1) == 0
    assert left(1 << 52) == 0
