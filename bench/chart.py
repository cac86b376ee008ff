"""One chart a table, as SVG: its first column as bars, the range over the rounds as whiskers.

The law: what was not measured has no bar, only its name and "-"; the same figures draw the same file, so a commit of the
results shows what has changed.
"""

from __future__ import annotations

from pathlib import Path

from bench.figures import digits
from bench.report import Table

OWN, PEER = "#1f6f8b", "#b9c4c9"
WIDTH, ROW_HEIGHT, FRAME_HEIGHT = 9.0, 0.34, 1.3
LOG_FROM = 30.0
"""Times the smallest, from which a linear axis would hide the small ones."""


def draw(table: Table, path: Path) -> bool:
    """False if matplotlib is not installed."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        return False
    matplotlib.rcParams.update({"svg.hashsalt": "parley", "svg.fonttype": "none", "font.size": 9})
    column, rows = table.columns[0], table.rows[::-1]
    figure = Figure(figsize=(WIDTH, FRAME_HEIGHT + ROW_HEIGHT * len(rows)), layout="constrained")
    axes = figure.subplots()
    found = [each.figures.get(column) for each in rows]
    medians = [each.median if each else 0.0 for each in found]
    down = [each.median - each.low if each else 0.0 for each in found]
    up = [each.high - each.median if each else 0.0 for each in found]
    colors = [OWN if "Parley" in each.name or "LeanCloud" in each.name else PEER for each in rows]
    axes.barh(range(len(rows)), medians, xerr=[down, up], color=colors, ecolor="#666666", capsize=2, height=0.7)
    measured = [each for each in medians if each > 0]
    if measured and max(measured) > LOG_FROM * min(measured):
        axes.set_xscale("log")
    for at, each in enumerate(found):
        axes.annotate(f" {digits(each.median) if each else '-'}", (each.high if each else 0.0, at), va="center")
    axes.margins(x=0.12)
    axes.set_yticks(range(len(rows)), [each.name for each in rows])
    axes.set_xlabel(column)
    axes.set_title(table.title, loc="left", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return True
