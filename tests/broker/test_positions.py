"""Positions on their way into a commit (DESIGN 2.3): every 2 s at most, the newest alone, a part of them in a turn."""

from __future__ import annotations

import pytest

from broker.hub.rows import PositionRow
from broker.positions import EVERY_MS
from protocol.commands import Acknowledge
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, text

CONVERSATIONS = 5


@pytest.fixture
def moved(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Somebody has acknowledged a message in each of some conversations, and a turn takes two of them."""
    monkeypatch.setattr("broker.positions.PART", 2)
    for _ in range(CONVERSATIONS):
        conversation = group(script, "tom", "ann")
        script.ask(script.numbers["tom"], text("hello", conversation=conversation))
        script.ask(script.numbers["ann"], Acknowledge(conversation=conversation, seq=1))
    return script


def committed(script: Script) -> list[int]:
    """How many positions of ann each commit has."""
    rows = [[image.row for image in commit] for commit in script.log.commits]
    found = [sum(isinstance(row, PositionRow) and row.user == "ann" for row in each) for each in rows]
    return [count for count in found if count]


def test_a_turn_takes_a_part_of_what_has_moved_and_asks_for_another(moved: Script) -> None:
    assert committed(moved) == []
    moved.ms += EVERY_MS
    moved.monotonic += EVERY_MS / 1000
    turns = 0
    while True:
        moved.core.advance()
        turns += 1
        if not moved.core.wants_turn():
            break
    moved.run()
    assert turns >= CONVERSATIONS
    assert sum(committed(moved)) == CONVERSATIONS
    assert max(committed(moved)) <= 2


def test_what_moves_again_waits_for_the_next_time_and_rides_as_it_stands(moved: Script) -> None:
    moved.pass_ms(EVERY_MS)
    (conversation, *_) = moved.hub().tables.positions
    for seq in (2, 3):
        moved.ask(moved.numbers["tom"], text("again", conversation=conversation))
        moved.ask(moved.numbers["ann"], Acknowledge(conversation=conversation, seq=seq))
    assert sum(committed(moved)) == CONVERSATIONS
    moved.pass_ms(EVERY_MS)
    assert sum(committed(moved)) == CONVERSATIONS + 1
    rows = [image.row for commit in moved.log.commits for image in commit]
    assert [row.delivered_seq for row in rows if isinstance(row, PositionRow) and row.user == "ann"][-1] == 3


def test_they_stay_while_the_disk_is_full_and_make_no_turns_for_that(moved: Script) -> None:
    moved.core.admission.storage = False
    moved.pass_ms(EVERY_MS)
    assert committed(moved) == []
    assert not moved.core.wants_turn()
    moved.core.admission.storage = True
    moved.run()
    assert sum(committed(moved)) == CONVERSATIONS


def test_at_the_end_all_of_them_ride_at_once(moved: Script) -> None:
    moved.core.commit_positions()
    moved.run()
    assert committed(moved) == [CONVERSATIONS]
