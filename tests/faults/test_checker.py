"""The checker finds what it is there to find: a ledger and histories that agree, and one lie at a time."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from tests.faults import checker
from tests.faults.checker import Broken
from tests.faults.ledger import Ask, Ledger, Outcome, Said

ONE, TWO, THREE = Said(1, "a", "tom 1"), Said(2, "b", "tom 2"), Said(3, "c", "tom 3")


@pytest.fixture
def ledger() -> Ledger:
    """tom 1 was acknowledged, tom 2 never answered, tom 3 refused; ann heard the first."""
    ledger = Ledger()
    for text, outcome, told in (("tom 1", Outcome.OK, ONE), ("tom 2", Outcome.UNKNOWN, None), ("tom 3", Outcome.FAIL, None)):
        ledger.asks[text] = Ask("tom", "c", text, 1, outcome, told)
    ledger.hear("ann", {"conv_id": "c", "seq": 1, "msg_id": "a", "text": "tom 1"})
    ledger.reading("ann", "c").seen.append(ONE)
    return ledger


def check(ledger: Ledger, *history: Said) -> None:
    histories = {"c": list(history)}
    checker.acknowledged_is_there_once(ledger, histories)
    checker.nothing_is_there_unasked(ledger, histories)
    checker.seqs_have_no_gap(histories)
    checker.what_was_heard_is_there(ledger, histories)
    checker.everybody_catches_up(ledger, histories)


def test_what_agrees_passes_whether_the_unanswered_one_is_there_or_not(ledger: Ledger) -> None:
    check(ledger, ONE)
    ledger.reading("ann", "c").seen.append(TWO)
    check(ledger, ONE, TWO)


@pytest.mark.parametrize(
    ("number", "history"),
    [
        (1, []),
        (1, [Said(1, "other", "tom 1")]),
        (1, [TWO._replace(seq=1), ONE._replace(seq=2)]),
        (1, [ONE, ONE._replace(seq=2)]),
        (2, [ONE, Said(2, "x", "nobody said that")]),
        (2, [ONE, TWO, TWO._replace(seq=3)]),
        (2, [ONE, THREE._replace(seq=2)]),
        (3, [ONE, TWO._replace(seq=3)]),
        (5, [ONE, TWO]),
    ],
)
def test_each_lie_of_a_history_is_named(ledger: Ledger, number: int, history: list[Said]) -> None:
    with pytest.raises(Broken, match=f"invariant {number}: "):
        check(ledger, *history)


def test_a_push_of_what_is_not_there_is_named(ledger: Ledger) -> None:
    ledger.hear("ann", {"conv_id": "c", "seq": 2, "msg_id": "b", "text": "tom 2"})
    with pytest.raises(Broken, match="invariant 4: ann was pushed"):
        check(ledger, ONE)


def test_a_refusal_of_a_retry_does_not_undo_the_first_attempt(ledger: Ledger) -> None:
    ask = ledger.asks["tom 2"]
    ask.attempts = 2
    ledger.answered(ask, {"type": "msg.send.error", "code": 5030})
    assert ask.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(9, 1, "tom 1")], None),
        ([(9, 1, "tom 2")], Broken),
        ([(9, 1, "tom 1"), (9, 2, "tom 2")], Broken),
        ([(9, 1, "tom 1"), (8, 1, "tom 2")], Broken),
        ([], LookupError),
    ],
)
def test_a_store_that_differs_is_named(tmp_path: Path, rows: list[object], expected: type[Exception] | None) -> None:
    db = apsw.Connection(str(tmp_path / "parley.db"))
    db.execute("CREATE TABLE messages (conversation, seq, body)")
    db.executemany("INSERT INTO messages VALUES (?, ?, json_object('text', ?))", rows)
    db.close()
    raised: type[BaseException] | None = None
    try:
        checker.the_store_holds_the_same(tmp_path / "parley.db", {"c": [ONE]})
    except (Broken, LookupError) as error:
        raised = type(error)
    assert raised is expected


def test_a_history_that_changes_between_two_recoveries_is_named() -> None:
    checker.another_crash_changes_nothing({"c": [ONE]}, {"c": [ONE]})
    for after in ([], [ONE, TWO], [TWO]):
        with pytest.raises(Broken, match="invariant 7"):
            checker.another_crash_changes_nothing({"c": [ONE]}, {"c": after})
