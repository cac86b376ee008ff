"""All scenarios in one table, a line each: what one operation costs Parley and each of its peers. What the README quotes.

The law: the figures are those of the report, by the letter: the page is read back for them, so neither can say what the
other does not. Where a peer is cheaper than Parley, that is said in words below the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from bench.report import Table, cells

OWN = "Parley"
PEERS = (
    "nats-server",
    "NATS JetStream",
    "mosquitto",
    "ejabberd",
    "websockets",
    "picows",
    "trio-websocket",
    "ws",
    "socket.io",
)
BEGIN, END = "<!-- figures: python -m bench --readme -->", "<!-- end of figures -->"


class Line(msgspec.Struct, frozen=True):
    """One scenario: its title, what is counted, and by contender the figure as the report has it."""

    title: str
    unit: str
    figures: dict[str, str]

    @property
    def cheaper(self) -> list[str]:
        """Peers that need less than Parley."""
        own = number(self.figures[OWN])
        return [name for name in PEERS if name in self.figures and number(self.figures[name]) < own]


def number(figure: str) -> float:
    return float(figure.replace(",", ""))


def line(title: str, lines: Sequence[Sequence[str]]) -> Line | None:
    """Of a table as `bench.report.cells` has it; None if Parley and a peer are not both in it."""
    (_, unit, *_), *rows = lines
    figures = {}
    for name, figure, *_ in rows:
        # With its version and durability, and nothing else: "Parley on PostgreSQL" is another row.
        found = next((each for each in (OWN, *PEERS) if re.match(rf"{re.escape(each)}( \d[\w.]*)?, \w+$", name)), None)
        if found and figure != "-":
            figures[found] = figure.split(" ")[0]
    if OWN not in figures or len(figures) < 2:
        return None
    return Line(re.sub(r", [\d,]+ messages a round$", "", title), unit, figures)


def of_tables(tables: Iterable[Table]) -> list[Line]:
    return [found for each in tables if (found := line(each.title, cells(each)))]


def of_page(page: str) -> list[Line]:
    """The same, of a report (`bench.page`)."""
    return [found for title, lines in tables_in(page) if (found := line(title, lines))]


def tables_in(page: str) -> Iterator[tuple[str, list[list[str]]]]:
    for part in page.split("\n### ")[1:]:
        title, *rest = part.splitlines()
        rows = [[cell.strip() for cell in each.strip("|").split("|")] for each in rest if each.startswith("|")]
        yield title, [rows[0], *rows[2:]]  # without the rule below the head


def markdown(lines: Sequence[Line]) -> list[str]:
    """The table, and what is cheaper than Parley."""
    peers = [each for each in PEERS if any(each in line.figures for line in lines)]
    text = [f"| | | {' | '.join([OWN, *peers])} |", f"|---|---|{'---:|' * (len(peers) + 1)}"]
    for each in lines:
        found = [each.figures.get(name, "-") for name in (OWN, *peers)]
        text.append(f"| {each.title} | {each.unit} | {' | '.join(found)} |")
    behind = [f"{each.title} ({', '.join(each.cheaper)})" for each in lines if each.cheaper]
    text += [
        "",
        f"Cheaper than Parley: {'; '.join(behind)}." if behind else "No peer is cheaper than Parley in any of these.",
    ]
    return text


def quoted(page: str) -> str:
    """What stands in the README between the marks: whose figures, when and where, and the table."""
    head = [each[2:] for each in page.split("\n## ")[0].splitlines() if each.startswith("* ")]
    return "\n".join([BEGIN, "", f"{'; '.join(head[:3])}.", "", *markdown(of_page(page)), "", END])


def quote(readme: Path, page: Path) -> None:
    """Put the figures of the page in place of those the README has."""
    text = readme.read_text()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"{readme} has no place for figures: {BEGIN} ... {END}")
    readme.write_text(before + quoted(page.read_text()) + after)
