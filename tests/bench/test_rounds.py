"""The order of rounds, and what a row says of those that were void or doubtful."""

from __future__ import annotations

from bench.report import Row, Table, budget, render, row, rows
from bench.rounds import AGAIN, Round, interleave


def player(log: list[str], name: str, *rounds: Round) -> object:
    left = list(rounds)

    def play() -> Round:
        log.append(name)
        return left.pop(0) if len(left) > 1 else left[0]

    return play


def test_contenders_take_turns_after_a_warm_up_that_is_dropped() -> None:
    log: list[str] = []
    warm, then = Round({"us": 99.0}), Round({"us": 1.0})
    played = interleave({"a": player(log, "a", warm, then), "b": player(log, "b", warm, then)}, 2)  # type: ignore[dict-item]
    assert log == ["a", "b", "a", "b", "a", "b"]
    assert [each.values["us"] for each in played["a"]] == [1.0, 1.0]


def test_those_who_are_warm_are_not_warmed_up_again() -> None:
    log: list[str] = []
    only = Round({"us": 1.0})
    played = interleave({"a": player(log, "a", only), "b": player(log, "b", only)}, 2, warm=False)  # type: ignore[dict-item]
    assert log == ["a", "b", "a", "b"]
    assert len(played["b"]) == 2


def test_void_rounds_are_run_again_but_not_for_ever() -> None:
    log: list[str] = []
    void = Round({"us": 1.0}, void="1 messages lost")
    played = interleave({"a": player(log, "a", void)}, 5)  # type: ignore[dict-item]
    assert len(played["a"]) == 5 + AGAIN
    found = row("a", played["a"])
    assert not found.figures
    assert found.doubts == (f"{5 + AGAIN} of {5 + AGAIN} rounds refused: 1 messages lost",)


def test_a_void_round_counts_for_nothing_and_is_told() -> None:
    found = row("a", [Round({"us": 2.0}), Round({"us": 900.0}, void="3 messages lost"), Round({"us": 4.0})])
    assert (found.figures["us"].low, found.figures["us"].high) == (2.0, 4.0)
    assert found.doubts == ("1 of 3 rounds refused: 3 messages lost",)


def test_a_busy_generator_is_refused_and_a_busy_machine_is_told() -> None:
    assert row("a", [Round({"us": 1.0}, generator=0.69, foreign=0.04)]).doubts == ()
    found = row("a", [Round({"us": 1.0}, generator=0.5), Round({"us": 900.0}, generator=0.83)])
    assert found.figures["us"].high == 1.0
    assert found.doubts == ("1 of 2 rounds refused: the generator used 83% of its core (70% is the limit)",)
    assert not row("a", [Round({"us": 1.0}, generator=0.83)]).figures
    assert row("a", [Round({"us": 1.0}, foreign=0.4)]).doubts == ("others used 40% of a core meanwhile",)


def test_a_table_has_ratios_to_its_first_row_and_a_dash_for_what_was_not_measured() -> None:
    played = {"Parley, fsync": [Round({"us": 2.0})], "peer 1.0, mem": [Round({"us": 5.0}), Round({"us": 7.0})]}
    text = render(Table("a case", ("us",), rows(played, ["other, mem"])))
    lines = [line.split() for line in text.splitlines()]
    assert ["Parley,", "fsync", "2.00", "1.00", "0%"] in lines
    assert ["peer", "1.0,", "mem", "6.00", "(5.00-7.00)", "3.00", "0%"] in lines
    assert ["other,", "mem", "-", "-", "-"] in lines
    assert "doubt: other, mem: not installed" in text


def test_a_budget_says_whether_it_is_met() -> None:
    found = row("Parley", [Round({"us": 30.0})])
    assert budget("at most 35", found, "us", most=35.0) == "at most 35: met (30.0, the bound is 35.0)"
    assert budget("at least 40", found, "us", least=40.0) == "at least 40: NOT MET (30.0, the bound is 40.0)"
    assert budget("as a peer", found, "us", most=None) == "as a peer: not measured"
    assert budget("at most 35", Row("Parley"), "us", most=35.0) == "at most 35: not measured"
