"""What is told to who was away: messages nobody of his has received, and changes since a time."""

from __future__ import annotations

from typing import Any

import pytest

from broker.hub import unheard
from protocol.commands import (
    Acknowledge,
    AddMembers,
    DeleteMessage,
    EditMessage,
    Join,
    Patched,
    PatchedSince,
    Read,
    RecallMessage,
    RemoveMembers,
    Undelivered,
    WipeConversation,
)
from protocol.pushes import MessageNew
from protocol.records import Kind, Status
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import group, text


def told(script: Script, name: str = "ann") -> dict[int, list[int]]:
    """Conversation -> seqs, in the order they are told."""
    found = script.say(name, Undelivered()).conversations
    return {each.messages[0].conversation: [message.seq for message in each.messages] for each in found}


def changes(script: Script, since_ms: int) -> list[tuple[str, bytes]]:
    """What ann is told when she comes back."""
    script.drop("ann")
    script.login("ann")
    found = script.say("ann", PatchedSince(since_ms=since_ms)).conversations
    return [(Status(message.status).name, message.body) for each in found for message in each.messages]


def away(script: Script, *sent: tuple[str, int]) -> None:
    """Ann is away while these are said."""
    script.drop("ann")
    for words, conversation in sent:
        script.say("tom", text(words, conversation=conversation))


@pytest.fixture(params=[False, True], ids=["in memory", "in the store"])
def hidden(request: pytest.FixtureRequest, script: Script) -> bool:
    """Whether old rows have to be fetched."""
    script.tails["a"].hidden = request.param
    return bool(request.param)


def test_what_was_said_while_one_was_away_is_told_once(script: Script, hidden: bool) -> None:
    one, two = group(script, "tom", "ann"), group(script, "tom", "ann")
    away(script, ("a", one), ("b", two), ("c", one))
    script.login("ann")
    script.say("tom", text("heard as it is said", conversation=one))
    assert [push.message.seq for push in script.pushes("ann") if isinstance(push, MessageNew)] == [3]
    assert told(script) == {one: [1, 2], two: [1]}
    assert list(told(script)) == [one, two]  # the newest first
    script.say("ann", Acknowledge(conversation=one, seq=3))
    script.say("ann", Read(conversation=two, seq=1))
    assert told(script) == {}


def test_what_one_said_oneself_or_is_gone_is_not_told(script: Script, hidden: bool) -> None:
    conversation = group(script, "tom", "ann", "eve")
    script.say("tom", text("a", conversation=conversation))
    script.say("ann", text("mine", conversation=conversation))
    away(script, ("b", conversation), ("c", conversation), ("d", conversation))
    deleted, recalled = (script.tails["a"].by_seq[conversation][seq].id for seq in (3, 4))
    script.manage(DeleteMessage(conversation=conversation, message=deleted))
    script.say("tom", RecallMessage(conversation=conversation, message=recalled))
    script.login("ann")
    found = script.say("ann", Undelivered()).conversations[0]
    assert [(each.seq, each.status) for each in found.messages] == [(1, 1), (4, Status.RECALLED), (5, 1)]
    assert not found.more
    script.manage(WipeConversation(conversation=conversation))
    assert told(script) == {}


def test_of_what_was_said_before_one_joined_only_changes_are_told_where_it_may_be_read() -> None:
    for from_join in (False, True):
        script = Script(app("a", history_from_join=from_join))
        conversation = group(script, "tom")
        script.login("ann")
        before = script.say("tom", text("before", conversation=conversation)).message
        script.manage(AddMembers(conversation=conversation, users=("ann",)))
        away(script, ("a", conversation))
        script.pass_ms(10)
        script.say("tom", EditMessage(conversation=conversation, message=before, body=b'{"text":"changed"}'))
        assert len(changes(script, 1)) == (0 if from_join else 1)
        assert told(script) == {conversation: [2]}


def test_nobody_is_told_of_rooms_or_of_what_he_left(script: Script) -> None:
    room, conversation = group(script, "tom", kind=Kind.ROOM), group(script, "tom", "ann")
    script.say("ann", Join(conversation=room))
    away(script, ("a", room), ("b", conversation))
    script.login("ann")
    script.manage(RemoveMembers(conversation=conversation, users=("ann",)))
    assert told(script) == {}


def test_both_answers_are_bounded(script: Script, hidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("MOST", 5), ("MOST_CONVERSATIONS", 3), ("MOST_EACH", 2), ("WINDOW", 4)):
        monkeypatch.setattr(unheard, name, most)
    groups = [group(script, "tom", "ann") for _ in range(4)]
    away(script, *[("x", each) for each in groups for _ in range(3)])
    script.say("tom", text("y", conversation=groups[0]))
    script.login("ann")
    found = script.say("ann", Undelivered()).conversations
    assert [[each.seq for each in one.messages] for one in found] == [[3, 4], [2, 3], [3]]
    assert [one.messages[0].conversation for one in found] == [groups[0], groups[3], groups[2]]
    assert all(one.more for one in found)
    for each in groups:
        for row in list(script.tails["a"].by_seq[each].values()):
            script.pass_ms(1)
            script.say("tom", EditMessage(conversation=each, message=row.id, body=b'{"text":"z%d"}' % row.seq))
    assert [body for _, body in changes(script, 1)] == [b'{"text":"z%d"}' % seq for seq in (2, 3, 2, 3, 3)]


def test_edits_and_recalls_since_a_time_are_told_as_they_are_now(script: Script, hidden: bool) -> None:
    conversation, other = group(script, "tom", "ann"), group(script, "tom", "eve")
    sent = [script.say("tom", text("m", conversation=conversation)).message for _ in range(4)]
    hers = script.say("tom", text("m", conversation=other)).message

    def patch(command: Any) -> int:
        script.pass_ms(10)
        assert isinstance(script.say("tom", command), Patched)
        return script.ms

    first = patch(EditMessage(conversation=conversation, message=sent[0], body=b'{"text":"a"}'))
    patch(EditMessage(conversation=conversation, message=sent[1], body=b'{"text":"b"}'))
    patch(EditMessage(conversation=conversation, message=sent[2], body=b'{"text":"c"}'))
    patch(EditMessage(conversation=conversation, message=sent[1], body=b'{"text":"d"}'))
    patch(RecallMessage(conversation=conversation, message=sent[2]))
    patch(EditMessage(conversation=other, message=hers, body=b'{"text":"not hers"}'))
    script.manage(DeleteMessage(conversation=conversation, message=sent[3]))
    script.say("tom", text("m", conversation=conversation))
    assert changes(script, first) == [("NORMAL", b'{"text":"d"}'), ("RECALLED", b"{}")]
    assert changes(script, first - 1)[0] == ("NORMAL", b'{"text":"a"}')
    assert changes(script, script.ms) == []
    script.pass_ms(10)
    script.say("tom", EditMessage(conversation=conversation, message=sent[0], body=b'{"text":"heard as it is made"}'))
    assert len(script.say("ann", PatchedSince(since_ms=first)).conversations[0].messages) == 2
    script.restart()
    script.login("ann")
    assert len(changes(script, first - 1)) == 3
    script.manage(RemoveMembers(conversation=conversation, users=("ann",)))
    assert changes(script, 1) == []
