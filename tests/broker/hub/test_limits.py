"""A conversation's own limit of members, and who owns it."""

from __future__ import annotations

import pytest

from protocol.commands import (
    AddMembers,
    CreateConversation,
    GetConversation,
    Join,
    ListMembers,
    PutUser,
    UpdateConversation,
)
from protocol.errors import Reason
from protocol.pushes import ConversationUpdated
from protocol.records import Kind
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason

USERS = ("tom", "ann", "bob", "eve", "kim")


@pytest.fixture
def script() -> Script:
    script = Script(app(group_members=4, room_members=3))
    for user in USERS:
        script.manage(PutUser(user=user))
    return script


def create(script: Script, *members: str, most: int = 0, kind: Kind = Kind.GROUP) -> int:
    made = script.manage(CreateConversation(kind=kind, members=members[1:], most=most), user=members[0])
    return int(made.conversation.id)


def most(script: Script, conversation: int) -> int:
    return int(script.manage(GetConversation(conversation=conversation)).conversation.most)


def roles(script: Script, conversation: int) -> dict[str, int]:
    return {each.user: each.role for each in script.manage(ListMembers(conversation=conversation)).members}


def test_a_conversations_own_limit_is_kept_wherever_somebody_comes_in(script: Script) -> None:
    crowd = CreateConversation(kind=Kind.GROUP, members=("ann", "bob"), most=2)
    assert reason(script.manage(crowd, user="tom")) is Reason.FULL
    conversation = create(script, "tom", "ann", most=2)
    assert most(script, conversation) == 2
    assert reason(script.manage(AddMembers(conversation=conversation, users=("bob",), strict=True))) is Reason.FULL
    assert reason(script.manage(Join(conversation=conversation), user="bob")) is Reason.FULL
    script.manage(UpdateConversation(conversation=conversation, most=3))
    assert script.manage(Join(conversation=conversation), user="bob").time_ms
    script.restart()
    assert reason(script.manage(Join(conversation=conversation), user="eve")) is Reason.FULL


def test_without_one_the_apps_limit_holds_and_its_own_goes_before_it(script: Script) -> None:
    conversation = create(script, "tom", "ann", "bob", "eve")
    assert most(script, conversation) == 4
    assert reason(script.manage(Join(conversation=conversation), user="kim")) is Reason.FULL
    assert most(script, create(script, "tom", kind=Kind.ROOM)) == 3
    assert most(script, create(script, "tom", "ann", kind=Kind.DIRECT)) == 0
    larger = create(script, *USERS, most=1000)
    assert most(script, larger) == 1000


def test_a_limit_below_the_members_there_are_lets_nobody_else_in(script: Script) -> None:
    conversation = create(script, "tom", "ann", "bob")
    script.manage(UpdateConversation(conversation=conversation, most=2))
    assert len(roles(script, conversation)) == 3
    assert reason(script.manage(Join(conversation=conversation), user="eve")) is Reason.FULL
    assert reason(script.manage(UpdateConversation(conversation=conversation, most=-1))) is Reason.BAD_FORMAT
    none = CreateConversation(kind=Kind.GROUP, members=(), most=-1)
    assert reason(script.manage(none, user="tom")) is Reason.BAD_FORMAT


def test_the_limit_is_the_back_offices_to_change(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for change in (
        UpdateConversation(conversation=conversation, most=3),
        CreateConversation(kind=Kind.GROUP, members=(), most=3),
    ):
        assert reason(script.say("tom", change)) is Reason.NOT_ALLOWED
    assert script.manage(UpdateConversation(conversation=conversation, most=3)).time_ms
    assert script.pushes("ann") == []
    assert script.manage(UpdateConversation(conversation=conversation, most=4, name="x")).time_ms
    assert [type(push) for push in script.pushes("ann")] == [ConversationUpdated]
