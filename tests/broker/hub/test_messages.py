"""Sending and reading: seqs without gaps, retries, mutes, mentions, history, unread."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    Acknowledge,
    AddMembers,
    CreateConversation,
    DeleteMessage,
    EditMessage,
    History,
    ListMessages,
    Mute,
    Read,
    Readers,
    RecallMessage,
    RemoveMembers,
    SendMessage,
    Sync,
    Unmute,
)
from protocol.errors import Reason, Refused
from protocol.pushes import ConversationRead, MessageNew, MessagePatched, Receipt
from protocol.records import Kind, Role
from tests.broker.hub.script import Script, app


def text(words: str, **fields: Any) -> SendMessage:
    return SendMessage(type=-1, body=b'{"text":"%s"}' % words.encode(), **fields)


def group(script: Script, *users: str, kind: Kind = Kind.GROUP) -> int:
    """A conversation of users who are logged in under their own names."""
    for user in users:
        script.login(user)
    made = script.say(users[0], CreateConversation(kind=kind, members=users[1:]))
    for user in users:
        script.heard(user)
    return int(made.conversation.id)


def reason(reply: object) -> Reason:
    assert isinstance(reply, Refused), reply
    return reply.reason


def test_a_message_to_a_user_reaches_all_his_sessions_and_the_senders_others(script: Script) -> None:
    script.login("tom")
    script.login("tom-tablet", "tom", device="tablet")
    script.login("ann")
    sent = script.say("tom", text("hi", to="ann"))
    assert sent.seq == 1
    for name in ("ann", "tom-tablet"):
        (new,) = [push for push in script.pushes(name) if isinstance(push, MessageNew)]
        assert (new.message.id, new.message.sender, new.message.seq) == (sent.message, "tom", 1)
    assert not [push for push in script.pushes("tom") if isinstance(push, MessageNew)]


def test_no_sync_leaves_out_the_senders_other_sessions(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("tom-tablet", "tom", device="tablet")
    script.say("tom", text("hi", conversation=conversation, no_sync=True))
    assert not [push for push in script.pushes("tom-tablet") if isinstance(push, MessageNew)]
    assert [push for push in script.pushes("ann") if isinstance(push, MessageNew)]


def test_seqs_of_a_conversation_have_no_gaps_whatever_is_refused(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("eve")
    seqs = []
    for turn in range(6):
        assert reason(script.say("eve", text("x", conversation=conversation))) is Reason.NOT_A_MEMBER
        script.say("tom", text("t", conversation=conversation, transient=True))
        seqs.append(script.say(("tom", "ann")[turn % 2], text("m", conversation=conversation)).seq)
    assert seqs == [1, 2, 3, 4, 5, 6]


def test_a_transient_message_is_pushed_and_kept_nowhere(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    commits = len(script.log.commits)
    assert script.say("tom", text("typing", conversation=conversation, transient=True)).seq == 0
    assert [push.message.seq for push in script.pushes("ann")] == [0]
    assert len(script.log.commits) == commits
    assert script.say("ann", History(conversation=conversation)).messages == []


@pytest.mark.parametrize("crash", [False, True])
def test_a_retry_with_the_same_client_msg_id_makes_no_second_message(script: Script, crash: bool) -> None:
    conversation = group(script, "tom", "ann")
    first = script.say("tom", text("once", conversation=conversation, client_msg_id="c1"))
    script.heard("ann")
    if crash:
        script.restart()
        script.login("tom")
        script.login("ann")
    again = script.say("tom", text("once", conversation=conversation, client_msg_id="c1"))
    assert (again.message, again.seq, again.time_ms) == (first.message, first.seq, first.time_ms)
    assert not [push for push in script.pushes("ann") if isinstance(push, MessageNew)]
    other = script.say("tom", text("twice", conversation=conversation, client_msg_id="c2"))
    assert other.seq == 2


def test_a_client_msg_id_is_forgotten_after_a_day_and_after_64_more(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.say("tom", text("m", conversation=conversation, client_msg_id="old"))
    for n in range(64):
        script.say("tom", text("m", conversation=conversation, client_msg_id=f"n{n}"))
    assert script.say("tom", text("m", conversation=conversation, client_msg_id="old")).seq == 66
    assert script.say("tom", text("m", conversation=conversation, client_msg_id="n63")).seq == 65
    script.ms += 86_400_001
    script.monotonic += 86_400.001
    assert script.say("tom", text("m", conversation=conversation, client_msg_id="n63")).seq == 67


def test_remembered_sends_belong_to_user_and_device(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("tom-tablet", "tom", device="tablet")
    assert script.say("tom", text("m", conversation=conversation, client_msg_id="c")).seq == 1
    assert script.say("tom-tablet", text("m", conversation=conversation, client_msg_id="c")).seq == 2
    assert script.say("ann", text("m", conversation=conversation, client_msg_id="c")).seq == 3


def test_replies_and_pushes_wait_for_the_disk(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    assert script.say("tom", text("m", conversation=conversation)) is None
    assert script.say("ann", History(conversation=conversation)) is None
    assert script.heard("ann") == []
    script.log.sync()
    script.run()
    assert [type(each).__name__ for each in script.heard("tom")] == ["Sent"]
    assert [type(each).__name__ for each in script.heard("ann")] == ["MessageNew", "HistoryPage"]


def test_a_muted_member_may_not_speak_until_the_time_is_over(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    assert reason(script.say("ann", Mute(conversation=conversation, user="tom", seconds=5))) is Reason.NOT_ALLOWED
    script.say("tom", Mute(conversation=conversation, user="ann", seconds=5))
    refused = script.say("ann", text("m", conversation=conversation))
    assert reason(refused) is Reason.MUTED
    assert 0 < refused.retry_after_ms <= 5000
    script.pass_ms(5001)
    assert script.say("ann", text("m", conversation=conversation)).seq == 1
    script.say("tom", Mute(conversation=conversation, user="ann"))
    assert reason(script.say("ann", text("m", conversation=conversation))) is Reason.MUTED
    script.say("tom", Unmute(conversation=conversation, user="ann"))
    assert script.say("ann", text("m", conversation=conversation)).seq == 2


def test_text_over_the_apps_limit_is_refused(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    assert reason(script.say("tom", text("x" * 5121, conversation=conversation))) is Reason.TOO_LARGE
    assert script.say("tom", text("x" * 5120, conversation=conversation)).seq == 1


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


@pytest.mark.parametrize("hidden", [False, True])
def test_the_author_edits_and_recalls_and_others_hear_of_it(script: Script, hidden: bool) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("tpyo", conversation=conversation))
    script.heard("ann")
    script.tails["a"].hidden = hidden
    edit = EditMessage(conversation=conversation, message=sent.message, body=b'{"text":"typo"}')
    assert reason(script.say("ann", edit)) is Reason.NOT_ALLOWED
    script.say("tom", edit)
    (push,) = script.pushes("ann")
    assert isinstance(push, MessagePatched)
    assert (push.message.body, push.message.status, push.message.seq) == (b'{"text":"typo"}', 1, 1)
    script.say("tom", RecallMessage(conversation=conversation, message=sent.message))
    assert script.pushes("ann")[0].message.status == 3
    (row,) = script.say("ann", History(conversation=conversation)).messages
    assert (row.body, row.status, row.seq) == (b"{}", 3, 1)
    assert reason(script.say("tom", edit)) is Reason.UNKNOWN_MESSAGE


def test_a_message_is_changed_only_through_its_own_conversation(script: Script) -> None:
    one, other = group(script, "tom", "ann"), group(script, "tom", "bob")
    sent = script.say("tom", text("m", conversation=one))
    command = RecallMessage(conversation=other, message=sent.message)
    assert reason(script.say("tom", command)) is Reason.UNKNOWN_MESSAGE


def test_management_deletes_a_message(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("m", conversation=conversation))
    delete = DeleteMessage(conversation=conversation, message=sent.message)
    assert reason(script.say("ann", delete)) is Reason.NOT_ALLOWED
    script.manage(delete)
    assert script.say("ann", History(conversation=conversation)).messages[0].status == 2


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


def test_more_than_64_unanswered_sends_are_refused(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    for _ in range(64):
        script.say("tom", text("m", conversation=conversation))
    script.heard("tom")
    script.say("tom", text("m", conversation=conversation))
    script.log.sync()
    script.run()
    script.log.sync()
    script.run()
    replies = script.heard("tom")
    assert next(each for each in replies if isinstance(each, Refused)).reason is Reason.TOO_FAST
    script.log.slow = False
    assert script.say("tom", text("m", conversation=conversation)).seq == 65


def test_mentions_show_in_sync_until_read(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    script.say("tom", text("@ann", conversation=conversation, mentions=("ann", "nobody")))

    def mentioned(name: str) -> bool:
        (state,) = script.say(name, Sync()).conversations
        return bool(state.mentioned)

    assert (mentioned("ann"), mentioned("bob")) == (True, False)
    script.say("ann", Read(conversation=conversation, seq=1))
    assert not mentioned("ann")
    script.say("tom", text("@all", conversation=conversation, mention_all=True))
    assert (mentioned("ann"), mentioned("bob"), mentioned("tom")) == (True, True, False)


def test_who_was_removed_gets_nothing_more(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    script.say("tom", RemoveMembers(conversation=conversation, users=("bob",)))
    script.heard("bob")
    script.say("tom", text("m", conversation=conversation))
    assert script.heard("bob") == []
    assert reason(script.say("bob", History(conversation=conversation))) is Reason.NOT_A_MEMBER


def test_a_manager_may_recall_what_others_said(script: Script) -> None:
    from protocol.commands import SetRole

    conversation = group(script, "tom", "ann", "bob")
    sent = script.say("bob", text("m", conversation=conversation))
    recall = RecallMessage(conversation=conversation, message=sent.message)
    assert reason(script.say("ann", recall)) is Reason.NOT_ALLOWED
    script.say("tom", SetRole(conversation=conversation, user="ann", role=Role.MANAGER))
    assert script.say("ann", recall).time_ms > 0


def test_a_retry_is_told_of_the_first_send_whatever_has_happened_since(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    send = text("m", conversation=conversation, client_msg_id="c")
    first = script.say("ann", send)
    script.say("tom", Mute(conversation=conversation, user="ann"))
    assert script.say("ann", send).message == first.message
    script.say("tom", RemoveMembers(conversation=conversation, users=("ann",)))
    assert script.say("ann", send).message == first.message


def test_a_muted_member_does_not_speak_by_editing(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("ann", text("m", conversation=conversation))
    script.say("tom", Mute(conversation=conversation, user="ann"))
    edit = EditMessage(conversation=conversation, message=sent.message, body=b'{"text":"e"}')
    assert reason(script.say("ann", edit)) is Reason.MUTED


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


def test_a_full_disk_lets_transient_messages_pass(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.core.admission.storage = False
    script.run()
    assert script.say("tom", text("typing", conversation=conversation, transient=True)).seq == 0
    assert reason(script.say("tom", text("m", conversation=conversation))) is Reason.STORAGE_UNAVAILABLE


def test_too_many_mentions_are_refused_not_dropped(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    names = tuple(f"u{n}" for n in range(21))
    assert reason(script.say("tom", text("m", conversation=conversation, mentions=names))) is Reason.TOO_LARGE
