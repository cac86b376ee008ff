"""The dispatcher: a session's commands one after another, and what comes out in that order, also when one of them waits."""

from __future__ import annotations

from broker.dispatcher import MOST_WAITING
from protocol.commands import Login, PutUser, QueryPresence, Sent
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import MessageNew
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
