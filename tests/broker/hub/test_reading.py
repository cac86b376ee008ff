"""Reading what was said: history, pages, read marks, receipts, who has read, and rows only the store has."""

from __future__ import annotations

import pytest

from protocol.commands import (
    Acknowledge,
    AddMembers,
    CreateConversation,
    EditMessage,
    History,
    ListMessages,
    Read,
    Readers,
    SendMessage,
    Sync,
)
from protocol.errors import Reason
from protocol.pushes import ConversationRead, MessageReceived, Receipt
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, reason, text


@pytest.mark.parametrize("hidden", [False, True])
def test_history_reads_before_after_and_the_newest(script: Script, hidden: bool) -> None:
    conversation = group(script, "tom", "ann")
    for n in range(10):
        script.say("tom", text(str(n), conversation=conversation))
    script.tails["a"].hidden = hidden

    def seqs(**bounds: int) -> tuple[list[int], bool]:
        page = script.say("ann", History(conversation=conversation, **bounds))
        return [message.seq for message in page.messages], page.more

    assert seqs() == ([*range(1, 11)], False)
    assert seqs(limit=3) == ([8, 9, 10], True)
    assert seqs(before=8, limit=3) == ([5, 6, 7], True)
    assert seqs(before=3, limit=3) == ([1, 2], False)
    assert seqs(after=0, limit=4) == ([1, 2, 3, 4], True)
    assert seqs(after=8, limit=4) == ([9, 10], False)
    assert seqs(after=10) == ([], False)
    assert seqs(before=1) == ([], False)
    assert seqs(limit=0)[0] == []


def test_pages_are_newest_first_with_the_count_of_all(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for n in range(7):
        script.say("tom", text(str(n), conversation=conversation))
    page = script.manage(ListMessages(conversation=conversation, page=2, size=3))
    assert ([message.seq for message in page.messages], page.total) == ([4, 3, 2], 7)


def test_history_for_those_who_came_later_can_begin_with_their_joining() -> None:
    script = Script(app(history_from_join=True))
    conversation = group(script, "tom", "ann")
    script.say("tom", text("secret", conversation=conversation))
    script.login("bob")
    script.say("tom", AddMembers(conversation=conversation, users=("bob",)))
    script.say("tom", text("open", conversation=conversation))
    assert [message.seq for message in script.say("bob", History(conversation=conversation)).messages] == [2]
    assert len(script.say("ann", History(conversation=conversation)).messages) == 2


def test_unread_counts_what_others_said_since_the_read_mark(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for name in ("ann", "tom", "ann", "tom"):
        script.say(name, text("m", conversation=conversation))

    def unread() -> int:
        (state,) = script.say("ann", Sync()).conversations
        return int(state.unread)

    assert unread() == 2
    assert script.say("ann", Read(conversation=conversation, seq=2)).unread == 1
    assert unread() == 1
    assert script.say("ann", Read(conversation=conversation, seq=1)).unread == 1
    assert script.say("ann", Read(conversation=conversation, seq=99)).unread == 0


def test_a_member_who_never_reads_is_remembered_within_bounds(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("first", conversation=conversation))
    for _ in range(200):
        script.say("ann", text("m", conversation=conversation))
    position = script.hub().tables.positions[conversation]["ann"]
    assert len(position.own) <= 64


def test_receipts_tell_the_sender_who_asked_for_them(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("m", conversation=conversation, receipt=True))
    script.say("ann", Acknowledge(conversation=conversation, seq=1))
    script.pass_ms(1000)
    (first,) = script.pushes("tom")
    assert isinstance(first, Receipt)
    assert (first.user, first.delivered_seq, first.read_seq) == ("ann", 1, 0)
    script.say("ann", Read(conversation=conversation, seq=1))
    script.pass_ms(1000)
    assert [(push.delivered_seq, push.read_seq) for push in script.pushes("tom")] == [(1, 1)]


def test_no_receipt_goes_to_a_sender_who_did_not_ask(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("m", conversation=conversation))
    script.say("ann", Read(conversation=conversation, seq=1))
    script.pass_ms(1000)
    assert script.pushes("tom") == []


def test_a_read_mark_reaches_the_readers_other_sessions(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("ann-tablet", "ann", device="tablet")
    script.say("tom", text("m", conversation=conversation))
    script.heard("ann-tablet")
    script.heard("ann")
    script.say("ann", Read(conversation=conversation, seq=1))
    script.pass_ms(1000)
    (push,) = script.pushes("ann-tablet")
    assert isinstance(push, ConversationRead)
    assert (push.seq, push.unread) == (1, 0)
    assert script.pushes("ann") == []


@pytest.mark.parametrize("hidden", [False, True])
def test_readers_lists_who_has_read_and_who_has_not(script: Script, hidden: bool) -> None:
    conversation = group(script, "tom", "ann", "bob")
    sent = script.say("tom", text("m", conversation=conversation))
    script.say("ann", Read(conversation=conversation, seq=1))
    script.tails["a"].hidden = hidden
    reply = script.say("tom", Readers(conversation=conversation, message=sent.message))
    assert (reply.read, reply.unread) == (["ann"], ["bob"])
    assert reason(script.say("tom", Readers(conversation=conversation, message=5))) is Reason.UNKNOWN_MESSAGE


def test_a_history_read_that_raced_an_edit_shows_the_edit(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("old", conversation=conversation))
    script.tails["a"].hidden = True
    script.hold_jobs = True
    assert script.say("ann", History(conversation=conversation)) is None
    job = script.jobs.popleft()
    stale = {key: script.tails["a"].fetch(key) for key in job.keys}
    script.tails["a"].hidden = False
    script.say("tom", EditMessage(conversation=conversation, message=sent.message, body=b'{"text":"new"}'))
    job.done(stale)
    script.hold_jobs = False
    script.run()
    pages = [each for each in script.heard("ann") if type(each).__name__ == "HistoryPage"]
    assert [message.body for message in pages[0].messages] == [b'{"text":"new"}']


def test_a_store_that_cannot_answer_is_said_so(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("old", conversation=conversation))
    script.tails["a"].hidden = True
    script.hold_jobs = True
    script.say("ann", History(conversation=conversation))
    script.jobs.popleft().done(None)
    script.run()
    assert reason(script.heard("ann")[-1]) is Reason.HISTORY_UNAVAILABLE


def test_commands_behind_a_fetch_are_answered_in_order(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("old", conversation=conversation))
    script.heard("ann")
    script.tails["a"].hidden = True
    script.hold_jobs = True
    script.say("ann", History(conversation=conversation))
    script.say("ann", text("later", conversation=conversation))
    assert script.heard("ann") == []
    assert script.say("tom", text("others go on", conversation=conversation)).seq == 2
    script.hold_jobs = False
    script.run()
    assert [type(each).__name__ for each in script.heard("ann")] == ["MessageNew", "HistoryPage", "Sent"]


def test_large_messages_come_in_smaller_pages(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for _ in range(20):
        script.say("tom", SendMessage(type=1, body=b'{"attr":"%s"}' % (b"x" * 60_000), conversation=conversation))
    newest = script.say("ann", History(conversation=conversation, limit=100))
    assert [message.seq for message in newest.messages] == [17, 18, 19, 20]
    assert newest.more
    oldest = script.say("ann", History(conversation=conversation, after=0, limit=100))
    assert [message.seq for message in oldest.messages] == [1, 2, 3, 4]
    assert oldest.more


def test_who_came_later_has_not_read_what_was_said_before(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("m", conversation=conversation))
    script.login("bob")
    script.say("tom", AddMembers(conversation=conversation, users=("bob",)))
    reply = script.say("tom", Readers(conversation=conversation, message=sent.message))
    assert (reply.read, reply.unread) == ([], ["ann"])


def test_a_receipt_is_not_repeated_for_a_reader_who_never_acknowledges(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("m", conversation=conversation, receipt=True))
    script.say("ann", Read(conversation=conversation, seq=1))
    script.pass_ms(1000)
    script.heard("tom")
    script.login("bob")
    script.say("tom", AddMembers(conversation=conversation, users=("bob",)))
    script.say("bob", text("no receipt asked", conversation=conversation))
    script.heard("tom")
    script.say("ann", Read(conversation=conversation, seq=2))
    script.pass_ms(1000)
    assert script.pushes("tom") == []


def test_a_leancloud_client_is_told_of_each_message_also_when_it_has_left_memory(script: Script) -> None:
    script.login("tom", wire="leancloud", device="t")
    script.login("ann")
    conversation = script.say("tom", CreateConversation(kind=3, members=("ann",))).conversation.id
    sent = [script.say("tom", text(f"m{n}", conversation=conversation, receipt=n != 1)) for n in range(3)]
    script.tails["a"].hidden = True
    script.heard("tom")
    script.say("ann", Acknowledge(conversation=conversation, seq=3))
    script.pass_ms(1000)
    told = [push for push in script.pushes("tom") if isinstance(push, MessageReceived)]
    assert [(push.message, push.user) for push in told] == [(sent[0].message, "ann"), (sent[2].message, "ann")]
    script.say("tom", text("newest", conversation=conversation))
    script.say("ann", Read(conversation=conversation, seq=3))
    script.pass_ms(1000)
    (receipt,) = [push for push in script.pushes("tom") if isinstance(push, Receipt)]
    assert receipt.read_ms == sent[2].time_ms
