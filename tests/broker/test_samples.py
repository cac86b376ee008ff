"""The last hour in figures: rates from counters, a ring that never grows, and what is said of now."""

from __future__ import annotations

import pytest

from broker.histogram import SECONDS, Histogram
from broker.samples import SAMPLES, Reading, Samples
from protocol.commands import ListSamples, Sample


class Broker:
    """Counters a test moves."""

    def __init__(self) -> None:
        self.reading = Reading(at=0.0, at_ms=1_000_000, sessions=0, messages=0, deliveries=0, backlog=0, errors=0)
        self.commits = Histogram(SECONDS)
        self.samples = Samples(lambda: self.reading, self.commits)

    def pass_time(self, seconds: float, **more: int) -> None:
        now = self.reading
        moved = {name: getattr(now, name) + count for name, count in more.items()}
        self.reading = now._replace(at=now.at + seconds, at_ms=now.at_ms + round(seconds * 1000), **moved)

    def listed(self, limit: int = SAMPLES) -> list[Sample]:
        return self.samples.listed(ListSamples(limit=limit)).samples

    def now(self) -> Sample:
        return self.samples.listed(ListSamples()).now


def test_a_sample_has_levels_as_they_are_and_rates_since_the_last() -> None:
    broker = Broker()
    broker.pass_time(5, sessions=3, messages=50, deliveries=500, backlog=2, errors=10)
    for _ in range(99):
        broker.commits.see(0.0015)
    broker.commits.see(0.2)
    broker.samples.take()
    broker.pass_time(5, messages=5)
    broker.samples.take()
    first, second = broker.listed()
    assert (first.at_ms, first.sessions, first.backlog_commits) == (1_005_000, 3, 2)
    assert (first.messages_per_s, first.deliveries_per_s, first.errors_per_s) == (10, 100, 2)
    assert 1 < first.commit_p50_ms < 2 <= first.commit_p99_ms <= 2
    assert (second.messages_per_s, second.commit_p50_ms, second.commit_p99_ms) == (1, 0, 0)


def test_the_ring_keeps_the_last_hour_and_never_grows() -> None:
    broker = Broker()
    size = len(broker.samples._ring)
    for number in range(SAMPLES + 5):
        broker.pass_time(5, messages=5 * number)
        broker.samples.take()
    found = broker.listed()
    assert [sample.messages_per_s for sample in found] == list(range(5, SAMPLES + 5))
    assert [sample.messages_per_s for sample in broker.listed(2)] == [SAMPLES + 3, SAMPLES + 4]
    assert len(broker.samples._ring) == size
    assert broker.listed(0) == broker.listed(-1) == []


def test_now_is_of_the_time_since_the_last_look() -> None:
    broker = Broker()
    broker.pass_time(1, messages=7)
    assert broker.now().messages_per_s == 7
    broker.pass_time(1, messages=3)
    assert broker.now().messages_per_s == 3
    broker.pass_time(0.1, messages=100)
    assert broker.now().messages_per_s == 3  # too soon: what was just said
    broker.pass_time(0.9)
    assert broker.now().messages_per_s == 100


def test_who_begins_to_look_hears_of_now_and_not_of_hours_ago() -> None:
    broker = Broker()
    broker.pass_time(3600, messages=3_600_000)
    broker.samples.take()
    broker.pass_time(2, messages=4)
    assert broker.now().messages_per_s == 2


@pytest.mark.parametrize(("part", "found"), [(0.0, 0.0), (0.5, 0.0015), (0.99, 0.00199), (1.0, 0.002)])
def test_a_quantile_lies_within_its_bucket(part: float, found: float) -> None:
    histogram = Histogram(SECONDS)
    histogram.see(0.5)
    since = histogram.counts()
    for _ in range(100):
        histogram.see(0.0011)
    assert histogram.quantile(part, since) == pytest.approx(found if part else 0.001)
    histogram = Histogram((1.0,))
    histogram.see(50)
    assert histogram.quantile(0.5, (0, 0)) == 1.0
