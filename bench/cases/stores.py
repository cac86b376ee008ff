"""stores: what it costs the broker to keep messages in PostgreSQL rather than in SQLite.

Two brokers of this tree under the load of `bench.cases.direct`. The store is behind the journal, so nobody waits for it:
what differs is the CPU of the broker. A round's CPU goes on until the store has every commit of it; a round that ends
before is void. PostgreSQL's own processes are in a column of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cases.contenders import PARLEY, POSTGRES, row_of, settling, started
from bench.cases.direct import CPU, RATE, Pairs
from bench.cases.sizes import PAYLOAD_BYTES, Sizes
from bench.control import counters
from bench.postgres import PostgresBroker
from bench.report import Table, budget, rows
from bench.rounds import Round, interleave
from bench.servers import Broker
from bench.sessions import drain, hang_up

DATABASE = "us CPU of PostgreSQL"
TIMES = 1.15
LOOKS = 10
"""At a broker that rests though its store has not everything: others have the machine."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    count, messages = next(iter(sizes.pairs.items()))
    with started(folder, PARLEY, POSTGRES) as (running, missing):
        pairs = {name: StorePairs(count, messages, *each) for name, each in running.items()}
        try:
            drain([sock for each in pairs.values() for sock in each.sockets], settling(running))
            played = interleave({name: each.round for name, each in pairs.items()}, sizes.rounds)
        finally:
            for each in pairs.values():
                hang_up(each.sockets)
    found = rows(played, missing)
    own = found[0].figures.get(CPU)
    yield Table(
        f"stores: 1 to 1, {PAYLOAD_BYTES} B, {count} in flight, {count * messages:,} messages a round",
        (CPU, RATE, DATABASE),
        found,
        notes=("the CPU of a round goes on until the store has all of it; PostgreSQL runs on the generator's core",),
        budgets=(
            budget(
                f"PostgreSQL behind the journal at most {TIMES} x SQLite",
                row_of(found, POSTGRES),
                CPU,
                most=TIMES * own.median if own else None,
            ),
        ),
    )


class StorePairs(Pairs):
    """Rounds that look at the store, too."""

    def round(self, beside: Callable[[], object] = lambda: None) -> Round:
        server = self.server
        assert isinstance(server, Broker)
        database = server.database if isinstance(server, PostgresBroker) else None
        before = database.cpu_seconds() if database else 0.0
        played = super().round(beside)
        messages = self.pairs * self.messages
        values = dict(played.values)
        looks = 0
        while (lag := behind(server)) and looks < LOOKS:
            looks += 1
            values[CPU] += server.rest() * 1e6 / messages
        if database:
            values[DATABASE] = (database.cpu_seconds() - before) * 1e6 / messages
        void = played.void or (f"{lag:.0f} commits were not in the store" if lag else "")
        return Round(values, played.generator, played.foreign, void)


def behind(broker: Broker) -> float:
    """How many commits its stores have still to be given."""
    return sum(value for name, value in counters(broker.control).items() if name.endswith("_lag_commits"))
