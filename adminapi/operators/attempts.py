"""How often somebody may try to sign in: by the address he comes from, and by the account he tries.

The law: what is remembered is bounded, the oldest goes first; an attempt counts when it begins, so many at once are many,
and one that succeeds counts no more. Names that are no account's count as those that are. So that nobody can keep an
operator out by trying his name, an address from which he has signed in is held to its own count alone. Whom a trusted proxy
does not name has no address here, and only the account's count holds him.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import trio

from protocol.errors import Reason, Refused

WINDOW_SECONDS = 300.0
PER_ADDRESS, PER_ACCOUNT = 10, 20
"""In a window."""
REMEMBERED = 10_000
"""Addresses, names, and pairs of both."""


class Attempts:
    def __init__(self, *, clock: Callable[[], float] = trio.current_time) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, list[float]] = OrderedDict()
        self._names: OrderedDict[str, list[float]] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """Count one. TOO_FAST if there were too many already; that one is not counted."""
        now = self._clock()
        held = [(self._addresses, address, PER_ADDRESS)] if address else []
        if (name, address) not in self._proven:
            held.append((self._names, name, PER_ACCOUNT))
        waits = [wait for counts, key, most in held if (wait := self._wait(counts, key, most, now))]
        if waits:
            words = "Too many attempts to sign in; wait, and look whether the name is spelt right."
            raise Refused(Reason.TOO_FAST, words, retry_after_ms=int(max(waits) * 1000) + 1)
        for counts, key, _ in held:
            counts.setdefault(key, []).append(now)
            counts.move_to_end(key)
            if len(counts) > REMEMBERED:
                counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The one begun last."""
        for counts, key in ((self._addresses, address), (self._names, name)):
            if counts.get(key):
                counts[key].pop()
        if address:
            self._proven[name, address] = None
            self._proven.move_to_end((name, address))
            if len(self._proven) > REMEMBERED:
                self._proven.popitem(last=False)

    def _wait(self, counts: OrderedDict[str, list[float]], key: str, most: int, now: float) -> float:
        """Seconds until there may be one more; 0: at once."""
        times = [at for at in counts.get(key, ()) if now - at < WINDOW_SECONDS]
        if key in counts:
            counts[key] = times
        return times[-most] + WINDOW_SECONDS - now if len(times) >= most else 0.0
