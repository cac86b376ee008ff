"""login: a storm of logins, 64 under way, each a new TCP connection to the end of its login.

For Parley that is accept, upgrade, a signed token checked, the session registered and answered; the users exist (the
warm-up has created them). Peers: connection, token or password, one subscription; of those only ejabberd has a signature
to check (and two streams, a resource and a presence), and only the thin brokers an upgrade.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.cases.contenders import EJABBERD, MOSQUITTO, NATS, PARLEY, Contender, started, thin_ones
from bench.cases.sizes import Sizes
from bench.figures import percentile
from bench.report import Table, budget, rows
from bench.rounds import Round, interleave, measure
from bench.servers import Server
from bench.sessions import AT_A_TIME, hang_up, log_in

CPU, RATE, P99 = "us CPU per login", "logins/s", "p99 ms"
MOST_US = 250.0


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    with started(folder, PARLEY, NATS, MOSQUITTO, EJABBERD, *thin_ones(sizes)) as (running, missing):
        storms = {name: partial(storm, sizes, *each) for name, each in running.items()}
        found = rows(interleave(storms, sizes.rounds), missing)
    yield Table(
        f"login: {sizes.logins:,} logins, {AT_A_TIME} under way",
        (CPU, RATE, P99),
        found,
        notes=("peers but ejabberd: a shared token or password instead of a signed token",),
        budgets=(budget(f"at most {MOST_US:.0f} us CPU", found[0], CPU, most=MOST_US),),
    )


def storm(sizes: Sizes, contender: Contender, server: Server) -> Round:
    scripts = [contender.wire.session(f"storm{n}", f"to.storm{n}") for n in range(sizes.logins)]
    (sockets, seconds), effort = measure(server, partial(log_in, server.port, scripts))
    hang_up(sockets)
    server.rest()
    return Round(
        {CPU: effort.cpu * 1e6 / sizes.logins, RATE: sizes.logins / effort.seconds, P99: percentile(seconds, 0.99) * 1e3},
        effort.generator,
        effort.foreign,
    )
