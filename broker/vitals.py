"""What the broker tells the service manager while it runs: that it is alive, and a line for the operator (DESIGN 2.5).

The law: the watchdog is fed from a turn of the reactor, so a reactor that turns no more is noticed; and only while commits
reach the disk, as a broker that can acknowledge nothing is no use alive. Both end in a restart from what is durable.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

from protocol.clients.manager import Manager

FEED_SECONDS = 3.0
STUCK_SECONDS = 10.0
"""A commit that takes so long is not coming back."""


class Vitals:
    def __init__(
        self,
        manager: Manager,
        in_a_turn: Callable[[Callable[[], object]], None],
        in_flight_since: Callable[[], float | None],
        status: Callable[[], str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`in_a_turn` has the reactor run something in its next turn; `in_flight_since`: when, by `clock`, the commit on its
        way to the disk was handed over; `status`: a line for the operator."""
        self._manager = manager
        self._in_a_turn = in_a_turn
        self._in_flight_since = in_flight_since
        self.status = status
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        watchdog = self._manager.watchdog_seconds
        while True:
            self._in_a_turn(self._beat)
            await trio.sleep(FEED_SECONDS if watchdog is None else min(FEED_SECONDS, watchdog / 3))

    def _beat(self) -> None:
        since = self._in_flight_since()
        stuck = 0.0 if since is None else self._clock() - since
        if stuck > STUCK_SECONDS:
            self._manager.status(f"a commit has been on its way to the disk for {stuck:.0f} s")
        else:
            self._manager.alive(self.status())
