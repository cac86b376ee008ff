"""What goes with time: old messages, tombstones, rows of deleted users, silent conversations; never what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.housekeeping import expire, tidy
from broker.hub.housekeeping import EndSilent, ForgetTombstones, Housekeeping
from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key, MessagesKey
from protocol.commands import (
    AddFriend,
    AddMembers,
    CreateConversation,
    DeleteConversation,
    DeleteUser,
    GetConversation,
    History,
    ListMembers,
    RemoveMembers,
    Sync,
)
from protocol.errors import Reason
from protocol.ids import first_at
from protocol.pushes import ConversationDeleted
from protocol.records import Kind
from tests.broker.hub.script import START_MS, Script
from tests.broker.hub.words import group, reason, text

DAY_MS = 86_400_000


def issuer(script: Script) -> Any:
    async def issue(hub: Hub, command: Housekeeping) -> None:
        script.core.keep_house(hub, command)
        script.run()

    return issue


def pass_days(script: Script, days: int) -> None:
    script.ms += days * DAY_MS
    script.monotonic += days * DAY_MS / 1000
    script.run()


async def clean(script: Script) -> None:
    await tidy(script.hub(), issuer(script), lambda: script.ms)


async def test_floors_move_past_what_is_too_old(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    quiet = group(script, "tom", "ann")
    for _ in range(250):
        script.say("tom", text("old", conversation=conversation))
    script.say("tom", text("old", conversation=quiet))
    script.ms += 3 * DAY_MS
    script.monotonic += 3 * DAY_MS / 1000
    for _ in range(3):
        script.say("tom", text("new", conversation=conversation))

    async def fetch(hub: Hub, keys: Sequence[Key]) -> list[FetchedRow]:
        return [row for key in keys for row in script.tails[hub.app.id].fetch(key)]

    await expire(script.hub(), first_at(START_MS + DAY_MS), fetch, issuer(script))
    heads = script.hub().tables.heads
    assert (heads[conversation].floor, heads[quiet].floor, b"old" in heads[quiet].last) == (250, 1, False)
    page = script.say("ann", History(conversation=conversation, after=0))
    assert [message.seq for message in page.messages] == [251, 252, 253]
    states = {state.id: state for state in script.say("ann", Sync()).conversations}
    assert (states[conversation].first_seq, states[conversation].unread) == (251, 3)
    assert (states[quiet].unread, states[quiet].last_message) == (0, None)
    script.restart()
    assert script.hub().tables.heads[conversation].floor == 250


async def test_the_store_is_asked_only_where_old_and_new_may_be(script: Script) -> None:
    over, mixed, late = (group(script, "tom", "ann") for _ in range(3))
    for conversation in (over, mixed):
        for _ in range(10):
            script.say("tom", text("old", conversation=conversation))
    pass_days(script, 3)
    before = first_at(script.ms - DAY_MS)
    young = group(script, "tom", "ann")
    for conversation in (mixed, late, young):
        script.say("tom", text("new", conversation=conversation))
    script.hub().tables.alias_of[young] = "5" * 24  # what was said in it elsewhere may be older than it is here
    asked: list[set[int]] = []

    async def fetch(hub: Hub, keys: Sequence[Key]) -> list[FetchedRow]:
        asked.append({key.conversation for key in keys if isinstance(key, MessagesKey)})
        return [row for key in keys for row in script.tails[hub.app.id].fetch(key)]

    await expire(script.hub(), before, fetch, issuer(script))
    heads = script.hub().tables.heads
    assert [heads[number].floor for number in (over, mixed, late, young)] == [10, 10, 0, 0]
    assert asked == [{mixed, late, young}, {mixed}]
    del script.hub().tables.alias_of[young]
    await expire(script.hub(), before, fetch, issuer(script))
    assert asked[2:] == [{mixed, late}]


async def test_what_was_deleted_is_forgotten_after_thirty_days_also_by_a_restart(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("@ann", conversation=conversation, mentions=("ann",)))
    script.say("tom", DeleteConversation(conversation=conversation))
    other = group(script, "tom", "ann")
    script.say("tom", RemoveMembers(conversation=other, users=("ann",)))
    pass_days(script, 31)
    await clean(script)
    for _ in range(2):
        tables = script.hub().tables
        assert not tables.graves
        assert not any(tables.tombstones.values())
        assert not any(tables.mentions.values())
        script.restart()
    assert not kept_rows(script, "members", conversation)
    script.login("ann")
    assert script.say("ann", Sync()).conversations == []


def kept_rows(script: Script, table: str, *start: Any) -> list[Any]:
    """Keys of a table whose newest image is a row."""
    newest = {(image.table, image.key): image.row for commit in script.log.commits for image in commit}
    return [key for (name, key), row in newest.items() if name == table and row is not None and key[: len(start)] == start]


async def test_rows_of_a_deleted_user_are_removed_before_and_after_a_restart(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("ann", AddFriend(user="tom"))
    script.say("tom", text("@ann", conversation=conversation, mentions=("ann",)))
    script.manage(DeleteUser(user="ann"))
    script.restart()
    assert len(script.hub().tables.leftovers) >= 3
    await clean(script)
    assert not script.hub().tables.leftovers
    assert kept_rows(script, "members") == [(conversation, "tom")]
    assert not kept_rows(script, "friends")
    assert not kept_rows(script, "mentions")
    script.restart()
    assert not script.hub().tables.leftovers


async def test_a_silent_temporary_conversation_is_deleted_after_its_days(script: Script) -> None:
    conversation = group(script, "tom", "ann", kind=Kind.TEMPORARY)
    kept = group(script, "tom", "ann")
    pass_days(script, 4)
    await clean(script)
    assert reason(script.say("tom", GetConversation(conversation=conversation))) is Reason.UNKNOWN_CONVERSATION
    assert script.say("tom", GetConversation(conversation=kept)).conversation.id == kept


async def test_a_temporary_conversation_whose_time_is_over_is_deleted(script: Script) -> None:
    group(script, "tom", "ann")
    command = CreateConversation(kind=Kind.TEMPORARY, members=("ann",), ttl_seconds=60)
    number = script.say("tom", command).conversation.id
    script.pass_ms(59_000)
    await clean(script)
    assert number in script.hub().tables.conversations
    script.pass_ms(1000)
    script.pushes("ann")
    await clean(script)
    assert number not in script.hub().tables.conversations
    assert [type(push) for push in script.pushes("ann")] == [ConversationDeleted]


async def test_who_came_back_and_what_was_spoken_in_since_stays(script: Script) -> None:
    """Candidates found before, commands carried out after."""
    conversation = group(script, "tom", "ann")
    script.say("tom", RemoveMembers(conversation=conversation, users=("ann",)))
    temporary = group(script, "tom", "ann", kind=Kind.TEMPORARY)
    pass_days(script, 31)
    script.say("tom", AddMembers(conversation=conversation, users=("ann",)))
    script.say("tom", text("m", conversation=temporary))
    issue = issuer(script)
    await issue(script.hub(), ForgetTombstones(places=(("ann", conversation),)))
    await issue(script.hub(), EndSilent(conversations=(temporary,)))
    assert len(script.say("tom", ListMembers(conversation=conversation)).members) == 2
    assert script.say("tom", GetConversation(conversation=temporary)).conversation.id == temporary


async def test_days_of_silence_are_counted_from_the_last_word_even_behind_the_floor(script: Script) -> None:
    conversation = group(script, "tom", "ann", kind=Kind.TEMPORARY)
    pass_days(script, 2)
    script.say("tom", text("m", conversation=conversation))
    pass_days(script, 2)

    async def fetch(hub: Hub, keys: Sequence[Key]) -> list[FetchedRow]:
        return [row for key in keys for row in script.tails[hub.app.id].fetch(key)]

    await expire(script.hub(), first_at(script.ms), fetch, issuer(script))
    await clean(script)
    assert script.say("tom", GetConversation(conversation=conversation)).conversation.last_message is None
