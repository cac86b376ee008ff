"""commits: how long a commit takes to the disk under load, and how much longer the slowest take.

The load of `bench.cases.direct`, in rounds long enough that the store behind the journal writes a checkpoint in each: it is
on the same disk and in the same process, and clients that wait for a commit should not notice. The broker counts the
time itself, from hand-over to the disk (`commit_seconds` in `/-/metrics`), in the steps its buckets have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cases.contenders import PARLEY, settling, started
from bench.cases.direct import Pairs
from bench.cases.sizes import PAYLOAD_BYTES, Sizes
from bench.control import counters
from bench.figures import quantile
from bench.report import Table, budget, rows
from bench.rounds import Round, interleave
from bench.servers import Broker
from bench.sessions import drain, hang_up

TIMES, P50, P99 = "p99 / median", "commit p50 ms", "commit p99 ms"
COMMITS, CHECKPOINTS = "commits", "checkpoints"
MOST_TIMES = 5.0


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    count, messages = next(iter(sizes.pairs)), sizes.commit_messages
    with started(folder, PARLEY) as (running, _):
        ((name, (contender, broker)),) = running.items()
        pairs = CommitPairs(count, messages, contender, broker)
        try:
            drain(pairs.sockets, settling(running))
            played = interleave({name: pairs.round}, sizes.rounds)
        finally:
            hang_up(pairs.sockets)
    found = rows(played)
    yield Table(
        f"commits: 1 to 1, {PAYLOAD_BYTES} B, {count} in flight, {count * messages:,} messages a round",
        (TIMES, P50, P99, COMMITS, CHECKPOINTS),
        found,
        budgets=(budget(f"p99 at most {MOST_TIMES:.0f} x the median", found[0], TIMES, most=MOST_TIMES),),
    )


class CommitPairs(Pairs):
    """Rounds that ask the broker how long its commits took."""

    def round(self, beside: Callable[[], object] = lambda: None) -> Round:
        assert isinstance(self.server, Broker)
        before = counters(self.server.control)
        played = super().round(beside)
        after = counters(self.server.control)
        took = {name: value - before.get(name, 0.0) for name, value in after.items()}
        buckets = [(bound_of(name), count) for name, count in took.items() if name.startswith("commit_seconds_bucket")]
        p50, p99 = (quantile(buckets, share) * 1e3 for share in (0.5, 0.99))
        values = {
            TIMES: p99 / p50,
            P50: p50,
            P99: p99,
            COMMITS: took["commit_seconds_count"],
            CHECKPOINTS: took["store_checkpoints_total"],
        }
        void = played.void or ("" if took["store_checkpoints_total"] else "no checkpoint was written meanwhile")
        return Round(values, played.generator, played.foreign, void)


def bound_of(name: str) -> float:
    """Seconds, of the label `le`."""
    return float(name.split('"')[1])
