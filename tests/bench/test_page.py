"""The page and its charts: what stands in them, and that a refused figure does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.chart import draw
from bench.figures import figure
from bench.page import PAGE, about, publish, section
from bench.report import Row, Table, rows
from bench.rounds import Round

TABLE = Table(
    "a case: 5 things",
    ("us", "things/s"),
    (
        Row("Parley, fsync", {"us": figure([2.0, 3.0, 4.0]), "things/s": figure([10.0])}),
        Row("peer 1.0, mem", {"us": figure([6.0])}),
        Row("other, mem", doubts=("not installed",)),
    ),
    notes=("a note",),
    budgets=("at most 5: met",),
)


def test_a_section_has_ratios_dashes_and_remarks() -> None:
    lines = section(TABLE)
    assert "|  | us | x Parley | things/s | generator |" in lines
    assert "| Parley, fsync | 3.00 (2.00-4.00) | 1.00 | 10.0 | 0% |" in lines
    assert "| peer 1.0, mem | 6.00 | 2.00 | - | 0% |" in lines
    assert "| other, mem | - | - | - | - |" in lines
    assert lines[-3:] == ["* a note", "* other, mem: not installed", "* **budget** at most 5: met"]


def test_the_page_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "older-1.svg").write_text("a chart of a case that is no more")
    page = publish(tmp_path, ["Parley abc"], {"a-case": ("What it is.", [TABLE])})
    text = page.read_text()
    assert page == tmp_path / PAGE
    assert "* Parley abc" in text
    assert "## a-case\n\nWhat it is.\n\n### a case: 5 things" in text
    assert not (tmp_path / "older-1.svg").exists()


def test_a_chart_names_every_row_and_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install -e '.[bench]'")
    assert draw(TABLE, tmp_path / "one.svg")
    assert draw(TABLE, tmp_path / "two.svg")
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "two.svg").read_text()
    for each in TABLE.rows:
        assert each.name in drawn


def test_lost_messages_are_in_no_cell_of_the_page() -> None:
    played = {"Parley, fsync": [Round({"us": 777.0}, void="3 messages lost"), Round({"us": 888.0}, generator=0.9)]}
    text = "\n".join(section(Table("a case", ("us",), rows(played))))
    assert "777" not in text
    assert "888" not in text
    assert "* Parley, fsync: 2 of 2 rounds refused: 3 messages lost" in text


def test_a_case_is_told_without_its_name() -> None:
    assert about("fanout: messages of one user.\n\nMore.") == "Messages of one user.\n\nMore."
