"""The hub's clock: monotonic, set to the wall at start and drawn to it by 1 ms a second (DESIGN 4).

Ids, message times and deadlines follow it, so a wall clock set back does not reorder a conversation and one set forward
does not end sessions. Tokens are judged by the wall itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

DRAW_MS_PER_S = 1.0


class Clock:
    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        not_before_ms: int = 0,
    ) -> None:
        """`not_before_ms`: the time of the greatest id ever given out; this clock starts after it."""
        self._wall = wall
        self._monotonic = monotonic
        self._at_s = monotonic()
        self._ms = max(wall() * 1000.0, float(not_before_ms))

    def wall_ms(self) -> int:
        return int(self._wall() * 1000)

    def now_ms(self) -> int:
        """Unix milliseconds that never go back."""
        at_s = self._monotonic()
        passed_s = at_s - self._at_s
        self._at_s = at_s
        self._ms += passed_s * 1000.0
        away = self._wall() * 1000.0 - self._ms
        most = passed_s * DRAW_MS_PER_S
        self._ms += max(-min(most, passed_s * 1000.0), min(most, away))
        return int(self._ms)
