"""What a user learns after an absence, in pages, across restarts, and when the cursor is no good any more."""

from __future__ import annotations

import pytest

from protocol.commands import (
    CreateConversation,
    EditMessage,
    PutUser,
    Read,
    RecallMessage,
    RemoveMembers,
    Sync,
)
from protocol.errors import Reason
from tests.broker.hub.script import Script
from tests.broker.hub.test_messages import group, reason, text


def test_only_what_changed_since_the_cursor_is_told(script: Script) -> None:
    one, two = group(script, "tom", "ann"), group(script, "tom", "bob")
    first = script.say("tom", Sync())
    assert {state.id for state in first.conversations} == {one, two}
    assert not first.reset
    assert script.say("tom", Sync(cursor=first.cursor)).conversations == []
    script.say("ann", text("m", conversation=one))
    second = script.say("tom", Sync(cursor=first.cursor))
    (state,) = second.conversations
    assert (state.id, state.last_seq, state.unread, state.last_message.body) == (one, 1, 1, b'{"text":"m"}')
    assert script.say("tom", Sync(cursor=second.cursor)).conversations == []


@pytest.mark.parametrize("crash", [False, True])
def test_edits_recalls_and_departures_are_told_with_their_place(script: Script, crash: bool) -> None:
    one, two = group(script, "tom", "ann"), group(script, "tom", "ann")
    edited, recalled = (script.say("tom", text(words, conversation=one)) for words in ("tpyo", "oops"))
    cursor = script.say("ann", Sync()).cursor
    script.say("tom", EditMessage(conversation=one, message=edited.message, body=b'{"text":"typo"}'))
    script.say("tom", RecallMessage(conversation=one, message=recalled.message))
    script.say("tom", RemoveMembers(conversation=two, users=("ann",)))
    if crash:
        script.restart()
        script.login("ann")
    told = script.say("ann", Sync(cursor=cursor))
    assert [(patch.seq, patch.status, patch.body) for patch in told.patches] == [
        (1, 1, b'{"text":"typo"}'),
        (2, 3, b"{}"),
    ]
    assert told.left == [two]


def test_a_read_mark_set_elsewhere_is_told(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("m", conversation=conversation))
    script.login("ann-tablet", "ann", device="t")
    cursor = script.say("ann", Sync()).cursor
    script.say("ann-tablet", Read(conversation=conversation, seq=1))
    (state,) = script.say("ann", Sync(cursor=cursor)).conversations
    assert (state.unread, state.read_seq) == (0, 1)


def test_pages_cover_everything_once_with_patches_from_the_first_cursor(script: Script) -> None:
    conversations = [group(script, "tom", "ann") for _ in range(5)]
    sent = script.say("tom", text("m", conversation=conversations[0]))
    cursor = script.say("ann", Sync()).cursor
    script.say("tom", EditMessage(conversation=conversations[0], message=sent.message, body=b'{"text":"e"}'))
    script.manage(PutUser(user="x"))
    for n in range(450):
        script.manage(CreateConversation(kind=3, members=("ann",), name=str(n)), user="tom")
    script.say("tom", text("late", conversation=conversations[0]))
    seen: list[int] = []
    patches: list[int] = []
    while True:
        page = script.say("ann", Sync(cursor=cursor))
        assert not page.reset
        seen += [state.id for state in page.conversations]
        patches += [patch.message for patch in page.patches]
        cursor = page.cursor
        if not page.more:
            break
    assert len(seen) == len(set(seen)) == 451
    assert patches == [sent.message]


def test_a_cursor_of_another_epoch_or_too_old_starts_anew(script: Script) -> None:
    group(script, "tom", "ann")
    cursor = script.say("tom", Sync()).cursor
    foreign = script.say("tom", Sync(cursor="other" + cursor[1:]))
    assert foreign.reset
    assert len(foreign.conversations) == 1
    script.ms += 30 * 86_400_000
    script.monotonic += 30 * 86_400
    script.run()
    assert script.say("tom", Sync(cursor=cursor)).reset


@pytest.mark.parametrize("cursor", ["x", "e.1", "e.1.2.3.x", "e.-1.2.3.4", "e.1.2.3.4.5", "e." + "9" * 200])
def test_a_cursor_that_never_was_one_is_refused(script: Script, cursor: str) -> None:
    script.login("tom")
    assert reason(script.say("tom", Sync(cursor=cursor))) is Reason.BAD_FORMAT


def test_a_session_that_syncs_without_end_is_slowed_down(script: Script) -> None:
    script.login("tom")
    replies = [script.say("tom", Sync()) for _ in range(21)]
    assert reason(replies[-1]) is Reason.TOO_FAST
    script.pass_ms(replies[-1].retry_after_ms)
    assert script.say("tom", Sync()).cursor
