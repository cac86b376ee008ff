"""The last hour in figures, for whoever begins to look: a ring of samples, one of 5 s each, and what happens just now.

The law: the ring is made at the start and never grows (720 samples of 8 numbers, 46 KB); a sample is taken in a turn of the
reactor and costs some 15 us, whether anybody looks or not; looking costs the figures that are asked for and nothing more.
Rates come from counters that only grow, so what is missed by nobody asking is missed by no sample. With the process the hour
is gone: what has to last longer is for Prometheus.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

import trio

from broker.histogram import Histogram
from protocol.commands import ListSamples, Sample, SampleList

SAMPLES = 720
SAMPLE_SECONDS = 5.0
LEAST_SECONDS = 0.5
"""Between two looks that are answered by different figures: rates of less time jump."""
WIDTH = len(Sample.__struct_fields__)


class Reading(NamedTuple):
    """Counters and levels at one moment; `at` by the monotonic clock, `at_ms` by the hub's."""

    at: float
    at_ms: int
    sessions: int
    messages: int
    deliveries: int
    backlog: int
    errors: int


class Span:
    """From one reading to the next."""

    def __init__(self, reading: Reading, commits: tuple[int, ...]) -> None:
        self.began = reading
        self._commits = commits

    def sample(self, now: Reading, commit_seconds: Histogram) -> Sample:
        seconds = max(now.at - self.began.at, 0.001)
        return Sample(
            at_ms=now.at_ms,
            sessions=now.sessions,
            messages_per_s=(now.messages - self.began.messages) / seconds,
            deliveries_per_s=(now.deliveries - self.began.deliveries) / seconds,
            commit_p50_ms=commit_seconds.quantile(0.5, self._commits) * 1000,
            commit_p99_ms=commit_seconds.quantile(0.99, self._commits) * 1000,
            backlog_commits=now.backlog,
            errors_per_s=(now.errors - self.began.errors) / seconds,
        )


class Samples:
    def __init__(self, read: Callable[[], Reading], commit_seconds: Histogram) -> None:
        self._read = read
        self._commit_seconds = commit_seconds
        self._ring = array("d", bytes(8 * WIDTH * SAMPLES))
        self._taken = 0
        """Samples since the start; the newest SAMPLES of them are in the ring."""
        self._span = self._looked = self._begin()
        self._newest: Sample | None = None
        """As somebody has just seen it."""

    async def run(self, in_a_turn: Callable[[Callable[[], object]], None]) -> None:
        """Until cancelled. `in_a_turn` has the reactor run something in its next turn."""
        while True:
            await trio.sleep(SAMPLE_SECONDS)
            in_a_turn(self.take)

    def take(self) -> None:
        """Take a sample of the time since the last."""
        now = self._read()
        sample = self._span.sample(now, self._commit_seconds)
        self._span = Span(now, self._commit_seconds.counts())
        place = self._taken % SAMPLES * WIDTH
        for offset, name in enumerate(Sample.__struct_fields__):
            self._ring[place + offset] = getattr(sample, name)
        self._taken += 1

    def listed(self, command: ListSamples) -> SampleList:
        there = min(max(command.limit, 0), self._taken, SAMPLES)
        places = [number % SAMPLES * WIDTH for number in range(self._taken - there, self._taken)]
        return SampleList(samples=[Sample(*self._ring[place : place + WIDTH]) for place in places], now=self._now())

    def _now(self) -> Sample:
        now = self._read()
        if self._newest is not None and now.at - self._looked.began.at < LEAST_SECONDS:
            return self._newest
        # Whoever begins to look after a long time wants to know of now, not of the time since then.
        span = self._looked if now.at - self._looked.began.at < SAMPLE_SECONDS else self._span
        self._newest = span.sample(now, self._commit_seconds)
        self._looked = Span(now, self._commit_seconds.counts())
        return self._newest

    def _begin(self) -> Span:
        return Span(self._read(), self._commit_seconds.counts())
