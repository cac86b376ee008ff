"""Marks of classes (HI-14): one a day, the day of +08:00, in a bounded number of rows."""

from __future__ import annotations

import pytest

from protocol.commands import MarkClass
from protocol.errors import Reason
from tests.broker.hub.script import START_MS, Script, app
from tests.broker.hub.words import reason

DAY_MS = 86_400_000
TO_MIDNIGHT_MS = (16 * 3_600_000 - START_MS) % DAY_MS
"""From the start of a script to the end of its day in +08:00, which is 16:00 UTC."""


def test_a_class_is_marked_once_a_day_and_each_mark_has_its_own_id(script: Script) -> None:
    first = script.manage(MarkClass(class_id=2)).record
    assert reason(script.manage(MarkClass(class_id=2))) is Reason.EXISTS
    assert script.manage(MarkClass(class_id=3)).record > first > 0
    script.restart()
    assert reason(script.manage(MarkClass(class_id=2))) is Reason.EXISTS


def test_the_day_ends_at_midnight_of_eight_hours_east(script: Script) -> None:
    script.ms += TO_MIDNIGHT_MS - 60_000
    script.monotonic += (TO_MIDNIGHT_MS - 60_000) / 1000
    first = script.manage(MarkClass(class_id=2)).record
    script.pass_ms(59_000)
    assert reason(script.manage(MarkClass(class_id=2))) is Reason.EXISTS
    script.pass_ms(1_000)
    assert script.manage(MarkClass(class_id=2)).record > first
    assert len(script.hub().tables.class_marks) == 1


def test_marks_of_earlier_days_make_room(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.hub.classes.MOST_CLASSES", 2)
    for number in (1, 2):
        script.manage(MarkClass(class_id=number))
    assert reason(script.manage(MarkClass(class_id=3))) is Reason.FULL
    script.ms += DAY_MS
    script.monotonic += DAY_MS / 1000
    assert script.manage(MarkClass(class_id=1)).record
    assert script.manage(MarkClass(class_id=3)).record
    assert sorted(script.hub().tables.class_marks) == [1, 3]
    assert reason(script.manage(MarkClass(class_id=4))) is Reason.FULL
    script.restart()
    assert sorted(script.hub().tables.class_marks) == [1, 3]


def test_each_app_has_its_own_classes() -> None:
    script = Script(app("a"), app("b"))
    assert script.manage(MarkClass(class_id=2)).record
    assert script.manage(MarkClass(class_id=2), app="b").record
    assert reason(script.manage(MarkClass(class_id=4), user="tom", privileged=False)) in (
        Reason.UNKNOWN_USER, Reason.NOT_ALLOWED,
    )  # fmt: skip
