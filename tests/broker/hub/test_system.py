"""System conversations: the back office alone speaks, nobody hears of another member, nobody reads what is not for him."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    AddMembers,
    Command,
    Condition,
    CreateConversation,
    DeleteMessage,
    EditMessage,
    GetConversation,
    History,
    Join,
    Leave,
    ListConversations,
    ListMembers,
    Mute,
    Readers,
    ReadTimes,
    RemoveMembers,
    SendMessage,
    SetRole,
    Sync,
)
from protocol.errors import Reason
from protocol.pushes import ConversationJoined, ConversationLeft, MessageNew, MessagePatched
from protocol.records import Kind
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text


@pytest.fixture
def service(script: Script) -> int:
    """Tom and ann are in it, eve is not; all are online, ann on LeanCloud's wire."""
    for user, wire in (("tom", "native"), ("ann", "leancloud"), ("eve", "native"), ("news", "native")):
        script.login(user, wire=wire)
    made = script.manage(CreateConversation(kind=Kind.SYSTEM, members=("tom", "ann"), name="daily", attributes=b'{"a":1}'))
    for user in ("tom", "ann"):
        assert kinds(script.pushes(user)) == [ConversationJoined]
    return int(made.conversation.id)


def kinds(pushes: list[Any]) -> list[type]:
    return [type(push) for push in pushes]


def words(found: Any) -> list[bytes]:
    return [message.body for message in found.messages]


def tell(script: Script, service: int, said: str, **fields: Any) -> Any:
    return script.manage(text(said, conversation=service, **fields), user="news")


def test_it_is_made_by_a_back_office(script: Script) -> None:
    script.login("tom")
    command = CreateConversation(kind=Kind.SYSTEM, members=())
    assert reason(script.say("tom", command)) is Reason.BAD_KIND
    assert reason(script.manage(command, user="tom", privileged=False)) is Reason.BAD_KIND
    assert script.manage(command).conversation.kind == Kind.SYSTEM


def test_its_members_hear_it_and_nobody_else(script: Script, service: int) -> None:
    sent = tell(script, service, "hello")
    assert kinds(script.pushes("tom")) == kinds(script.pushes("ann")) == [MessageNew]
    assert script.pushes("eve") == []
    assert words(script.say("tom", History(conversation=service))) == [b'{"text":"hello"}']
    assert script.say("eve", History(conversation=service)).messages == []
    (state,) = script.say("tom", Sync()).conversations
    assert (state.id, state.unread) == (service, 1)
    assert reason(script.say("tom", text("me too", conversation=service))) is Reason.NOT_ALLOWED
    script.manage(EditMessage(conversation=service, message=sent.message, body=b'{"text":"changed"}'))
    assert kinds(script.pushes("tom")) == [MessagePatched]
    assert script.pushes("eve") == []


def test_what_is_for_everyone_reaches_everyone_online_and_can_be_read_by_all(script: Script, service: int) -> None:
    tell(script, service, "for members")
    first = tell(script, service, "for all", everyone=True)
    tell(script, service, "for members too")
    second = tell(script, service, "for all again", everyone=True)
    script.pushes("tom")
    said = [push.message.seq for push in script.pushes("eve") if type(push) is MessageNew]
    assert said == [first.seq, second.seq]
    page = History(conversation=service)
    assert words(script.say("eve", page)) == [b'{"text":"for all"}', b'{"text":"for all again"}']
    assert words(script.say("eve", History(conversation=service, limit=1))) == [b'{"text":"for all again"}']
    assert words(script.say("eve", History(conversation=service, after=0, limit=1))) == [b'{"text":"for all"}']
    assert len(script.say("tom", page).messages) == 4
    script.manage(DeleteMessage(conversation=service, message=second.message))
    assert kinds(script.pushes("eve")) == [MessagePatched]
    assert words(script.say("eve", page)) == [b'{"text":"for all"}']
    script.restart()
    script.login("eve")
    assert words(script.say("eve", page)) == [b'{"text":"for all"}']


def test_what_is_for_some_alone_is_seen_by_them_and_not_kept(script: Script, service: int) -> None:
    sent = tell(script, service, "psst", only=("eve",), transient=True)
    assert (sent.seq, kinds(script.pushes("eve")), kinds(script.pushes("news"))) == (0, [MessageNew], [MessageNew])
    assert script.pushes("tom") == script.pushes("ann") == []
    assert script.manage(History(conversation=service)).messages == []
    tell(script, service, "psst", only=("eve",), transient=True, no_sync=True)
    assert script.pushes("news") == []
    for fields, why in (
        ({"only": ("eve",)}, Reason.BAD_FORMAT),
        ({"only": tuple(f"u{n}" for n in range(21)), "transient": True}, Reason.TOO_LARGE),
        ({"only": ("nobody",), "transient": True}, Reason.UNKNOWN_USER),
    ):
        assert reason(tell(script, service, "psst", **fields)) is why


def test_elsewhere_nothing_is_for_everyone(script: Script, service: int) -> None:
    team = group(script, "bob", "joe")
    assert reason(tell(script, team, "x", everyone=True)) is Reason.BAD_KIND
    assert reason(tell(script, team, "x", only=("eve",), transient=True)) is Reason.BAD_KIND
    assert reason(script.say("bob", text("x", conversation=team, everyone=True))) is Reason.NOT_ALLOWED
    told = SendMessage(type=-1, body=b"{}", to="eve", everyone=True)
    assert reason(script.manage(told, user="bob")) is Reason.BAD_KIND


def test_whoever_likes_comes_and_goes_and_the_others_do_not_hear_of_it(script: Script, service: int) -> None:
    script.say("eve", Join(conversation=service))
    script.say("eve", Leave(conversation=service))
    script.manage(AddMembers(conversation=service, users=("eve",)))
    script.manage(RemoveMembers(conversation=service, users=("eve",)))
    assert kinds(script.pushes("eve")) == [ConversationJoined, ConversationLeft]
    assert script.pushes("tom") == script.pushes("ann") == []
    assert reason(script.say("tom", AddMembers(conversation=service, users=("eve",)))) is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (ListMembers(conversation=1), Reason.NOT_ALLOWED),
        (ReadTimes(conversation=1), Reason.BAD_KIND),
        (Readers(conversation=1, message=1), Reason.BAD_KIND),
        (Mute(conversation=1, user="ann"), Reason.BAD_KIND),
        (SetRole(conversation=1, user="ann", role=1), Reason.BAD_KIND),
    ],
)
def test_a_member_learns_nothing_of_the_others(script: Script, service: int, command: Command, why: Reason) -> None:
    command.conversation = service
    assert reason(script.say("tom", command)) is why


@pytest.mark.parametrize("open_query", [False, True])
def test_no_query_tells_who_is_a_member(open_query: bool) -> None:
    script = Script(app(open_query=open_query))
    for user in ("tom", "ann", "eve"):
        script.login(user)
    made = script.manage(CreateConversation(kind=Kind.SYSTEM, members=("tom", "ann"), name="daily", attributes=b'{"a":1}'))

    def found(user: str, *conditions: Condition) -> list[Any]:
        command = ListConversations(where=conditions, visible=True, with_members=True)
        return list(script.say(user, command).conversations)

    system = Condition("kind", "=", int(Kind.SYSTEM))
    for user in ("tom", "eve"):
        (info,) = found(user, system)
        assert (info.id, info.name, info.users, info.members) == (made.conversation.id, "daily", None, 2)
        assert found(user, system, Condition("member", "=", "ann")) == []
        assert found(user, Condition("member", "all", ["tom", "ann"])) == []
        assert len(found(user, system, Condition("member", "!=", "ann"))) == 1
    assert len(found("tom", system, Condition("member", "=", "tom"))) == 1
    assert script.say("eve", GetConversation(conversation=made.conversation.id)).conversation.attributes == b"{}"
    (shown,) = script.manage(ListConversations(where=(Condition("member", "=", "ann"),), with_members=True)).conversations
    assert shown.users is None
