"""Lists by condition and order: users, conversations, and with whom a user talks (ML-11, ML-15, ML-29, ML-52)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from broker.hub import where
from protocol.commands import (
    AddFriend,
    Condition,
    CreateConversation,
    DeleteUser,
    ListConversations,
    ListDirects,
    ListSessions,
    ListUsers,
    PutUser,
    PutVisitor,
    RecallMessage,
    UpdateConversation,
)
from protocol.errors import Reason
from protocol.records import Kind
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text

ATTRIBUTES: tuple[dict[str, Any], ...] = ({"star": 5, "at": "x"}, {"star": "5"}, {"star": 2, "at": "x"}, {"star": True}, {})


@pytest.fixture
def shelf(script: Script) -> Script:
    """Conversations n0 to n4, made in this order, and users of the same attributes."""
    script.login("tom")
    for number, attributes in enumerate(ATTRIBUTES):
        said = orjson.dumps(attributes)
        script.manage(CreateConversation(kind=3, members=("tom",), name=f"n{number}", attributes=said))
        script.manage(PutUser(user=f"u{number}", attributes=said))
    return script


def names(script: Script, **command: Any) -> list[str]:
    found = script.manage(ListConversations(**command))
    return [each.name for each in found.conversations]


def users(script: Script, **command: Any) -> list[str]:
    return [each.user for each in script.manage(ListUsers(**command)).users]


def test_an_attribute_is_found_by_any_of_values_of_any_type(shelf: Script) -> None:
    either = (Condition("attributes.star", "in", ["5", 5]),)
    assert names(shelf, where=either) == ["n1", "n0"]
    assert users(shelf, where=either) == ["u0", "u1"]
    assert users(shelf, where=(Condition("attributes.star", "in", [True]),)) == ["u3"]
    assert users(shelf, where=(Condition("id", "in", ["u4", "tom"]),)) == ["u4", "tom"]
    bad = shelf.manage(ListConversations(where=(Condition("attributes.star", "in", [[1]]),)))
    assert bad.conversations == []


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (("attributes.star",), "43201"),
        (("-attributes.star",), "10234"),
        (("attributes.at", "name"), "13402"),
        (("-attributes.at", "-name"), "20431"),
        (("-created", "id"), "01234"),
        (("-members", "id"), "01234"),
    ],
)
def test_conversations_in_order(shelf: Script, sort: tuple[str, ...], expected: str) -> None:
    assert names(shelf, sort=sort) == [f"n{number}" for number in expected]


def test_users_in_order_and_in_pages(shelf: Script) -> None:
    assert users(shelf, sort=("-attributes.star", "id")) == ["u1", "u0", "u2", "u3", "tom", "u4"]
    assert users(shelf, sort=("-attributes.star", "id"), skip=1, limit=2) == ["u0", "u2"]
    assert shelf.manage(ListUsers(sort=("id",), limit=1)).total == 6


def test_a_page_behind_the_skipped(shelf: Script) -> None:
    assert names(shelf, skip=1, size=2) == ["n3", "n2"]
    assert names(shelf, skip=1, size=2, page=2) == ["n1", "n0"]
    assert names(shelf, skip=3, size=9, sort=("name",)) == ["n3", "n4"]


@pytest.mark.parametrize(
    "command",
    [
        ListConversations(sort=("colour",)),
        ListConversations(sort=("member",)),
        ListConversations(sort=("id", "id", "id", "id")),
        ListUsers(sort=("owner",)),
        ListUsers(where=(Condition("member", "=", "tom"),)),
        ListUsers(where=(Condition("name", "=", "tom"),)),
        ListConversations(where=(Condition("attributes.a", "<", [1]),)),
    ],
)
def test_what_is_not_understood_is_named(shelf: Script, command: Any) -> None:
    assert reason(shelf.manage(command)) is Reason.BAD_FORMAT


def test_too_much_to_look_through_or_to_sort_is_refused(shelf: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "MOST_SORTED", 4)
    few = (Condition("attributes.star", "in", [5, "5", 2, True]),)
    assert reason(shelf.manage(ListConversations(sort=("name",)))) is Reason.TOO_BROAD
    assert names(shelf, sort=("name",), where=few) == ["n0", "n1", "n2", "n3"]
    monkeypatch.setattr(where, "MOST_ROWS", 5)
    assert users(shelf, where=few[:0]) == ["tom", "u0", "u1", "u2", "u3", "u4"]
    assert reason(shelf.manage(ListUsers(where=few))) is Reason.TOO_BROAD


def test_null_removes_an_attribute_of_conversations_and_users_alike(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(UpdateConversation(conversation=conversation, attributes=b'{"a":1,"b":2}', merge=True))
    script.manage(UpdateConversation(conversation=conversation, attributes=b'{"a":null}', merge=True))
    assert script.hub().tables.conversations[conversation].attributes == b'{"b":2}'
    script.manage(PutUser(user="bob", attributes=b'{"a":1,"b":2}'))
    assert script.manage(PutUser(user="bob", attributes=b'{"a":null,"c":3}', merge=True)).user.attributes == b'{"b":2,"c":3}'
    assert script.manage(PutUser(user="bob", attributes=b'{"d":4}')).user.attributes == b'{"d":4}'


def test_attributes_have_their_limit_however_they_are_given(script: Script) -> None:
    large = orjson.dumps({"a": "x" * 65_536})
    for command in (PutUser(user="bob", attributes=large), PutVisitor(attributes=large)):
        assert reason(script.manage(command)) is Reason.TOO_LARGE


def test_with_whom_a_user_talks(script: Script) -> None:
    for user in ("tom", "ann", "bob", "eve"):
        script.login(user)
    script.manage(PutVisitor(user="v"))
    for user in ("ann", "bob", "eve", "v"):
        script.manage(text(f"to {user}", to=user), user="tom")
    script.say("tom", AddFriend(user="ann"))
    script.manage(CreateConversation(kind=Kind.GROUP, members=("ann", "bob")), user="tom")
    friends = script.manage(ListDirects(friends=True), user="tom")
    assert [(each.user, each.online, each.last_message.body) for each in friends.directs] == [
        ("ann", True, b'{"text":"to ann"}')
    ]
    others = script.manage(ListDirects(friends=False), user="tom")
    assert ([each.user for each in others.directs], others.total) == (["eve", "bob"], 2)
    page = script.manage(ListDirects(friends=False, skip=1, limit=1), user="tom")
    assert ([each.user for each in page.directs], page.total) == (["bob"], 2)
    script.manage(DeleteUser(user="bob"))
    assert script.manage(ListDirects(friends=False), user="tom").total == 1
    assert script.manage(ListDirects(friends=False), user="eve").directs[0].user == "tom"
    assert reason(script.say("eve", ListDirects(friends=False))) is Reason.NOT_ALLOWED


def test_a_direct_shows_the_last_message_as_it_is_now(script: Script) -> None:
    for user in ("tom", "ann"):
        script.login(user)
    sent = script.say("tom", text("oops", to="ann"))
    script.say("tom", RecallMessage(conversation=sent.conversation, message=sent.message))
    assert script.manage(ListDirects(friends=False), user="ann").directs[0].last_message.status == 3


def test_a_session_tells_its_install(script: Script) -> None:
    script.login("tom", install="install1")
    assert [each.install for each in script.manage(ListSessions(user="tom")).sessions] == ["install1"]
