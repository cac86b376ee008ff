"""What is printed: one table a scenario, Parley's row first, the others in relation to it.

The law: a figure is printed with its range, its ratio to Parley's where both exist, and what casts doubt on it: refused
rounds, a machine others used as well. What was not measured is "-", never zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import msgspec

from bench.figures import Figure, digits, figure
from bench.rounds import FOREIGN_MOST, Round


class Row(msgspec.Struct, frozen=True):
    """One contender: its figures by column (none: not installed, or void), and doubts as sentences."""

    name: str
    figures: dict[str, Figure] = {}
    generator: float = 0.0
    """The largest share of its core that the generator used."""
    doubts: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """`columns` name their unit; the first one's ratios are printed. `budgets` are sentences with their outcome."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()


def row(name: str, played: Sequence[Round]) -> Row:
    """The row of the rounds that count."""
    sound = [each for each in played if not each.refused]
    refused = [each.refused for each in played if each.refused]
    doubts = []
    if refused:
        doubts.append(f"{len(refused)} of {len(played)} rounds refused: {refused[0]}")
    if not sound:
        return Row(name, doubts=tuple(doubts))
    generator = max(each.generator for each in sound)
    foreign = statistics.median(each.foreign for each in sound)
    if foreign > FOREIGN_MOST:
        doubts.append(f"others used {foreign:.0%} of a core meanwhile")
    columns = {name: figure([each.values[name] for each in sound]) for name in sound[0].values}
    return Row(name, columns, generator, tuple(doubts))


def rows(played: Mapping[str, Sequence[Round]], missing: Sequence[str] = ()) -> tuple[Row, ...]:
    return (*(row(name, each) for name, each in played.items()), *(Row(name, doubts=("not installed",)) for name in missing))


def budget(what: str, found: Row, column: str, least: float | None = None, most: float | None = None) -> str:
    """A budget and whether it is met, by the median; "not measured" where a side of it is missing."""
    value = found.figures.get(column)
    if value is None or (least is None and most is None):
        return f"{what}: not measured"
    met = (least is None or value.median >= least) and (most is None or value.median <= most)
    bound = " to ".join(digits(limit) for limit in (least, most) if limit is not None)
    return f"{what}: {'met' if met else 'NOT MET'} ({digits(value.median)}, the bound is {bound})"


def cells(table: Table) -> list[list[str]]:
    """The table as words, its head first; the ratio to the first row behind the first column."""
    first = table.columns[0]
    own = table.rows[0].figures.get(first) if table.rows else None
    lines = [["", first, "x Parley", *table.columns[1:], "generator"]]
    for each in table.rows:
        value = each.figures.get(first)
        ratio = digits(value.median / own.median) if value and own and own.median else "-"
        cells = [cell(each.figures.get(column)) for column in table.columns]
        lines.append([each.name, cells[0], ratio, *cells[1:], f"{each.generator:.0%}" if each.figures else "-"])
    return lines


def render(table: Table) -> str:
    """The table as text."""
    lines = cells(table)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [table.title, ""]
    for line in lines:
        padded = [line[0].ljust(widths[0])] + [word.rjust(width) for word, width in zip(line[1:], widths[1:], strict=True)]
        text.append("  " + "  ".join(padded).rstrip())
    text += [f"  note: {note}" for note in table.notes]
    text += [f"  doubt: {each.name}: {doubt}" for each in table.rows for doubt in each.doubts]
    text += [f"  budget: {sentence}" for sentence in table.budgets]
    return "\n".join(text) + "\n"


def cell(value: Figure | None) -> str:
    if value is None:
        return "-"
    if value.low == value.high:
        return digits(value.median)
    return f"{digits(value.median)} ({digits(value.low)}-{digits(value.high)})"
