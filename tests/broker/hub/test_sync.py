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
    SendMessage,
    Sync,
    SyncState,
)
from protocol.errors import Reason
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text


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


def pages(script: Script, name: str, cursor: str = "") -> list[SyncState]:
    found = []
    while True:
        page = script.say(name, Sync(cursor=cursor))
        assert isinstance(page, SyncState), page
        found.append(page)
        cursor = page.cursor
        if not page.more:
            return found


def test_a_first_sync_of_many_conversations_has_pages(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    script.login("ann")
    for n in range(450):
        script.manage(CreateConversation(kind=3, members=("ann",), name=str(n)), user="tom")
    found = pages(script, "ann")
    assert [len(page.conversations) for page in found] == [200, 200, 50]
    assert len({state.id for page in found for state in page.conversations}) == 450
    assert not any(page.reset for page in found)


def test_what_happens_between_the_pages_of_a_first_sync_is_told(script: Script) -> None:
    script.login("ann")
    script.login("tom")
    made = [script.say("tom", CreateConversation(kind=3, members=("ann",), name=str(n))).conversation.id for n in range(250)]
    sent = script.say("tom", text("oops", conversation=made[0]))
    script.say("tom", text("order", conversation=made[1]))
    for conversation in made[2:]:
        script.say("tom", text("m", conversation=conversation))
    first = script.say("ann", Sync())
    seen = [state.id for state in first.conversations]
    assert made[0] in seen
    assert made[1] in seen
    script.say("tom", RecallMessage(conversation=made[0], message=sent.message))
    script.say("tom", RemoveMembers(conversation=made[1], users=("ann",)))
    rest = pages(script, "ann", first.cursor)
    assert [patch.message for page in rest for patch in page.patches] == [sent.message]
    assert [number for page in rest for number in page.left] == [made[1]]


def test_more_patches_than_can_be_told_one_by_one_are_a_reset(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = [script.say("tom", text("m", conversation=conversation)).message for _ in range(501)]
    cursor = script.say("ann", Sync()).cursor
    for message in sent:
        script.say("tom", RecallMessage(conversation=conversation, message=message))
    told = script.say("ann", Sync(cursor=cursor))
    assert told.reset
    assert [state.id for state in told.conversations] == [conversation]


def test_an_answer_fits_into_an_outbox_however_large_the_last_messages_are(script: Script) -> None:
    script.login("tom")
    script.login("ann")
    for _ in range(20):
        number = script.say("tom", CreateConversation(kind=3, members=("ann",))).conversation.id
        script.say("tom", SendMessage(type=1, body=b'{"attr":"%s"}' % (b"x" * 60_000), conversation=number))
    found = pages(script, "ann")
    assert sum(len(page.conversations) for page in found) == 20
    assert all(sum(len(each.last_message.body) for each in page.conversations) < 400_000 for page in found)


def test_a_mention_stays_whatever_the_mentioned_says_after_it(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("@ann", conversation=conversation, mentions=("ann",)))
    script.say("ann", text("@all", conversation=conversation, mention_all=True))
    script.say("ann", text("@me", conversation=conversation, mentions=("ann",)))
    (state,) = script.say("ann", Sync()).conversations
    assert state.mentioned


def test_a_sync_of_a_user_in_very_many_conversations_lets_others_take_turns(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    script.login("ann")
    script.login("bob")
    for _ in range(1200):
        script.manage(CreateConversation(kind=3, members=("ann",)), user="tom")
    script.core.submit(script.numbers["ann"], "sync", Sync())
    assert script.core.wants_turn()
    script.core.submit(script.numbers["bob"], "quick", text("m", to="tom"))
    script.run()
    assert [key for key in script.replies if key in ("sync", "quick")] == ["quick", "sync"]


def test_patches_that_do_not_fit_into_an_answer_are_a_reset(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = [script.say("tom", text("m", conversation=conversation)).message for _ in range(10)]
    cursor = script.say("ann", Sync()).cursor
    for message in sent:
        body = b'{"attr":"%s"}' % (b"x" * 60_000)
        script.say("tom", EditMessage(conversation=conversation, message=message, body=body))
    told = script.say("ann", Sync(cursor=cursor))
    assert (told.reset, told.patches) == (True, [])
