"""Sending and reading: seqs without gaps, retries, mutes, mentions, history, unread."""

from __future__ import annotations

from typing import Any, cast

import pytest

from broker.jobs import Fetch
from protocol.commands import (
    DeleteMessage,
    EditMessage,
    History,
    Managed,
    Mute,
    Patched,
    Read,
    RecallMessage,
    RemoveMembers,
    SendMessage,
    SendSystem,
    Sent,
    Sync,
    Unmute,
)
from protocol.errors import Reason, Refused
from protocol.pushes import MessageNew, MessagePatched
from protocol.records import Role
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text


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


def test_an_edit_takes_out_what_is_null_and_may_change_the_type(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    command = SendMessage(conversation=conversation, type=-2, body=b'{"text":"t","url":"u","attr":{"a":1}}')
    sent = script.say("tom", command)
    cursor = script.say("ann", Sync()).cursor
    edit = EditMessage(conversation=conversation, message=sent.message, body=b'{"url":null,"text":"new"}', type=-1)
    script.say("tom", edit)
    patched = script.pushes("ann")[-1].message
    assert (patched.type, patched.body) == (-1, b'{"text":"new","attr":{"a":1}}')
    (patch,) = script.say("ann", Sync(cursor=cursor)).patches
    assert (patch.type, patch.body) == (patched.type, patched.body)


@pytest.mark.parametrize("change", [EditMessage, RecallMessage, DeleteMessage])
def test_a_back_office_may_name_the_author_a_message_must_have(script: Script, change: Any) -> None:
    """LC-11 to LC-13."""
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("m", conversation=conversation))
    more = {"body": b"{}"} if change is EditMessage else {}
    command = change(conversation=conversation, message=sent.message, author="ann", **more)
    assert reason(script.manage(command, user="ann")) is Reason.NOT_ALLOWED
    command.author = "tom"
    assert isinstance(script.manage(command, user="tom"), Patched)


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


@pytest.mark.parametrize("crash", [False, True])
def test_a_back_offices_retry_makes_no_second_message(script: Script, crash: bool) -> None:
    conversation = group(script, "tom", "ann")
    send = text("once", conversation=conversation, client_msg_id="key")
    first = script.manage(send, user="tom")
    if crash:
        script.restart()
    again = script.manage(send, user="tom")
    assert (again.message, again.seq) == (first.message, first.seq)
    assert script.manage(text("twice", conversation=conversation, client_msg_id="other"), user="tom").seq == 2


def test_sends_of_a_back_office_that_looked_for_earlier_ones_at_the_same_time_are_all_remembered(script: Script) -> None:
    """What was fetched for one is old news as soon as another was decided."""
    conversation = group(script, "tom", "ann")
    script.hold_jobs = True
    sends = [text("m", conversation=conversation, client_msg_id=key) for key in ("a", "b", "a")]
    for request, send in enumerate(sends):
        script.core.submit(1, f"r{request}", Managed(app="a", rev=0, user="tom", privileged=True, command=send))
    script.run()
    looked = [
        (job, {key: script.tails["a"].fetch(key) for key in job.keys}) for job in script.jobs if isinstance(job, Fetch)
    ]
    script.jobs.clear()
    assert len(looked) == 3
    for job, found in looked:
        job.done(found)
    script.hold_jobs = False
    script.run()
    first = [cast(Sent, script.replies[f"r{request}"]).message for request in range(3)]
    assert first[0] == first[2] != first[1]
    assert [script.manage(send, user="tom").message for send in sends] == first


def test_a_system_message_names_users_who_are_there(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.hub.messages.MOST_TOLD", 2)
    for name in ("c1", "c2", "o3"):
        script.login(name)
        script.heard(name)
    script.manage(SendSystem(content=b"1", users=("c1", "c2")))
    assert [len(script.pushes(name)) for name in ("c1", "c2")] == [1, 1]
    assert reason(script.manage(SendSystem(content=b"1", users=("c1", "nobody")))) is Reason.UNKNOWN_USER
    assert reason(script.manage(SendSystem(content=b"1", users=("c1", "c2", "o3")))) is Reason.TOO_LARGE
    assert [script.pushes(name) for name in ("c1", "c2")] == [[], []]
