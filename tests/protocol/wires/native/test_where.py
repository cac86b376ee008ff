"""Conditions of ZD-05: names, operators and values, and what a time given as text means."""

from __future__ import annotations

import pytest

from protocol.commands import Condition
from protocol.errors import Refused
from protocol.wires.native.ids import app_ids
from protocol.wires.native.where import conditions

SECOND = 1_597_994_197_000  # 2020-08-21 07:16:37 UTC
IDS = app_ids("a")


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("=", [(">=", SECOND), ("<", SECOND + 1000)]),
        ("<", [("<", SECOND)]),
        ("<=", [("<", SECOND + 1000)]),
        (">", [(">=", SECOND + 1000)]),
        (">=", [(">=", SECOND)]),
    ],
)
def test_a_time_as_text_is_the_second_it_prints(operator: str, expected: list[tuple[str, int]]) -> None:
    found = conditions([["ctime", operator, "2020-08-21 07:16:37"]], IDS)
    assert [(each.field, each.op, each.value) for each in found] == [("created", *one) for one in expected]


def test_a_time_in_milliseconds_is_exact() -> None:
    assert conditions([["mtime", "=", SECOND]], IDS) == (Condition("updated", "=", SECOND),)


@pytest.mark.parametrize(
    "where",
    [
        [["ctime", "!=", "2020-08-21 07:16:37"]],
        [["ctime", "in", ["2020-08-21 07:16:37"]]],
        [["ctime", "=", "yesterday"]],
        [["password", "=", "x"]],
        [["conv_id", "or 1=1 --", "x"]],
        [["conv_id", "="]],
        "[[",
        {"conv_id": "x"},
        5,
        [["conv_id", "=", "x"]] * 17,
    ],
)
def test_what_is_no_condition_is_refused(where: object) -> None:
    with pytest.raises(Refused) as refused:
        conditions(where, IDS)
    assert "where" in refused.value.detail


def test_an_id_of_another_app_matches_nothing() -> None:
    foreign = app_ids("b").text(1_000_000_000_000)
    assert conditions([["conv_id", "=", foreign]], IDS) == (Condition("id", "=", 0),)
