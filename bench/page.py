"""The report as a page: every table with its ratios, a chart of each, what the peers' operation is, machine and commit.

The law: it is written after each case of a run, of that run alone, in place of the one before; it says what casts doubt on
each figure as the terminal does, and a figure the bench refuses is in neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.chart import draw
from bench.report import Table, cells

PAGE = "report.md"


def publish(folder: Path, head: Sequence[str], cases: Mapping[str, tuple[str, Sequence[Table]]]) -> Path:
    """Write the page and its charts. `head`: sentences about the run; `cases`: by name what it is (Markdown or plain text)
    and its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    text = ["# Parley, measured beside its peers", ""]
    text += [f"* {sentence}" for sentence in head]
    text += [
        "* A row's name ends with its durability: `fsync`, on disk before it is acknowledged; `mem`, kept nowhere. Figures",
        "  are medians of interleaved rounds with their range; rounds that lost or doubled a message, or in which the",
        "  generator used more than 70 % of its core, are in no figure. `-` was not measured.",
    ]
    for name, (about, tables) in cases.items():
        text += ["", f"## {name}", "", about]
        for number, table in enumerate(tables, 1):
            text += ["", *section(table)]
            chart = f"{name}-{number}.svg"
            if draw(table, folder / chart):
                text += ["", f"![{table.title}]({chart})"]
    page = folder / PAGE
    page.write_text("\n".join(text) + "\n")
    return page


def section(table: Table) -> list[str]:
    """A table in Markdown."""
    first, *lines = cells(table)
    text = [f"### {table.title}", "", _line(["", *first[1:]]), _line(["---", *["---:"] * (len(first) - 1)])]
    text += [_line(line) for line in lines]
    remarks = [f"* {note}" for note in table.notes]
    remarks += [f"* {each.name}: {doubt}" for each in table.rows for doubt in each.doubts]
    remarks += [f"* **budget** {sentence}" for sentence in table.budgets]
    return text + (["", *remarks] if remarks else [])


def about(docstring: str) -> str:
    """A case's own words without its name, which is the heading already."""
    return re.sub(r"^\w+: (\w)", lambda found: found[1].upper(), docstring.strip())


def _line(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"
