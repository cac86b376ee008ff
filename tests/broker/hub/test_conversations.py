"""Making, finding, changing and leaving conversations, and what members may do."""

from __future__ import annotations

from protocol.commands import (
    AddMembers,
    Block,
    CreateConversation,
    DeleteConversation,
    DeleteUser,
    GetConversation,
    History,
    Join,
    Leave,
    ListConversations,
    ListMembers,
    Mute,
    PutUser,
    Readers,
    RemoveMembers,
    SendSystem,
    SetRole,
    Sync,
    Unblock,
    Unmute,
    UpdateConversation,
    UpdateUser,
)
from protocol.errors import Reason
from protocol.pushes import (
    ConversationDeleted,
    ConversationJoined,
    ConversationLeft,
    ConversationUpdated,
    MembersJoined,
    MembersLeft,
    SystemNew,
)
from protocol.records import Kind, Role
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text


def kinds(pushes: list[object]) -> list[type]:
    return [type(push) for push in pushes]


def test_a_direct_conversation_of_the_same_two_is_made_once(script: Script) -> None:
    script.login("tom")
    script.login("ann")
    first = script.say("tom", CreateConversation(kind=Kind.DIRECT, members=("ann",)))
    again = script.say("ann", CreateConversation(kind=Kind.DIRECT, members=("tom",)))
    assert (first.created, again.created) == (True, False)
    assert again.conversation.id == first.conversation.id
    assert script.say("tom", text("m", to="ann")).conversation == first.conversation.id


def test_a_direct_conversation_has_two_users(script: Script) -> None:
    for user in ("tom", "ann", "bob"):
        script.login(user)
    for members in ((), ("tom",), ("ann", "bob")):
        assert reason(script.say("tom", CreateConversation(kind=Kind.DIRECT, members=members))) is Reason.BAD_KIND
    assert reason(script.say("tom", CreateConversation(kind=5, members=("ann",)))) is Reason.BAD_KIND
    assert reason(script.say("tom", CreateConversation(kind=3, members=("nobody",)))) is Reason.UNKNOWN_USER


def test_unique_returns_the_conversation_of_the_same_members(script: Script) -> None:
    group(script, "tom", "ann", "bob")
    first = script.say("tom", CreateConversation(kind=3, members=("ann",), unique=True))
    again = script.say("ann", CreateConversation(kind=3, members=("tom",), unique=True))
    assert again.conversation.id == first.conversation.id
    script.say("tom", DeleteConversation(conversation=first.conversation.id))
    assert script.say("tom", CreateConversation(kind=3, members=("ann",), unique=True)).created


def test_limits_of_members_are_kept_at_creation_and_at_joining() -> None:
    script = Script(app(group_members=3, temporary_members=2))
    for user in ("tom", "ann", "bob", "eve"):
        script.login(user)
    full = CreateConversation(kind=3, members=("ann", "bob", "eve"))
    assert reason(script.say("tom", full)) is Reason.FULL
    made = script.say("tom", CreateConversation(kind=3, members=("ann",))).conversation.id
    changed = script.say("tom", AddMembers(conversation=made, users=("bob", "eve", "nobody", "ann")))
    assert changed.allowed == ["bob", "ann"]
    assert [(each.user, each.reason) for each in changed.failed] == [("eve", "full"), ("nobody", "unknown_user")]


def test_joining_and_leaving_are_told_to_those_they_concern(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("bob")
    script.say("tom", AddMembers(conversation=conversation, users=("bob",)))
    assert kinds(script.pushes("bob")) == [ConversationJoined]
    assert kinds(script.pushes("ann")) == [MembersJoined]
    assert kinds(script.pushes("tom")) == []
    script.say("bob", Leave(conversation=conversation))
    assert kinds(script.pushes("ann")) == [MembersLeft]
    script.say("tom", RemoveMembers(conversation=conversation, users=("ann",)))
    assert kinds(script.pushes("ann")) == [ConversationLeft]


def test_rooms_are_open_groups_by_the_apps_rule() -> None:
    for open_groups in (False, True):
        script = Script(app(open_groups=open_groups))
        closed = group(script, "tom", "ann")
        room = group(script, "tom", kind=Kind.ROOM)
        script.login("bob")
        assert script.say("bob", Join(conversation=room)).time_ms
        assert script.say("bob", Join(conversation=room)).time_ms
        reply = script.say("bob", Join(conversation=closed))
        assert reply.time_ms if open_groups else reason(reply) is Reason.NOT_ALLOWED


def test_who_is_outside_sees_name_and_count_of_a_room_and_nothing_of_a_group(script: Script) -> None:
    closed = group(script, "tom", "ann")
    script.login("bob")
    room = script.say(
        "tom", CreateConversation(kind=4, members=("ann",), name="lobby", attributes=b'{"secret":1}')
    ).conversation.id
    seen = script.say("bob", GetConversation(conversation=room)).conversation
    assert (seen.name, seen.members, seen.attributes, seen.creator) == ("lobby", 2, b"{}", "")
    assert reason(script.say("bob", GetConversation(conversation=closed))) is Reason.NOT_A_MEMBER
    assert reason(script.say("bob", ListMembers(conversation=room))) is Reason.NOT_A_MEMBER


def test_roles_decide_who_may_change_what(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    update = UpdateConversation(conversation=conversation, name="n")
    assert reason(script.say("ann", update)) is Reason.NOT_ALLOWED
    assert reason(script.say("ann", SetRole(conversation=conversation, user="ann", role=1))) is Reason.NOT_ALLOWED
    script.say("tom", SetRole(conversation=conversation, user="ann", role=Role.MANAGER))
    assert script.say("ann", update).time_ms
    assert kinds(script.pushes("bob")) == [ConversationUpdated]
    assert script.say("ann", Mute(conversation=conversation, user="bob")).time_ms
    assert reason(script.say("ann", Mute(conversation=conversation, user="tom"))) is Reason.NOT_ALLOWED
    assert reason(script.say("ann", DeleteConversation(conversation=conversation))) is Reason.NOT_ALLOWED
    strict = RemoveMembers(conversation=conversation, users=("bob", "tom"), strict=True)
    assert reason(script.say("ann", strict)) is Reason.NOT_ALLOWED  # and bob stays
    changed = script.say("ann", RemoveMembers(conversation=conversation, users=("tom", "bob")))
    assert changed.allowed == ["bob"]
    assert [each.user for each in changed.failed] == ["tom"]
    members = script.say("tom", ListMembers(conversation=conversation)).members
    assert {member.user: member.role for member in members} == {"tom": 2, "ann": 1}


def test_blocked_users_stay_out_until_unblocked(script: Script) -> None:
    room = group(script, "tom", "ann", kind=Kind.ROOM)
    script.say("tom", Block(conversation=room, user="ann"))
    assert kinds(script.pushes("ann")) == [ConversationLeft]
    assert reason(script.say("ann", Join(conversation=room))) is Reason.BLOCKED
    assert reason(script.say("ann", text("m", conversation=room))) is Reason.BLOCKED
    added = script.say("tom", AddMembers(conversation=room, users=("ann",)))
    assert added.failed[0].reason == "blocked"
    script.restart()
    script.login("ann")
    script.login("tom")
    assert reason(script.say("ann", Join(conversation=room))) is Reason.BLOCKED
    script.say("tom", Unblock(conversation=room, user="ann"))
    assert script.say("ann", Join(conversation=room)).time_ms


def test_a_deleted_conversation_is_gone_at_once_and_shows_as_left(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    cursor = script.say("ann", Sync()).cursor
    script.say("tom", DeleteConversation(conversation=conversation))
    assert kinds(script.pushes("ann")) == [ConversationDeleted]
    assert reason(script.say("ann", History(conversation=conversation))) is Reason.UNKNOWN_CONVERSATION
    assert script.say("ann", Sync(cursor=cursor)).left == [conversation]
    script.restart()
    script.login("ann")
    assert script.say("ann", Sync(cursor=cursor)).left == [conversation]
    assert reason(script.say("ann", History(conversation=conversation))) is Reason.UNKNOWN_CONVERSATION


def test_a_deleted_user_leaves_everything_he_was_in(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    script.manage(DeleteUser(user="bob"))
    assert kinds(script.pushes("ann")) == [MembersLeft]
    names = {member.user for member in script.say("tom", ListMembers(conversation=conversation)).members}
    assert names == {"tom", "ann"}
    script.restart()
    script.login("tom")
    names = {member.user for member in script.say("tom", ListMembers(conversation=conversation)).members}
    assert names == {"tom", "ann"}


def test_attributes_are_replaced_or_merged(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(UpdateConversation(conversation=conversation, attributes=b'{"a":1,"b":2}'))
    script.manage(UpdateConversation(conversation=conversation, attributes=b'{"b":3}', merge=True))
    found = script.manage(GetConversation(conversation=conversation)).conversation
    assert found.attributes == b'{"a":1,"b":3}'
    script.manage(UpdateConversation(conversation=conversation, attributes=b'{"c":1}'))
    assert script.manage(GetConversation(conversation=conversation)).conversation.attributes == b'{"c":1}'


def test_own_attributes_are_merged_and_null_removes(script: Script) -> None:
    script.login("tom", attributes=b'{"a":1,"b":2}')
    assert script.say("tom", UpdateUser(attributes=b'{"a":null,"c":3}')).user.attributes == b'{"b":2,"c":3}'


def test_system_messages_reach_a_user_a_conversation_or_all(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("bob")
    for command, receivers in (
        (SendSystem(content=b'"x"', users=("tom",)), {"tom"}),
        (SendSystem(content=b'"x"', conversation=conversation), {"tom", "ann"}),
        (SendSystem(content=b'"x"'), {"tom", "ann", "bob"}),
    ):
        script.manage(command)
        assert {name for name in ("tom", "ann", "bob") if kinds(script.pushes(name)) == [SystemNew]} == receivers


def test_ids_of_another_app_do_not_exist() -> None:
    script = Script(app("a"), app("b"))
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("m", conversation=conversation))
    script.login("eve", app="b")
    for command in (
        History(conversation=conversation),
        text("m", conversation=conversation),
        Join(conversation=conversation),
        GetConversation(conversation=conversation),
        DeleteConversation(conversation=conversation),
        ListMembers(conversation=conversation),
    ):
        assert reason(script.say("eve", command)) is Reason.UNKNOWN_CONVERSATION
        assert reason(script.manage(command, app="b", user="eve")) is Reason.UNKNOWN_CONVERSATION
    assert sent.seq == 1
    assert script.manage(ListConversations(), app="b").total == 0


def test_a_last_message_from_before_the_join_is_not_shown_where_history_begins_with_it() -> None:
    script = Script(app(history_from_join=True))
    conversation = group(script, "tom", "ann")
    secret = script.say("tom", text("secret", conversation=conversation))
    script.login("bob")
    script.say("tom", AddMembers(conversation=conversation, users=("bob",)))
    found = script.say("bob", GetConversation(conversation=conversation)).conversation
    assert (found.first_seq, found.last_message) == (2, None)
    assert script.say("bob", ListConversations()).conversations[0].last_message is None
    assert reason(script.say("bob", Readers(conversation=conversation, message=secret.message))) is Reason.UNKNOWN_MESSAGE
    assert script.say("ann", GetConversation(conversation=conversation)).conversation.last_message.id == secret.message


def test_nobody_unmutes_himself_where_nobody_may_mute(script: Script) -> None:
    conversation = group(script, "tom", "ann", kind=Kind.TEMPORARY)
    script.manage(Mute(conversation=conversation, user="ann"))
    assert reason(script.say("ann", Unmute(conversation=conversation, user="ann"))) is Reason.NOT_ALLOWED
    assert reason(script.say("ann", text("m", conversation=conversation))) is Reason.MUTED


def test_unique_means_these_very_members(script: Script) -> None:
    group(script, "tom", "ann", "bob")
    first = script.say("tom", CreateConversation(kind=3, members=("ann", "bob"), unique=True)).conversation.id
    script.say("tom", RemoveMembers(conversation=first, users=("ann",)))
    again = script.say("ann", CreateConversation(kind=3, members=("tom", "bob"), unique=True))
    assert again.created
    assert again.conversation.id != first


def test_the_unique_conversation_of_nobody_is_found_again(script: Script) -> None:
    """LC-01: a back office may name no members."""
    command = CreateConversation(kind=3, members=(), unique=True)
    made, again = script.manage(command), script.manage(command)
    assert (again.created, again.conversation.id) == (False, made.conversation.id)


def test_a_manager_does_not_remove_a_manager(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    for user in ("ann", "bob"):
        script.say("tom", SetRole(conversation=conversation, user=user, role=1))
    changed = script.say("ann", RemoveMembers(conversation=conversation, users=("bob",)))
    assert [each.user for each in changed.failed] == ["bob"]
    assert script.say("ann", RemoveMembers(conversation=conversation, users=("ann",))).allowed == ["ann"]


def test_members_of_a_large_room_come_in_pages(script: Script) -> None:
    for n in range(1200):
        script.manage(PutUser(user=f"u{n}"))
    script.login("tom")
    room = script.say("tom", CreateConversation(kind=4, members=tuple(f"u{n}" for n in range(1200)))).conversation.id
    pages = [script.say("tom", ListMembers(conversation=room, page=page)) for page in (1, 2, 3)]
    assert [len(page.members) for page in pages] == [1000, 201, 0]
    assert pages[0].total == 1201
    assert len(script.manage(ListMembers(conversation=room)).members) == 1201


def test_attributes_have_a_limit(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    large = b'{"x":"%s"}' % (b"x" * 17_000)
    assert reason(script.say("tom", CreateConversation(kind=3, members=(), attributes=large))) is Reason.TOO_LARGE
    assert reason(script.say("tom", UpdateConversation(conversation=conversation, attributes=large))) is Reason.TOO_LARGE
