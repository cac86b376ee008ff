"""A temporary conversation that was to live for so many seconds: it is over at that moment, whenever its rows go."""

from __future__ import annotations

from broker.hub.housekeeping import is_silent
from protocol.commands import (
    CreateConversation,
    DeleteUser,
    GetConversation,
    ListConversations,
    ListMembers,
    Sync,
    SyncState,
)
from protocol.errors import Reason
from protocol.records import Kind
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text

DAY_SECONDS = 86_400


def brief(script: Script, ttl_seconds: int, kind: Kind = Kind.TEMPORARY) -> int:
    command = CreateConversation(kind=kind, members=("ann",), unique=True, ttl_seconds=ttl_seconds)
    return int(script.say("tom", command).conversation.id)


def ttl(script: Script, number: int) -> int:
    return int(script.say("tom", GetConversation(conversation=number)).conversation.ttl_seconds)


def over(script: Script, number: int) -> bool:
    return is_silent(script.hub(), number, script.ms)


def test_it_is_over_at_its_second_for_everybody() -> None:
    script = Script()
    other = group(script, "tom", "ann")
    number = brief(script, 60)
    assert script.say("tom", text("hi", conversation=number)).seq == 1
    script.pass_ms(59_750)
    assert (ttl(script, number), over(script, number)) == (1, False)
    script.pass_ms(250)
    for command in (GetConversation(conversation=number), ListMembers(conversation=number), text("x", conversation=number)):
        assert reason(script.say("tom", command)) is Reason.UNKNOWN_CONVERSATION
    assert [each.id for each in script.say("ann", ListConversations()).conversations] == [other]
    state = script.say("ann", Sync())
    assert isinstance(state, SyncState)
    assert [each.id for each in state.conversations] == [other]
    assert over(script, number)
    assert brief(script, 60) != number
    script.manage(DeleteUser(user="ann"))
    assert "ann" not in script.hub().tables.members[number]


def test_days_of_silence_end_it_before_and_speaking_does_not_put_off_its_time() -> None:
    script = Script(app("a", temporary_days=1))
    group(script, "tom", "ann")
    assert ttl(script, brief(script, 10 * DAY_SECONDS)) == DAY_SECONDS
    never = Script(app("a", temporary_days=0))
    group(never, "tom", "ann")
    number = brief(never, 600)
    never.pass_ms(500_000)
    never.say("tom", text("hi", conversation=number))
    assert (ttl(never, number), over(never, number)) == (100, False)
    never.pass_ms(100_000)
    assert over(never, number)
    endless = brief(never, 0)
    never.ms += 100 * DAY_SECONDS * 1000
    never.monotonic += 100 * DAY_SECONDS
    assert (ttl(never, endless), over(never, endless)) == (0, False)


def test_only_temporary_conversations_are_brief() -> None:
    script = Script()
    group(script, "tom", "ann")
    number = brief(script, 1, Kind.GROUP)
    script.pass_ms(5000)
    assert ttl(script, number) == 0
