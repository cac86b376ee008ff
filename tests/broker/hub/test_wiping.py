"""Wiping what was said: one image, at which every reader stops (ML-27; DESIGN 2.3)."""

from __future__ import annotations

from protocol.commands import (
    EditMessage,
    GetConversation,
    History,
    ListMessages,
    RecallMessage,
    SendMessage,
    Sync,
    WipeConversation,
)
from protocol.errors import Reason
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text


def test_readers_stop_at_once_and_nothing_is_unread(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for words in ("one", "two"):
        script.say("tom", text(words, conversation=conversation))
    script.say("tom", text("@ann", conversation=conversation, mentions=("ann",)))
    before = len(script.log.commits)
    assert script.manage(WipeConversation(conversation=conversation)).time_ms == script.ms
    assert [[image.table for image in commit] for commit in script.log.commits[before:]] == [["heads"]]
    assert script.say("ann", History(conversation=conversation)).messages == []
    page = script.manage(ListMessages(conversation=conversation))
    assert (page.messages, page.total) == ([], 0)
    found = script.say("ann", GetConversation(conversation=conversation)).conversation
    assert (found.first_seq, found.last_seq, found.last_message) == (4, 3, None)
    state = script.say("ann", Sync()).conversations[0]
    assert (state.unread, state.mentioned, state.first_seq, state.last_message) == (0, False, 4, None)


def test_what_is_said_afterwards_counts_from_there(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    gone = script.say("tom", text("gone", conversation=conversation)).message
    script.manage(WipeConversation(conversation=conversation))
    script.manage(WipeConversation(conversation=conversation))
    script.say("tom", text("new", conversation=conversation))
    assert [each.seq for each in script.say("ann", History(conversation=conversation)).messages] == [2]
    assert script.say("ann", Sync()).conversations[0].unread == 1
    edit = EditMessage(conversation=conversation, message=gone, body=b'{"text":"back"}')
    assert reason(script.manage(edit)) is Reason.UNKNOWN_MESSAGE


def test_a_sync_learns_of_the_wiping_and_hears_no_edits_of_what_is_gone(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    sent = script.say("tom", text("one", conversation=conversation)).message
    cursor = script.say("ann", Sync()).cursor
    script.say("tom", EditMessage(conversation=conversation, message=sent, body=b'{"text":"secret"}'))
    script.say("tom", text("two", conversation=conversation))
    script.manage(WipeConversation(conversation=conversation))
    kept = script.say("tom", text("three", conversation=conversation)).message
    script.say("tom", RecallMessage(conversation=conversation, message=kept))
    state = script.say("ann", Sync(cursor=cursor))
    assert [(each.id, each.first_seq) for each in state.conversations] == [(conversation, 3)]
    assert [(patch.seq, patch.body) for patch in state.patches] == [(3, b"{}")]


def test_it_outlives_a_restart_and_costs_nothing_where_nothing_was_said(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(WipeConversation(conversation=conversation))
    script.say("tom", text("one", conversation=conversation))
    script.manage(WipeConversation(conversation=conversation))
    script.restart()
    assert script.manage(History(conversation=conversation)).messages == []
    assert script.manage(SendMessage(type=-1, body=b"{}", conversation=conversation), user="tom").seq == 2


def test_only_management_wipes_and_only_what_there_is(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    assert reason(script.say("tom", WipeConversation(conversation=conversation))) is Reason.NOT_ALLOWED
    assert reason(script.manage(WipeConversation(conversation=77))) is Reason.UNKNOWN_CONVERSATION
