"""Messages left for the time their sender is lost: said then, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import History, Kick, Logout, Mute, RemoveMembers
from protocol.errors import Reason
from protocol.pushes import MessageNew
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text


def said(script: Script, name: str) -> list[bytes]:
    return [push.message.body for push in script.pushes(name) if isinstance(push, MessageNew)]


def will(script: Script, words: str, conversation: int, name: str = "tom") -> Any:
    return script.say(name, text(words, conversation=conversation, will=True))


def test_a_will_is_said_when_its_sender_is_lost_and_not_kept(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    left = will(script, "gone", conversation)
    assert (left.conversation, left.seq, left.time_ms) == (conversation, 0, script.ms)
    assert said(script, "ann") == []
    script.pass_ms(5_000)
    script.drop("tom")
    (push,) = [push for push in script.pushes("ann") if isinstance(push, MessageNew)]
    assert (push.message.body, push.message.sender, push.message.seq) == (b'{"text":"gone"}', "tom", 0)
    assert (push.message.time_ms, push.message.id > left.message) == (script.ms, True)
    assert script.say("ann", History(conversation=conversation)).messages == []
    script.login("tom")
    script.drop("tom")
    assert said(script, "ann") == []


def test_the_newest_will_of_a_session_is_its_will(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    other = group(script, "tom2", "eve")
    script.login("tom2-tablet", "tom2", device="tablet")
    will(script, "first", conversation)
    will(script, "second", conversation)
    will(script, "of another session", other, "tom2")
    assert reason(will(script, "refused", other)) is Reason.NOT_A_MEMBER
    script.drop("tom2-tablet")
    script.drop("tom")
    assert said(script, "ann") == [b'{"text":"second"}']
    assert said(script, "eve") == []


def test_who_leaves_in_order_leaves_no_will_behind(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for end in ("logout", "replaced", "kicked"):
        will(script, "gone", conversation)
        if end == "logout":
            script.say("tom", Logout())
        elif end == "replaced":
            script.numbers["old"] = script.numbers.pop("tom")
        else:
            script.manage(Kick(user="tom"))
        if end != "replaced":
            script.drop("tom")
        script.numbers.pop("tom", None)
        script.numbers["tom"] = 3000 + len(end)
        script.login("tom")
        if end == "replaced":
            script.drop("old")
        assert said(script, "ann") == [], end


@pytest.mark.parametrize("wire", ["native", "leancloud"])
def test_who_comes_back_before_he_is_missed_keeps_his_will(script: Script, wire: str) -> None:
    token = script.login("tom", wire=wire).session_token
    conversation = group(script, "eve", "tom")
    will(script, "gone", conversation)
    script.login("tom-again", "tom", session_token=token, wire=wire)
    script.drop("tom")
    assert said(script, "eve") == []
    script.drop("tom-again")
    assert said(script, "eve") == [b'{"text":"gone"}']


@pytest.mark.parametrize("change", ["removed", "muted", "draining"])
def test_a_will_is_said_only_if_it_could_be_said_now(script: Script, change: str) -> None:
    conversation = group(script, "ann", "tom")
    will(script, "gone", conversation)
    if change == "removed":
        script.manage(RemoveMembers(conversation=conversation, users=("tom",)))
    elif change == "muted":
        script.manage(Mute(conversation=conversation, user="tom", seconds=60))
    else:
        script.core.admission.draining = True
    script.drop("tom")
    assert said(script, "ann") == []


def test_nobody_without_a_session_leaves_a_will(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    asked = text("gone", conversation=conversation, will=True)
    assert reason(script.manage(asked, user="tom")) is Reason.NOT_ALLOWED
