"""The dispatcher: a session's commands one after another, and what comes out in that order, also when one of them waits."""

from __future__ import annotations

import math

import pytest

from broker.commits import BEHIND_BYTES, OVERLOADED_TIMES
from broker.dispatcher import HELD_BYTES, MOST_WAITING, PAUSE_SECONDS
from broker.hub.effects import ReplyTo
from broker.hub.rows import put
from broker.jobs import Errand
from protocol.commands import (
    Acknowledge,
    History,
    HistoryPage,
    Login,
    OnlineUsers,
    PutUser,
    QueryPresence,
    Reply,
    SendMessage,
    Sent,
    Stats,
    StatsReport,
    Watermark,
    WatermarkReport,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import MessageNew
from protocol.records import Message
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text


def submit(script: Script, name: str, *commands: object) -> None:
    """One after another, without a turn between them."""
    for command in commands:
        script.requests += 1
        script.core.submit(script.numbers[name], script.requests, command)  # type: ignore[arg-type]


def said(script: Script, name: str) -> list[bytes]:
    return [push.message.body for push in script.pushes(name) if isinstance(push, MessageNew)]


def test_pushes_of_a_command_that_waited_leave_before_those_of_what_waited_behind_it(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    first = text("first", conversation=conversation, client_msg_id="1")  # looks for earlier sends, which takes a fetch
    submit(script, "tom", first, text("second", conversation=conversation), text("third", conversation=conversation))
    script.run()
    assert said(script, "ann") == [b'{"text":"%s"}' % word for word in (b"first", b"second", b"third")]
    assert [reply.seq for reply in script.heard("tom") if isinstance(reply, Sent)] == [1, 2, 3]


def test_what_nobody_waits_for_gets_no_reply_and_does_not_part_the_pushes_around_it(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.run()
    script.core.outgoing.clear()
    for number in range(3):
        submit(script, "tom", text(str(number), conversation=conversation))
        script.core.submit(script.numbers["ann"], None, Acknowledge(conversation=conversation, seq=1))
        script.core.submit(script.numbers["ann"], None, Acknowledge(conversation=0, seq=1))  # a refusal of it
    script.core.advance()
    script.core.advance()
    answered = [effect.session for effect in script.core.outgoing if isinstance(effect, ReplyTo)]
    assert answered == [script.numbers["tom"]] * 3


def test_a_refusal_keeps_its_place_too(script: Script) -> None:
    script.manage(PutUser(user="tom", password="hash"))
    script.number("tom")
    script.hold_jobs = True
    submit(script, "tom", Login(app="a", user="tom", password="wrong"), QueryPresence(users=()))
    script.run()
    assert script.heard("tom") == []
    script.hold_jobs = False
    script.run()
    assert [reason(reply) for reply in script.heard("tom")] == [Reason.WRONG_PASSWORD, Reason.NOT_LOGGED_IN]


def test_of_a_session_that_is_gone_nothing_that_waited_is_done(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.hold_jobs = True
    submit(script, "tom", text("first", conversation=conversation, client_msg_id="1"))
    submit(script, "tom", text("second", conversation=conversation))
    script.drop("tom")
    script.hold_jobs = False
    script.run()
    assert said(script, "ann") == []


def test_too_many_that_wait_are_refused_and_the_others_are_served(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.hold_jobs = True
    first = text("first", conversation=conversation, client_msg_id="1")
    submit(script, "tom", first, *[QueryPresence(users=()) for _ in range(MOST_WAITING + 1)])
    script.run()
    (refused,) = script.heard("tom")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOO_FAST
    script.hold_jobs = False
    script.run()
    assert len(script.heard("tom")) == MOST_WAITING + 1


def test_a_bug_in_a_handler_changes_nothing_and_ends_that_session_alone(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    broken = text("x", conversation=conversation)
    broken.mentions = None  # type: ignore[assignment]  # what no wire lets through
    submit(script, "tom", broken)
    script.run()
    refused, ended = script.heard("tom")
    assert reason(refused) is Reason.INTERNAL
    assert ended is CloseReason.INTERNAL
    assert script.hub().tables.heads[conversation].last_seq == 0
    assert isinstance(script.say("ann", text("y", conversation=conversation)), Sent)
    assert isinstance(script.manage(text("z", conversation=conversation), user="ann"), Sent)


def test_a_send_kept_in_memory_is_answered_before_the_commit_and_told_after_it(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.login("tablet", user="tom", device="tablet")
    script.heard("tablet")
    script.log.slow = True
    sent = script.say("tom", text("quick", conversation=conversation, memory=True))
    assert (sent.seq, sent.memory) == (1, True)
    assert said(script, "ann") == said(script, "tablet") == []
    assert script.say("ann", History(conversation=conversation)) is None  # nobody else sees what can vanish
    script.log.sync()
    script.run()
    assert said(script, "ann") == said(script, "tablet") == [b'{"text":"quick"}']


def test_answers_of_a_session_keep_their_order_whichever_waits_for_the_disk(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    submit(script, "tom", text("kept", conversation=conversation), text("quick", conversation=conversation, memory=True))
    submit(script, "ann", text("hers", conversation=conversation, memory=True))
    script.run()
    assert [(reply.seq, reply.memory) for reply in script.heard("ann") if isinstance(reply, Sent)] == [(3, True)]
    assert script.heard("tom") == []
    while not script.log.idle:
        script.log.sync()
        script.run()
    replies = [reply for reply in script.heard("tom") if isinstance(reply, Sent)]
    assert [(reply.seq, reply.memory) for reply in replies] == [(1, False), (2, True)]


def test_a_retry_of_a_send_in_memory_gets_the_same_answer(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    send = text("quick", conversation=conversation, memory=True, client_msg_id="1")
    first, again = script.say("tom", send), script.say("tom", send)
    assert first == again
    assert script.hub().tables.heads[conversation].last_seq == 1


def test_while_the_journal_is_behind_senders_are_not_read_and_then_refused(script: Script) -> None:
    """DESIGN 2.4: from 4 MiB of open commit on, and from four times that; it ends by itself. A send in memory is a send."""
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    script.say("tom", text("first", conversation=conversation))
    assert script.core.pause_seconds() == 0
    half = put("b", "messages", Message(1 << 50, conversation, 99, "tom", -1, b"x" * (BEHIND_BYTES // 4)))
    for _ in range(2):
        script.commits.add([half])
    script.run()
    assert script.core.pause_seconds() == PAUSE_SECONDS
    assert isinstance(script.say("ann", text("in time", conversation=conversation, memory=True)), Sent)
    for _ in range(2 * OVERLOADED_TIMES):
        script.commits.add([half])
    script.run()
    submit(script, "tom", text("a", conversation=conversation), text("b", conversation=conversation, memory=True))
    submit(script, "tom", QueryPresence(users=()))
    script.run()
    assert script.hub().tables.heads[conversation].last_seq == 2
    while not script.log.idle:
        script.log.sync()
        script.run()
    first, *refused, presence = [reply for reply in script.heard("tom") if isinstance(reply, Reply | Refused)]
    assert isinstance(first, Sent)
    assert [(reason(reply), reply.retry_after_ms) for reply in refused] == [(Reason.OVERLOADED, 1000)] * 2
    assert isinstance(presence, OnlineUsers)
    assert script.core.pause_seconds() == 0
    assert script.say("tom", text("again", conversation=conversation, memory=True)).seq == 3


def test_answers_that_wait_for_the_disk_are_bounded(script: Script) -> None:
    """Reads wait as well, and hold pages of history: when there is too much of it nobody is read any more."""
    conversation = group(script, "tom", "ann")
    for _ in range(20):
        script.say("tom", SendMessage(type=-1, body=b'{"attr":"%s"}' % (b"x" * 60_000), conversation=conversation))
    script.log.slow = True
    assert script.say("tom", text("m", conversation=conversation)) is None
    asked = 0
    while script.core.pause_seconds() < math.inf:
        assert script.say("ann", History(conversation=conversation)) is None
        asked += 1
    assert 64 < asked < 1000
    assert script.commits.held_bytes < HELD_BYTES * 1.01
    while not script.log.idle:
        script.log.sync()
        script.run()
    assert (script.core.pause_seconds(), script.commits.held_bytes) == (0.0, 0)
    assert len([reply for reply in script.heard("ann") if isinstance(reply, HistoryPage)]) == asked


def test_an_errand_is_answered_while_the_disk_is_slow(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    script.say("tom", text("m", conversation=conversation))
    script.hold_jobs = True
    assert script.ask(1, Watermark()) is None
    (job,) = script.jobs
    script.jobs.clear()
    assert isinstance(job, Errand)
    assert job.command == Watermark()
    report = WatermarkReport(accepted=9, durable=8, targets=[])
    job.done(report)
    script.run()
    assert script.replies[script.requests] == report
    assert isinstance(script.ask(1, Stats()), StatsReport)


def test_too_many_errands_are_refused(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script.core, "_start", lambda job: False)
    assert reason(script.ask(1, Watermark())) is Reason.OVERLOADED


def test_it_can_be_told_what_a_session_waits_for(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    session = script.numbers["tom"]
    assert script.core.waiting_of(session) == (None, 0)
    script.hold_jobs = True
    submit(script, "tom", text("first", conversation=conversation, client_msg_id="1"), QueryPresence(users=()))
    stopped, queued = script.core.waiting_of(session)
    assert stopped is not None
    assert (stopped.why, stopped.command, stopped.since_ms, queued) == ("store", "SendMessage", script.ms, 1)
    script.hold_jobs = False
    script.log.slow = True
    script.run()
    assert script.core.waiting_of(session) == (None, 0)
    count, commit = script.commits.waiting_of(session)
    assert (count, commit) == (2, script.commits.durable + 1)
    assert script.commits.waiting_of(script.numbers["ann"]) == (0, 0)
    script.log.sync()
    script.run()
    assert script.commits.waiting_of(session) == (0, 0)
    submit(script, "tom", text("third", conversation=conversation, client_msg_id="3"))
    script.drop("tom")
    assert script.core.waiting_of(session) == (None, 0)


def test_messages_deliveries_and_refusals_are_counted_by_app(script: Script) -> None:
    conversation = group(script, "tom", "ann", "ben")
    script.say("tom", text("m", conversation=conversation))
    script.say("tom", text("m", conversation=conversation + 1))
    found = script.core.statistics()
    assert found['messages_total{app="a"}'] == 1
    assert found['deliveries_total{app="a"}'] == 2
    assert found['refused_total{reason="unknown_conversation"}'] == 1
    assert found['refused_total{reason="muted"}'] == 0
    assert found['sessions{app="a",wire="native"}'] == found['logins_total{app="a",wire="native"}'] == 3
    script.drop("ben")
    assert script.core.statistics()['sessions{app="a",wire="native"}'] == 2
