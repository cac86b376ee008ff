"""What a user missed of joining and leaving, by time (`protocols.md` 2.11): from rows that outlive a start."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from broker.hub import missed
from broker.hub.rows import put
from protocol.commands import (
    AddMembers,
    CreateConversation,
    DeleteConversation,
    Leave,
    ListMissed,
    Missed,
    Mute,
    RemoveMembers,
    SetBlocked,
    SetRole,
    Unmute,
    UpdateConversation,
)
from protocol.errors import Reason
from protocol.pushes import (
    ConversationJoined,
    ConversationLeft,
    ConversationUpdated,
    MemberMuted,
    MembersBlocked,
    MembersJoined,
    MembersLeft,
    MemberUnmuted,
    OwnMute,
    RoleChanged,
)
from protocol.records import Kind
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason

DAY_MS = 86_400_000


def asked(script: Script, user: str, since_ms: int, limit: int = 100) -> Missed:
    found = script.manage(ListMissed(since_ms=since_ms, limit=limit), user=user, privileged=False)
    assert isinstance(found, Missed), found
    return found


def told(script: Script, user: str, since_ms: int) -> list[Any]:
    found = asked(script, user, since_ms)
    assert not found.more
    assert [event.at_ms for event in found.events] == sorted(event.at_ms for event in found.events)
    return found.events


def do(script: Script, name: str, *commands: Any) -> None:
    """One thing a second."""
    for command in commands:
        script.pass_ms(1000)
        script.say(name, command)


def names(events: list[Any]) -> list[tuple[type, tuple[str, ...], str]]:
    return [(type(event), getattr(event, "users", ()) or (getattr(event, "user", ""),), event.by) for event in events]


def test_who_was_away_hears_that_he_was_brought_in_and_who_came_and_went_since() -> None:
    script = Script()
    for user in ("tom", "ann", "bob", "eve"):
        script.login(user)
    script.drop("ann")
    since = script.ms
    script.pass_ms(1000)
    made = script.say("tom", CreateConversation(kind=Kind.GROUP, members=("ann", "bob")))
    number = made.conversation.id
    do(script, "tom", AddMembers(conversation=number, users=("eve",)))
    do(script, "bob", Leave(conversation=number))
    events = told(script, "ann", since)
    assert names(events) == [
        (ConversationJoined, ("",), "tom"),
        (MembersJoined, ("tom", "ann"), "tom"),
        (MembersJoined, ("eve",), "tom"),
        (MembersLeft, ("bob",), "bob"),
    ]
    assert [event.at_ms - since for event in events] == [1000, 1000, 2000, 3000]
    assert {(event.conversation, event.kind) for event in events} == {(number, Kind.GROUP)}
    # What has been heard is not told again, and a start changes nothing.
    assert names(told(script, "ann", since + 2000)) == names(events[3:])
    script.restart()
    assert told(script, "ann", since) == events
    # The one who did it knows; the one who was added hears of what came after.
    assert names(told(script, "tom", since)) == [(MembersLeft, ("bob",), "bob")]
    assert names(told(script, "eve", since)) == [(ConversationJoined, ("",), "tom"), (MembersLeft, ("bob",), "bob")]
    assert told(script, "bob", since) == []


def test_a_push_says_when_it_was() -> None:
    script = Script()
    number = group(script, "tom", "ann")
    do(script, "tom", AddMembers(conversation=number, users=("ann",)), UpdateConversation(conversation=number, name="x"))
    (push,) = script.pushes("ann")
    assert (push.at_ms, push.time_ms) == (script.ms, script.ms)


def test_who_is_put_out_or_barred_hears_it_and_so_do_the_others() -> None:
    script = Script()
    number = group(script, "tom", "ann", "bob", "eve")
    since = script.ms
    do(script, "tom", RemoveMembers(conversation=number, users=("ann",)))
    do(script, "tom", SetBlocked(conversation=number, users=("bob", "zoe"), blocked=True))
    script.manage(CreateConversation(kind=Kind.GROUP, members=("zoe",)), user="tom")
    do(script, "tom", SetBlocked(conversation=number, users=("bob",), blocked=True))
    assert names(told(script, "ann", since)) == [(ConversationLeft, ("",), "tom")]
    bob = told(script, "bob", since)
    assert names(bob) == [(MembersBlocked, ("bob",), "tom"), (ConversationLeft, ("",), "tom")]
    assert (bob[0].own, bob[0].blocked) == (True, True)
    eve = told(script, "eve", since)
    assert names(eve) == [
        (MembersLeft, ("ann",), "tom"),
        (MembersBlocked, ("bob",), "tom"),
        (MembersLeft, ("bob",), "tom"),
    ]
    assert (eve[1].own, eve[1].blocked) == (False, True)
    later = script.ms
    do(script, "tom", SetBlocked(conversation=number, users=("bob",), blocked=False))
    for user, own in (("bob", True), ("eve", False)):
        (event,) = told(script, user, later)
        assert (event.users, event.blocked, event.own) == (("bob",), False, own)


def test_who_was_never_in_is_barred_and_has_not_left() -> None:
    script = Script()
    number = group(script, "tom", "ann")
    script.login("zoe")
    since = script.ms
    do(script, "tom", SetBlocked(conversation=number, users=("zoe",), blocked=True))
    for user in ("zoe", "ann"):
        assert names(told(script, user, since)) == [(MembersBlocked, ("zoe",), "tom")]


def test_roles_mutes_and_changes_are_told_as_they_stand() -> None:
    script = Script()
    number = group(script, "tom", "ann", "bob")
    since = script.ms
    do(script, "tom", SetRole(conversation=number, user="ann", role=1))
    do(script, "tom", Mute(conversation=number, user="bob", seconds=60))
    do(script, "tom", UpdateConversation(conversation=number, name="new", attributes=b'{"a":1}'))
    ann = told(script, "ann", since)
    assert names(ann) == [
        (RoleChanged, ("ann",), "tom"),
        (MemberMuted, ("bob",), "tom"),
        (ConversationUpdated, ("",), "tom"),
    ]
    assert (ann[0].role, ann[1].until_ms, ann[2].name, ann[2].attributes) == (1, since + 62_000, "new", b'{"a":1}')
    assert ann[2].time_ms == ann[2].at_ms == since + 3000
    assert [type(event) for event in told(script, "bob", since)] == [RoleChanged, MemberMuted, OwnMute, ConversationUpdated]
    assert told(script, "tom", since) == []
    script.pass_ms(60_000)  # the mute is over by itself
    assert [type(event) for event in told(script, "bob", since)] == [RoleChanged, ConversationUpdated]
    do(script, "tom", Mute(conversation=number, user="bob"), Unmute(conversation=number, user="bob"))
    (unmuted, own) = told(script, "bob", since + 60_000)
    assert (type(unmuted), type(own), own.muted) == (MemberUnmuted, OwnMute, False)


def test_rooms_deleted_conversations_and_what_is_older_than_a_month_are_not_told() -> None:
    script = Script()
    room = group(script, "tom", "ann", kind=Kind.ROOM)
    number = group(script, "bob", "ann")
    since = script.ms
    do(script, "tom", RemoveMembers(conversation=room, users=("ann",)), UpdateConversation(conversation=room, name="x"))
    do(script, "bob", AddMembers(conversation=number, users=("tom",)), DeleteConversation(conversation=number))
    assert told(script, "ann", since) == told(script, "tom", since) == []
    other = group(script, "eve", "zoe")
    do(script, "eve", RemoveMembers(conversation=other, users=("zoe",)))
    assert len(told(script, "zoe", 0)) == 1
    script.ms += 31 * DAY_MS
    script.monotonic += 31 * DAY_MS / 1000
    assert told(script, "zoe", 0) == []


def test_in_a_system_conversation_nobody_hears_of_others() -> None:
    script = Script()
    for user in ("tom", "ann", "bob"):
        script.login(user)
    since = script.ms
    script.pass_ms(1000)
    number = script.say("tom", CreateConversation(kind=Kind.GROUP, members=("ann",))).conversation.id
    tables = script.hub().tables
    system = msgspec.structs.replace(tables.conversations[number], kind=int(Kind.SYSTEM))
    tables.apply(put("a", "conversations", system), 1)
    do(script, "tom", AddMembers(conversation=number, users=("bob",)))
    for user in ("ann", "bob"):
        assert names(told(script, user, since)) == [(ConversationJoined, ("",), "tom")]
    do(script, "tom", RemoveMembers(conversation=number, users=("bob",)))
    assert names(told(script, "ann", since)) == [(ConversationJoined, ("",), "tom")]
    assert names(told(script, "bob", since)) == [(ConversationLeft, ("",), "tom")]


def test_pages_end_between_milliseconds() -> None:
    script = Script()
    script.login("ann")
    for user in ("tom", "bob"):
        script.login(user)
    since = script.ms
    numbers = []
    for _ in range(3):
        script.pass_ms(1000)
        for _ in range(2):
            numbers.append(script.say("tom", CreateConversation(kind=Kind.GROUP, members=("ann",))).conversation.id)
    heard: list[int] = []
    pages = 0
    while True:
        page = asked(script, "ann", since, limit=1)
        heard += [event.conversation for event in page.events if isinstance(event, ConversationJoined)]
        pages += 1
        if not page.more:
            break
        since = page.events[-1].at_ms
    assert (heard, pages) == (numbers, 3)


def test_looking_is_done_in_steps_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(app("a", group_members=2000))
    number = group(script, "tom", "ann")
    since = script.ms
    script.pass_ms(1000)
    names = tuple(f"u{n}" for n in range(1200))
    for name in names:
        script.hub().tables.users[name] = script.hub().tables.users["tom"].__class__(name, 1)
    for at in range(0, 1200, 400):
        script.say("tom", AddMembers(conversation=number, users=names[at : at + 400]))
    (event,) = told(script, "ann", since)
    assert event.users == names
    monkeypatch.setattr(missed, "MOST_ROWS", 1000)
    found = script.manage(ListMissed(since_ms=since), user="ann", privileged=False)
    assert reason(found) is Reason.TOO_BROAD
    # Where nobody has moved since, nobody is looked at.
    assert told(script, "ann", script.ms) == []


def test_only_a_user_can_have_missed_something() -> None:
    script = Script()
    assert reason(script.manage(ListMissed(since_ms=0))) is Reason.MISSING_FIELD
    assert reason(script.manage(ListMissed(since_ms=0), user="nobody", privileged=False)) is Reason.UNKNOWN_USER
