"""A distribution in buckets, as Prometheus reads it.

The law: its buckets are fixed when it is made, so it takes no memory however much it has seen, and one look costs a
bisection (0.2 us).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


class Histogram:
    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: the upper ends of the buckets, rising; above the last there is one more."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def see(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def counts(self) -> tuple[int, ...]:
        """Of each bucket alone, the last one's of what lies above all bounds."""
        return tuple(self._counts)

    def quantile(self, part: float, since: Sequence[int]) -> float:
        """Below which this part of what was seen since `counts` were these lies, as if spread evenly within a bucket; what
        is above all bounds counts as the last of them. 0 if nothing was seen."""
        came = [now - then for now, then in zip(self._counts, since, strict=True)]
        wanted, lower = part * sum(came), 0.0
        for count, bound in zip(came, self._bounds, strict=False):
            if count and wanted <= count:
                return lower + (bound - lower) * wanted / count
            wanted, lower = wanted - count, bound
        return lower if any(came) else 0.0

    def figures(self, name: str) -> dict[str, float]:
        """Its samples by their names; each bucket counts what the smaller ones count too."""
        found: dict[str, float] = {}
        total = 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            found[f'{name}_bucket{{le="{bound}"}}'] = float(total)
        return found | {f"{name}_sum": self._sum, f"{name}_count": float(total)}
