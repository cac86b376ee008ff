"""Every case, tiny, from the start of the servers to the printed table."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import servers
from bench.__main__ import main, run
from bench.cases import CASES, commits, contenders, sizes
from bench.cases.direct import CPU, Pairs
from bench.cases.kick import Storm
from bench.cases.sizes import TINY
from bench.cases.stores import DATABASE
from bench.control import counters
from bench.machine import cpu_seconds, raise_descriptor_limit
from bench.report import Table, render
from bench.sessions import hang_up

LEANCLOUD = {"direct": 1.5, "fanout": 1.3}
"""What a message over LeanCloud's wire may cost at most, against a native one."""

DURABLE, NOWHERE = ", fsync", ", mem"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures mean nothing here, so nobody waits for good ones."""
    monkeypatch.setattr("bench.rounds.GENERATOR_MOST", 99.0)
    monkeypatch.setattr("bench.servers.QUIET_SECONDS", 0.02)
    monkeypatch.setattr("bench.servers.REST_SECONDS", 0.02)
    monkeypatch.setattr("bench.cases.contenders.IDLE_SECONDS", 0.02)


@pytest.fixture(autouse=True)
def _soft_limit() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_descriptor_limit()
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("name", [name for name in CASES if name not in {"stores", "commits"}])
def test_a_case_measures_parley_and_what_is_installed(name: str, tmp_path: Path) -> None:
    for table in CASES[name](TINY, tmp_path):
        check(table)
        if name in LEANCLOUD and DURABLE in table.rows[0].name:
            check_leancloud(table, LEANCLOUD[name])


def test_postgresql_has_a_row_and_its_own_cpu_beside_the_store_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.servers.QUIET_SECONDS", 0.3)  # a round ends when the store has all of it
    monkeypatch.setattr("bench.servers.REST_SECONDS", 10.0)
    (table,) = CASES["stores"](TINY, tmp_path)
    check(table)
    (sentence,) = table.budgets
    if servers.found("postgres") is None:
        assert sentence.endswith("not measured")
        return
    own, other = (each.figures[CPU].median for each in table.rows)
    assert ("NOT MET" in sentence) == (other > 1.15 * own)
    assert table.rows[1].figures[DATABASE].median > 0


def test_a_round_the_store_has_not_caught_up_with_is_void(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_STORE_WRITE_SECONDS", "60")
    (table,) = CASES["stores"](TINY, tmp_path)
    assert any("commits were not in the store" in doubt for each in table.rows for doubt in each.doubts)
    assert not table.rows[0].figures


def test_the_slowest_commits_are_held_against_the_median_while_checkpoints_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = iter(range(100))

    def told(path: Path) -> dict[str, float]:
        return counters(path) | {"store_checkpoints_total": float(next(checkpoints))}  # so little load has none

    monkeypatch.setattr("bench.cases.commits.counters", told)
    (table,) = CASES["commits"](TINY, tmp_path)
    check(table)
    figures = {column: figure.median for column, figure in table.rows[0].figures.items()}
    assert figures[commits.P50] <= figures[commits.P99]
    assert 1 <= figures[commits.COMMITS] <= 2 * next(iter(TINY.pairs)) * TINY.commit_messages
    assert ("NOT MET" in table.budgets[0]) == (figures[commits.TIMES] > 5)


def test_commits_without_a_checkpoint_meanwhile_count_for_nothing(tmp_path: Path) -> None:
    (table,) = CASES["commits"](TINY, tmp_path)
    assert any("no checkpoint was written" in doubt for doubt in table.rows[0].doubts)
    assert table.budgets[0].endswith("not measured")


@pytest.mark.parametrize("library", sizes.LIBRARIES)
def test_every_thin_broker_passes_messages_on_and_replaces_sessions(library: str, tmp_path: Path) -> None:
    (contender,) = [each for each in contenders.THIN if each.library == library]
    with contenders.started(tmp_path, contender) as (running, missing):
        if missing:
            pytest.skip(f"{library} is not to be had: pip install -e '.[bench]', or node and npm")
        ((name, (_, server)),) = running.items()
        assert name.startswith(f"{library} ")
        pairs = Pairs(2, 3, contender, server)
        assert pairs.round().void == ""
        hang_up(pairs.sockets)
        assert Storm(TINY, contender, server).round().void == ""


def check_leancloud(table: Table, times: float) -> None:
    """The vendor's wire has a row beside the native one, and its budget is held against both."""
    assert table.rows[1].name == "LeanCloud wire, fsync"
    (sentence,) = [each for each in table.budgets if each.startswith(f"LeanCloud's wire at most {times} x")]
    native, own = (each.figures[table.columns[0]].median for each in table.rows[:2])
    assert ("NOT MET" in sentence) == (own > times * native)


def check(table: Table) -> None:
    own = table.rows[0]
    assert own.name.startswith("Parley")
    assert own.name.endswith(NOWHERE if "kept nowhere" in table.title else DURABLE)
    if table.title.startswith("direct"):
        assert len({each.name.rsplit(", ")[-1] for each in table.rows}) == 1, "rows of two kinds of durability"
    assert not any("void" in doubt for each in table.rows for doubt in each.doubts), table
    assert max(figure.median for figure in own.figures.values()) > 0  # the CPU of so little may be none
    for each in table.rows:
        assert each.figures or each.doubts == ("not installed",)
    assert own.name in render(table)


def test_a_peer_that_is_not_installed_is_a_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.cases.contenders.found", lambda program: None)
    run("direct", TINY, tmp_path)
    printed = capsys.readouterr().out
    assert re.search(r"^  NATS JetStream, fsync +-( +-)+$", printed, re.MULTILINE)
    assert "at least JetStream's rate: not measured" in printed


def test_a_server_that_does_not_start_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(servers.Broker, "settings", "[sockets]\nlisten = 7\n")
    assert run("login", TINY, tmp_path)[0] == []
    assert "login: not measured: Parley did not start" in capsys.readouterr().out


def test_a_look_begins_no_case_once_its_time_is_over_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.__main__.LOOK_SECONDS", -1.0)
    monkeypatch.setattr("sys.argv", ["bench", "--quick"])
    before = os.sched_getaffinity(0)
    try:
        assert main() == 0
    finally:
        os.sched_setaffinity(0, before)
    assert "left out: fanout, direct, login, kick, idle: a look has three minutes" in capsys.readouterr().out


def test_the_cpu_of_a_process_that_has_ended_is_not_zero_but_an_error() -> None:
    with pytest.raises(ProcessLookupError):
        cpu_seconds([2**22 - 1])
