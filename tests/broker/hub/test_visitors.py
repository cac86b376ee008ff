"""Visitors: users without an account (ML-39 to ML-41)."""

from __future__ import annotations

import re

import pytest

from protocol.commands import (
    DeleteUser,
    GetConversation,
    GetUser,
    History,
    ListUsers,
    PutUser,
    PutVisitor,
    UpdateUser,
)
from protocol.errors import Reason
from protocol.ids import IdForms
from protocol.records import Kind
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import reason, text


def test_a_visitor_gets_an_id_of_32_hex_digits_that_is_nobody_elses(script: Script) -> None:
    one = script.manage(PutVisitor(attributes=b'{"name":"n"}')).user
    other = script.manage(PutVisitor()).user
    assert one.user != other.user
    assert all(re.fullmatch("[0-9a-f]{32}", each.user) for each in (one, other))
    assert script.manage(GetUser(user=one.user)).user == one
    assert (one.visitor, one.attributes) == (True, b'{"name":"n"}')


def test_an_id_that_comes_up_again_after_a_restart_is_passed_over(script: Script) -> None:
    first = IdForms("a").parse(script.manage(PutVisitor()).user.user)
    assert first is not None
    script.mint.last = first - 1
    second = IdForms("a").parse(script.manage(PutVisitor()).user.user)
    assert second is not None
    assert second > first


def test_given_an_id_the_visitor_is_made_and_then_changed(script: Script) -> None:
    made = script.manage(PutVisitor(user="v1", attributes=b'{"name":"n","a":1}')).user
    script.pass_ms(1000)
    changed = script.manage(PutVisitor(user="v1", attributes=b'{"a":null,"b":2}')).user
    assert (made.user, made.updated_ms) == ("v1", 0)
    assert changed.attributes == b'{"name":"n","b":2}'
    assert (changed.created_ms, changed.updated_ms) == (made.created_ms, made.created_ms + 1000)


def test_an_account_and_a_visitor_do_not_take_each_others_id(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    script.manage(PutVisitor(user="v1"))
    assert reason(script.manage(PutVisitor(user="tom"))) is Reason.EXISTS
    assert reason(script.manage(PutUser(user="v1", attributes=b"{}"))) is Reason.EXISTS
    script.manage(DeleteUser(user="v1"))
    assert reason(script.manage(PutVisitor(user="v1"))) is Reason.EXISTS
    assert reason(script.manage(PutVisitor(user="with space"))) is Reason.BAD_USER_ID


def test_visitors_are_not_in_the_list_of_users_also_after_a_restart(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    script.manage(PutVisitor(user="v1"))
    for _ in range(2):
        listed = script.manage(ListUsers())
        assert ([user.user for user in listed.users], listed.total) == (["tom"], 1)
        script.restart()
    assert script.manage(GetUser(user="v1")).user.visitor


def test_a_visitor_logs_in_and_talks_to_a_user() -> None:
    script = Script(app(create_users=False))
    script.manage(PutUser(user="tom"))
    script.manage(PutVisitor(user="v1"))
    script.login("tom")
    assert script.login("v1").user == "v1"
    sent = script.say("v1", text("hello", to="tom"))
    assert [push.message.sender for push in script.pushes("tom")[-1:]] == ["v1"]
    found = script.manage(GetConversation(to="tom"), user="v1").conversation
    assert (found.id, found.kind) == (sent.conversation, Kind.DIRECT)
    assert len(script.manage(History(conversation=found.id)).messages) == 1
    assert script.say("v1", UpdateUser(attributes=b'{"name":"v"}')).user.visitor


def test_the_direct_conversation_of_two_is_found_from_both_sides_and_by_nobody_else(script: Script) -> None:
    for user in ("tom", "ann", "bob"):
        script.login(user)
    assert reason(script.say("tom", GetConversation(to="ann"))) is Reason.UNKNOWN_CONVERSATION
    sent = script.say("tom", text("hello", to="ann"))
    for one, other in (("tom", "ann"), ("ann", "tom")):
        assert script.say(one, GetConversation(to=other)).conversation.id == sent.conversation
    assert reason(script.say("bob", GetConversation(to="tom"))) is Reason.UNKNOWN_CONVERSATION
    assert reason(script.say("tom", GetConversation(to="nobody"))) is Reason.UNKNOWN_USER
    assert reason(script.manage(GetConversation(to="tom"))) is Reason.MISSING_FIELD


@pytest.mark.parametrize("command", [PutVisitor()])
def test_only_management_makes_visitors(script: Script, command: PutVisitor) -> None:
    script.login("tom")
    assert reason(script.say("tom", command)) is Reason.NOT_ALLOWED
