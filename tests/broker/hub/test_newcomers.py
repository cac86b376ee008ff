"""Users a management call names before anyone has registered them: made with it, or not at all (LC-01, HI-05, ML-07)."""

from __future__ import annotations

import pytest

from protocol.commands import (
    AddFriend,
    AddMembers,
    BanUser,
    Command,
    CreateConversation,
    DeleteUser,
    GetUser,
    Managed,
    PutUser,
    RequestJoin,
    SendMessage,
    Sent,
    UserFound,
)
from protocol.errors import Reason, Refused
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text


def manage(script: Script, command: Command, user: str = "", *newcomers: str, privileged: bool = True) -> object:
    envelope = Managed(app="a", rev=0, user=user, privileged=privileged, command=command, newcomers=newcomers)
    return script.ask(1, envelope)


def there(script: Script, *users: str) -> list[str]:
    return [user for user in users if isinstance(script.manage(GetUser(user=user)), UserFound)]


def test_they_are_made_in_the_same_step_and_outlive_a_restart(script: Script) -> None:
    made = manage(script, CreateConversation(kind=3, members=("ann", "bob", "ann")), "tom", "tom", "ann", "bob")
    assert made.conversation.members == 3  # type: ignore[attr-defined]
    assert len(script.log.commits[-1]) == len({(image.table, image.key) for image in script.log.commits[-1]})
    manage(script, SendMessage(type=-1, body=b"{}", to="tom"), "eve", "eve")
    manage(script, AddFriend(user="kim"), "joe", "joe", "kim")
    manage(script, RequestJoin(conversation=made.conversation.id), "zoe", "zoe")  # type: ignore[attr-defined]
    script.restart()
    users = ("tom", "ann", "bob", "eve", "joe", "kim", "zoe")
    assert there(script, *users) == list(users)


def test_a_call_that_is_refused_makes_nobody() -> None:
    script = Script(app(group_members=3))
    conversation = group(script, "tom", "ann")
    refused = {
        Reason.UNKNOWN_USER: CreateConversation(kind=3, members=("new1", "stranger")),
        Reason.FULL: AddMembers(conversation=conversation, users=("new1", "new2"), strict=True),
        Reason.UNKNOWN_CONVERSATION: AddMembers(conversation=5, users=("new1",), strict=True),
    }
    for expected, command in refused.items():
        assert reason(manage(script, command, "", "new1", "new2")) is expected
    assert there(script, "new1", "new2") == []


def test_who_was_deleted_stays_so_and_nobody_is_made_who_could_not_be(script: Script) -> None:
    script.manage(PutUser(user="gone"))
    script.manage(DeleteUser(user="gone"))
    for name, expected in (("gone", Reason.UNKNOWN_USER), ("a b", Reason.BAD_USER_ID), ("x" * 129, Reason.BAD_USER_ID)):
        assert reason(manage(script, CreateConversation(kind=3, members=(name,)), "", name)) is expected


def test_a_users_own_token_makes_nobody(script: Script) -> None:
    script.login("tom")
    refused = manage(script, text("m", to="ann"), "tom", "ann", privileged=False)
    assert isinstance(refused, Refused)
    assert there(script, "ann") == []


def test_a_call_may_heed_a_ban_that_would_not_stop_a_back_office(script: Script) -> None:
    """LC-10 and ZD-34."""
    conversation = group(script, "tom", "ann")
    script.manage(BanUser(user="tom"))
    said = text("m", conversation=conversation)
    assert isinstance(manage(script, said, "tom"), Sent)
    heeding = Managed(app="a", rev=0, user="tom", command=said, heed_ban=True)
    assert reason(script.ask(1, heeding)) is Reason.BANNED


@pytest.mark.parametrize("count", [1000, 1001])
def test_a_back_office_names_a_thousand_at_once(count: int) -> None:
    script = Script(app(group_members=2000))
    conversation = group(script, "tom", "ann")
    names = tuple(f"u{number}" for number in range(count))
    reply = manage(script, AddMembers(conversation=conversation, users=names, strict=True), "", *names)
    if count == 1000:
        assert len(reply.allowed) == count  # type: ignore[attr-defined]
    else:
        assert reason(reply) is Reason.TOO_LARGE
        assert there(script, "u0") == []
