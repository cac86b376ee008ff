"""What comes and goes leaves nothing in memory: read marks of those who left, remembered sends, counts of what was held."""

from __future__ import annotations

import pytest

from broker.hub import messages
from broker.hub.rows import SendRow
from broker.hub.tables import REMEMBERED_SENDS, Sends
from protocol.commands import AddMembers, Leave, Logout, Read, RemoveMembers, Sent
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, text


def test_read_marks_of_those_who_left_are_forgotten(script: Script) -> None:
    conversation = group(script, "tom", "ann", "bob")
    for n in range(20):
        script.say("tom", text(f"@ann {n}", conversation=conversation, mentions=("ann",)))
        for name in ("ann", "bob"):
            script.say(name, Read(conversation=conversation, seq=n + 1))
        script.say("ann", Leave(conversation=conversation))
        script.say("tom", RemoveMembers(conversation=conversation, users=("bob",)))
        script.pass_ms(3000)
        assert set(script.hub().tables.positions[conversation]) == {"tom"}
        newest = {image.key: image.row for commit in script.log.commits for image in commit if image.table == "positions"}
        assert [key for key, row in newest.items() if row is not None] == [(conversation, "tom")]  # nor in the store
        script.say("tom", AddMembers(conversation=conversation, users=("ann", "bob")))
    script.restart()
    assert set(script.hub().tables.positions[conversation]) == {"tom", "ann", "bob"}


def test_remembered_sends_are_those_of_who_is_there_and_at_most_64_each(script: Script) -> None:
    """A hundred devices that come, send and go, by logout or without a word."""
    conversation = group(script, "tom", "ann")
    sends = script.hub().tables.sends
    for n in range(100):
        name = f"tablet{n}"
        script.login(name, user="tom", device=name)
        for key in ("a", "b"):
            sent = script.say(name, text("m", conversation=conversation, client_msg_id=key))
            assert isinstance(sent, Sent)
        assert len(sends) == 1
        if n % 2:
            script.say(name, Logout())
        script.drop(name)
        assert sends == {}
    for n in range(2 * REMEMBERED_SENDS):
        script.say("tom", text("m", conversation=conversation, client_msg_id=f"{n}"))
        script.manage(text("m", conversation=conversation, client_msg_id=f"{n}"), user="tom")
    assert [len(kept.by_id) for kept in sends.values()] == [REMEMBERED_SENDS] * 2


def test_the_back_offices_sends_are_remembered_of_so_many_senders(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = group(script, "tom", "ann", "bob")
    monkeypatch.setattr(messages, "OFFICE_SENDERS", 2)
    for user in ("tom", "ann", "tom", "bob", "ann", "tom"):
        script.manage(text("m", conversation=conversation, client_msg_id="k"), user=user)
        assert len(script.hub().tables.sends) <= 2
        assert {device for _, device in script.hub().tables.sends} == {messages.BACK_OFFICE}
    assert script.hub().tables.heads[conversation].last_seq == 3


def test_a_send_that_is_repeated_after_a_day_is_remembered_from_then_on() -> None:
    """A day later an id makes a new message; the older one it pushes out takes nothing of the newer with it."""
    kept = Sends()
    for n in range(1, REMEMBERED_SENDS + 2):
        again = n in (1, REMEMBERED_SENDS)
        kept.add(SendRow("tom", "tablet", n % REMEMBERED_SENDS, n, "again" if again else f"{n}", n, 7, n))
    assert kept.by_id["again"].n == REMEMBERED_SENDS
    assert sorted(row.n for row in kept.by_id.values()) == list(range(2, REMEMBERED_SENDS + 2))


def test_counts_of_held_answers_end_with_them(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.log.slow = True
    for n in range(5):
        for name in ("tom", "ann"):
            script.say(name, text("m", conversation=conversation, memory=n % 2 == 0))
    assert script.commits.held
    assert script.commits.held_bytes
    script.drop("ann")
    while not script.log.idle:
        script.log.sync()
        script.run()
    assert script.commits.held == script.commits.held_bytes == 0
    assert not script.commits._waiting
