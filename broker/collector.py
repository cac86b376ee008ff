"""How much Python's collector of cyclic garbage has to look at, and how often: it stops everything while it looks.

The law: what the gateway and the hubs keep is no cycle once it is over (a connection and its outbox part when the
descriptor is closed, rows refer to each other by id), so memory comes back by counting references alone, and the collector
is there for what libraries leave. A collection that looks at everything is therefore rare, one that looks at the young is
short, and connections that have stayed are taken out of its sight.

Measured, 15,000 logins, 18 objects a connection: a pass over the middle generation took 35 ms with the thresholds (10,000,
20, 20), 3.2 ms with those below, for 1.5 us more a login; a pass over everything 55 to 65 ms, and 43 to 77 ms in a broker.

What is frozen is never looked at again, so garbage in it stays. It is frozen only when more connections are there than ever,
by a share: so all that was ever frozen is a few times what lived at the busiest moment, however long the broker runs.
"""

from __future__ import annotations

import gc
from collections.abc import Sized

import trio

THRESHOLDS = (5_000, 2, 300)
"""As `gc.set_threshold` has them, in objects and passes. The young are so few that a pass is about 1 ms, the middle ones so
few that it is about 3; everything is looked at after 4.5 million more objects, as with (10,000, 20, 20). With Python's own
(700, 10, 10) passes are 1.4 % of what a message costs (instructions counted)."""
LOOK_SECONDS = 1.0
LEAST = 1_000
"""Connections; with fewer a pass over everything is short."""
GROWTH = 1.25


def set_up() -> None:
    gc.set_threshold(*THRESHOLDS)


async def spare(connections: Sized) -> None:
    """Freeze what is there whenever connections have become more; for ever. To freeze costs the same however much it is."""
    most = LEAST / GROWTH
    while True:
        await trio.sleep(LOOK_SECONDS)
        most = frozen(len(connections), most)


def frozen(connections: int, most: float) -> float:
    """Freeze if that is more than the `most` there were when it was last done, by GROWTH. Returns the new `most`."""
    if connections < most * GROWTH:
        return most
    gc.freeze()
    return connections
