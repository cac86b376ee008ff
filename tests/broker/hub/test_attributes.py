"""Attributes that are changed by what they are: numbers increased, lists added to and taken from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.commands import CreateConversation, GetConversation, Operation, UpdateConversation
from protocol.errors import Reason
from protocol.records import Kind
from tests.broker.hub.script import Script
from tests.broker.hub.words import reason

BEFORE = {"count": 5, "tags": ["a", "b", "a"], "name": "x"}


def changed(script: Script, *operations: Operation, **given: Any) -> Any:
    """The attributes afterwards, or why they are as before."""
    made = script.manage(CreateConversation(kind=Kind.GROUP, members=(), attributes=json.dumps(BEFORE).encode()))
    number = made.conversation.id
    attributes = json.dumps(given).encode() if given else None
    reply = script.manage(UpdateConversation(conversation=number, attributes=attributes, merge=True, operations=operations))
    kept = json.loads(script.manage(GetConversation(conversation=number)).conversation.attributes)
    if hasattr(reply, "reason"):
        assert kept == BEFORE
        return reason(reply)
    return kept


@pytest.mark.parametrize(
    ("key", "op", "value", "after"),
    [
        ("count", "increase", 2, 7),
        ("count", "increase", -0.5, 4.5),
        ("other", "increase", 3, 3),
        ("tags", "append", ["a", "c"], ["a", "b", "a", "a", "c"]),
        ("tags", "append-new", ["a", "c"], ["a", "b", "a", "c"]),
        ("tags", "remove", ["a", "z"], ["b"]),
        ("other", "append-new", [{"x": 1}], [{"x": 1}]),
        ("other", "remove", ["a"], []),
    ],
)
def test_an_operation(script: Script, key: str, op: str, value: object, after: object) -> None:
    assert changed(script, Operation(key, op, value)) == {**BEFORE, key: after}


def test_one_after_another_and_on_what_is_set_with_them(script: Script) -> None:
    twice = (Operation("count", "increase", 1), Operation("count", "increase", 1))
    assert changed(script, *twice, count=10, name=None) == {"count": 12, "tags": BEFORE["tags"]}


@pytest.mark.parametrize(
    ("key", "op", "value"),
    [
        ("name", "increase", 1),
        ("count", "increase", "1"),
        ("count", "increase", True),
        ("count", "increase", (1 << 63) - 1),
        ("count", "append", ["a"]),
        ("tags", "append", "a"),
        ("tags", "explode", ["a"]),
    ],
)
def test_what_does_not_fit_changes_nothing(script: Script, key: str, op: str, value: object) -> None:
    assert changed(script, Operation("other", "increase", 1), Operation(key, op, value)) is Reason.BAD_FORMAT


def test_there_is_an_end_to_them(script: Script) -> None:
    assert changed(script, *[Operation("count", "increase", 1)] * 51) is Reason.TOO_LARGE
