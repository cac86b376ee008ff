"""The swap guard: two devices that keep kicking each other are stopped, a device that comes back is not (DESIGN 3).

A swap counts only if the loser was alive to see it: a live one closes, or says something, or its machine acknowledges the
farewell, all of which the gateway sees and tells at once; a dead one does nothing until its linger time is over. So a swap
is weighed when the gateway says that the loser is gone.
"""

from __future__ import annotations

from itertools import takewhile

from broker.hub.session import Slot

WINDOW_MS = 60_000
MOST = 5
ALIVE_MS = 1_900
"""Who is gone within this time of his farewell has seen it; for a dead one the gateway lingers 2 s."""


class Swaps:
    def __init__(self) -> None:
        self._losers: dict[int, tuple[Slot, int]] = {}
        self._counted: dict[Slot, tuple[int, ...]] = {}
        """The newest times, and slots in the order of their last; tuples, as most have one and a deque takes half a KiB."""

    def lost(self, session: int, slot: Slot, now_ms: int) -> None:
        """A login took `slot` from this session."""
        self._losers[session] = (slot, now_ms)

    def gone(self, session: int, now_ms: int) -> None:
        loser = self._losers.pop(session, None)
        if loser is None:
            return
        slot, at_ms = loser
        if now_ms - at_ms < ALIVE_MS:
            self._counted[slot] = (*self._counted.pop(slot, ())[1 - MOST :], now_ms)

    def wait_ms(self, slot: Slot, now_ms: int) -> int:
        """0: the slot may be taken. Else how long not."""
        times = self._counted.get(slot)
        if times is None or len(times) < MOST or now_ms - times[0] >= WINDOW_MS:
            return 0
        return WINDOW_MS - (now_ms - times[0])

    def prune(self, now_ms: int) -> None:
        """Called a few times a second, so it looks no further than at what is over."""
        over = takewhile(lambda each: now_ms - each[1][-1] >= WINDOW_MS, self._counted.items())
        for slot in [slot for slot, _ in over]:
            del self._counted[slot]
