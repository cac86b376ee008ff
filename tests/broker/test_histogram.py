"""Histograms: what falls into which bucket, and the samples Prometheus wants."""

from __future__ import annotations

from broker.histogram import Histogram


def test_a_bucket_holds_its_upper_end_and_counts_what_the_smaller_ones_do() -> None:
    histogram = Histogram((1, 2.5))
    for value in (0, 1, 1.1, 2.5, 2.6, 100):
        histogram.see(value)
    assert histogram.figures("x") == {
        'x_bucket{le="1"}': 2.0, 'x_bucket{le="2.5"}': 4.0, 'x_bucket{le="+Inf"}': 6.0, "x_sum": 107.2, "x_count": 6.0,
    }  # fmt: skip
