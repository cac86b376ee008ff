"""Figures: what several rounds of the same say together.

The law: a figure is the median of its rounds and their whole range; nothing is averaged away and nothing left out but
void rounds, which are never here.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """Median and range of one quantity over the rounds."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """The range as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


def figure(values: Sequence[float]) -> Figure:
    """ValueError where there is no value."""
    if not values:
        raise ValueError("a figure needs at least one round")
    return Figure(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed (nearest rank: a value that was measured)."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile needs values and a share above 0, up to 1")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def quantile(buckets: Sequence[tuple[float, float]], share: float) -> float:
    """What `share` of all do not exceed, by (bound, how many are up to it), the last bound infinite. Within a bucket they
    are taken to lie evenly; of those above the last bound but one it is only known that they are: that bound."""
    total = buckets[-1][1] if buckets else 0
    if not total:
        raise ValueError("a quantile needs at least one value")
    below, low = 0.0, 0.0
    for bound, count in buckets:
        if count >= share * total and not math.isinf(bound):
            return low + (bound - low) * (share * total - below) / (count - below)
        below, low = (below, low) if math.isinf(bound) else (count, bound)
    return low


def digits(value: float) -> str:
    """Three significant digits, thousands with commas: what a reader compares."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
