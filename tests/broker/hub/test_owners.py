"""Giving a group another owner and other members, in one step (ML-17)."""

from __future__ import annotations

from typing import Any

from protocol.commands import AddMembers, Block, DeleteUser, ListMembers, RemoveMembers, SetMembers, SetRole, Sync
from protocol.errors import Reason
from protocol.pushes import ConversationJoined, ConversationLeft, MembersJoined, MembersLeft
from protocol.records import Kind, Role
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason


def roles(script: Script, conversation: int) -> dict[str, int]:
    return {each.user: each.role for each in script.manage(ListMembers(conversation=conversation)).members}


def test_the_new_owner_becomes_a_member_and_the_old_one_stays_one(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("bob")
    script.manage(SetMembers(conversation=conversation, owner="bob"))
    assert roles(script, conversation) == {"tom": Role.MEMBER, "ann": Role.MEMBER, "bob": Role.OWNER}
    script.manage(SetMembers(conversation=conversation, owner="ann"))
    assert roles(script, conversation) == {"tom": Role.MEMBER, "ann": Role.OWNER, "bob": Role.MEMBER}
    failed = script.manage(RemoveMembers(conversation=conversation, users=("ann", "tom"))).failed
    assert [(each.user, each.reason) for each in failed] == [("ann", "not_allowed")]


def test_members_are_replaced_all_at_once_and_everybody_is_told(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    script.say("tom", SetRole(conversation=conversation, user="bob", role=Role.MANAGER))
    script.login("eve")
    for user in ("tom", "ann", "bob"):
        script.heard(user)
    before = len(script.log.commits)
    script.manage(SetMembers(conversation=conversation, users=("bob", "eve")))
    assert len(script.log.commits) == before + 1
    assert roles(script, conversation) == {"tom": Role.OWNER, "bob": Role.MANAGER, "eve": Role.MEMBER}

    def told(user: str) -> list[Any]:
        return [type(push) for push in script.pushes(user)]

    assert told("ann")[-1] is ConversationLeft
    assert told("bob") == [MembersJoined, MembersLeft]
    assert told("eve")[-1] is ConversationJoined
    assert script.say("ann", Sync(cursor=script.say("bob", Sync()).cursor)).conversations == []


def test_owner_and_members_together(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("bob")
    script.manage(SetMembers(conversation=conversation, owner="bob", users=()))
    assert roles(script, conversation) == {"bob": Role.OWNER}
    script.restart()
    assert roles(script, conversation) == {"bob": Role.OWNER}
    assert script.hub().tables.conversations[conversation].owner == "bob"


def test_all_or_nothing() -> None:
    script = Script(app(group_members=3))
    conversation = group(script, "tom", "ann")
    for user in ("bob", "eve"):
        script.login(user)
    before = roles(script, conversation)
    for users, why in (
        (("bob", "nobody"), Reason.UNKNOWN_USER),
        (("ann", "bob", "eve"), Reason.FULL),
    ):
        assert reason(script.manage(SetMembers(conversation=conversation, users=users))) is why
    assert reason(script.manage(SetMembers(conversation=conversation, owner="nobody"))) is Reason.UNKNOWN_USER
    script.say("tom", Block(conversation=conversation, user="bob"))
    assert reason(script.manage(SetMembers(conversation=conversation, users=("bob",)))) is Reason.BLOCKED
    assert roles(script, conversation) == before


def test_a_group_over_a_lowered_limit_may_still_change_hands() -> None:
    script = Script(app(group_members=3))
    conversation = group(script, "tom", "ann", "bob")
    script.core.change_apps(script.apps.configure([app(group_members=2)]))
    script.manage(SetMembers(conversation=conversation, owner="ann"))
    assert roles(script, conversation)["ann"] == Role.OWNER


def test_a_group_whose_owner_was_deleted_can_be_given_a_new_one(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(DeleteUser(user="tom"))
    script.manage(SetMembers(conversation=conversation, users=("ann",)))
    script.manage(SetMembers(conversation=conversation, owner="ann"))
    assert roles(script, conversation) == {"ann": Role.OWNER}


def test_only_the_owner_and_only_in_groups_and_rooms(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    assert reason(script.say("ann", SetMembers(conversation=conversation, owner="ann"))) is Reason.NOT_ALLOWED
    assert script.say("tom", SetMembers(conversation=conversation, owner="ann")).time_ms
    assert reason(script.say("tom", SetMembers(conversation=conversation, owner="tom"))) is Reason.NOT_ALLOWED
    pair = group(script, "tom", "ann", kind=Kind.TEMPORARY)
    assert reason(script.manage(SetMembers(conversation=pair, owner="ann"))) is Reason.BAD_KIND
    room = group(script, "tom", "ann", kind=Kind.ROOM)
    script.manage(SetMembers(conversation=room, users=()))
    assert script.manage(AddMembers(conversation=room, users=("ann",))).allowed == ["ann"]
    assert roles(script, room) == {"tom": Role.OWNER, "ann": Role.MEMBER}
