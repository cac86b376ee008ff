"""What rounds say together."""

from __future__ import annotations

import math

import pytest

from bench.figures import digits, figure, percentile, quantile


def test_a_figure_is_the_median_and_the_whole_range() -> None:
    found = figure([5.0, 1.0, 3.0, 100.0])
    assert (found.median, found.low, found.high) == (4.0, 1.0, 100.0)
    assert found.spread == 99.0 / 4.0


def test_one_round_is_its_own_range() -> None:
    assert figure([7.0]).spread == 0.0


def test_no_round_is_no_figure() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        figure([])


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert percentile([3.0], 0.99) == 3.0


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


BUCKETS = [(1.0, 10.0), (2.0, 10.0), (4.0, 90.0), (math.inf, 100.0)]


@pytest.mark.parametrize(("share", "value"), [(0.05, 0.5), (0.1, 1.0), (0.5, 3.0), (0.9, 4.0), (0.99, 4.0)])
def test_a_quantile_lies_evenly_within_its_bucket_and_never_beyond_the_last_bound(share: float, value: float) -> None:
    assert quantile(BUCKETS, share) == value


@pytest.mark.parametrize("buckets", [[], [(1.0, 0.0), (math.inf, 0.0)]])
def test_a_quantile_of_nothing_is_refused(buckets: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(buckets, 0.5)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0367, "0.0367"), (1.0, "1.00"), (35.04, "35.0"), (211.4, "211"), (1264640, "1,264,640")]
)
def test_three_digits_are_shown(value: float, text: str) -> None:
    assert digits(value) == text
