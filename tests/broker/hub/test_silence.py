"""Several members muted or blocked at once, who is told on which wire, and who wants no notifications."""

from __future__ import annotations

from typing import Any

from protocol.commands import (
    AddMembers,
    Block,
    CreateConversation,
    ListBlocked,
    ListConversations,
    Login,
    ReadTimes,
    RemoveMembers,
    RenewToken,
    SetBlocked,
    SetMuted,
    SetQuiet,
    SetRole,
)
from protocol.errors import CloseReason, Reason
from protocol.pushes import ConversationLeft, MemberMuted, MembersBlocked, MembersLeft, MemberUnmuted, OwnMute, RoleChanged
from protocol.records import Kind, Role
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text


def kinds(pushes: list[Any]) -> list[type]:
    return [type(push) for push in pushes]


def test_each_is_muted_or_fails_alone_and_all_wires_hear_of_it(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    script.login("ann-lc", "ann", wire="leancloud")
    changed = script.say("tom", SetMuted(conversation=conversation, users=("ann", "eve", "tom"), muted=True))
    assert changed.allowed == ["ann"]
    assert [(each.user, each.reason) for each in changed.failed] == [("eve", "unknown_user"), ("tom", "not_allowed")]
    assert kinds(script.pushes("bob")) == [MemberMuted]
    assert kinds(script.pushes("ann")) == [MemberMuted]
    assert kinds(script.pushes("ann-lc")) == [MemberMuted, OwnMute]
    assert reason(script.say("ann", text("x", conversation=conversation))) is Reason.MUTED
    assert reason(script.say("bob", SetMuted(conversation=conversation, users=("ann",), muted=False))) is Reason.NOT_ALLOWED
    assert script.say("tom", SetMuted(conversation=conversation, users=("ann", "bob"), muted=False)).allowed == [
        "ann",
        "bob",
    ]
    assert kinds(script.pushes("bob")) == [MemberUnmuted]  # of ann; bob was not muted
    assert script.say("ann", text("x", conversation=conversation)).seq == 1


def test_several_are_blocked_listed_and_unblocked(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob", "eve")
    script.login("bob-lc", "bob", wire="leancloud")
    changed = script.say("tom", SetBlocked(conversation=conversation, users=("ann", "eve", "ghost"), blocked=True))
    assert (changed.allowed, [each.user for each in changed.failed]) == (["ann", "eve"], ["ghost"])
    assert kinds(script.pushes("ann")) == [ConversationLeft]
    assert kinds(script.pushes("bob")) == [MembersLeft]
    told = [push for push in script.pushes("bob-lc") if isinstance(push, MembersBlocked)]
    assert [(push.users, push.own, push.blocked) for push in told] == [(("ann", "eve"), False, True)]
    listed = script.say("tom", ListBlocked(conversation=conversation, skip=1))
    assert (listed.users, listed.total) == (["eve"], 2)
    assert reason(script.say("bob", ListBlocked(conversation=conversation))) is Reason.NOT_ALLOWED
    script.say("tom", SetBlocked(conversation=conversation, users=("ann",), blocked=False))
    assert script.say("tom", ListBlocked(conversation=conversation)).users == ["eve"]
    assert script.say("tom", AddMembers(conversation=conversation, users=("ann", "eve"))).allowed == ["ann"]


def test_the_blocked_is_told_in_his_own_words(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("ann-lc", "ann", wire="leancloud")
    script.say("tom", Block(conversation=conversation, user="ann"))
    told = [push for push in script.pushes("ann-lc") if isinstance(push, MembersBlocked)]
    assert [(push.own, push.blocked) for push in told] == [(True, True)]


def test_a_role_is_told_to_leancloud_alone(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    script.login("bob-lc", "bob", wire="leancloud")
    script.say("tom", SetRole(conversation=conversation, user="ann", role=Role.MANAGER))
    assert script.pushes("bob") == []
    assert kinds(script.pushes("bob-lc")) == [RoleChanged]


def test_who_wants_no_notifications_is_remembered(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("ann", SetQuiet(conversation=conversation, quiet=True))
    script.restart()
    script.login("tom")
    (seen,) = script.say("tom", ListConversations(with_members=True)).conversations
    assert (seen.users, seen.quiet) == (["tom", "ann"], ["ann"])


def test_anybody_removes_himself_and_the_owner_only_the_last_but_one(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    assert [each.user for each in script.say("tom", RemoveMembers(conversation=conversation, users=("tom",))).failed] == [
        "tom"
    ]
    assert script.say("ann", RemoveMembers(conversation=conversation, users=("ann",))).allowed == ["ann"]
    assert reason(script.say("bob", RemoveMembers(conversation=conversation, users=("bob", "tom")))) is Reason.NOT_ALLOWED
    assert script.say("tom", RemoveMembers(conversation=conversation, users=("tom",))).allowed == ["tom"]


def test_newcomers_are_made_only_when_all_else_holds() -> None:
    script = Script(app("a", group_members=2))
    script.login("tom")
    make = CreateConversation(kind=Kind.GROUP, members=("ann", "bob"), newcomers=True)
    assert reason(script.say("tom", make)) is Reason.FULL
    assert "ann" not in script.hub().tables.users
    made = script.say("tom", CreateConversation(kind=Kind.GROUP, members=(), newcomers=True)).conversation.id
    changed = script.say("tom", AddMembers(conversation=made, users=("ann", "bob"), newcomers=True))
    assert (changed.allowed, [each.reason for each in changed.failed]) == (["ann"], ["full"])
    assert "bob" not in script.hub().tables.users
    assert reason(script.say("tom", CreateConversation(kind=Kind.GROUP, members=("zoe",)))) is Reason.UNKNOWN_USER


def test_read_times_come_from_the_store_too(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("x", conversation=conversation))
    script.tails["a"].hidden = True
    times = script.say("tom", ReadTimes(conversation=conversation)).times
    assert times == [("tom", sent.time_ms, sent.time_ms), ("ann", 0, 0)]


def test_a_renewed_token_counts_as_the_newer_one(script: Script) -> None:
    old = script.login("tom", tag="x", wire="leancloud").session_token
    script.pass_ms(10)
    renewed = script.say("tom", RenewToken()).session_token
    back = Login(app="a", user="tom", wire="leancloud", reconnect=True, session_token=old)
    assert script.ask(script.number("again"), back).session_token  # its own session: a silent take-over
    assert CloseReason.CONTINUED in script.heard("tom")
    assert renewed != old
