"""Whose wrong keys, tokens and passwords have to wait for their answer (`wrong_proofs`, `wrong_proofs_waiting`).

The law: a right proof never waits for another's wrong ones, so nobody can lock others out; slips are answered at once, what
goes on waits, and beyond a bound of those that wait the answer comes at once and says so. What is remembered is bounded, the
oldest goes first. Whom a trusted proxy does not name, it has to hold itself.
"""

from __future__ import annotations

from collections import OrderedDict

from protocol.errors import Reason, Refused

WINDOW_SECONDS = 60.0
REMEMBERED = 10_000
"""Addresses with wrong proofs."""
PROOFS = frozenset({Reason.UNAUTHORIZED, Reason.BAD_TOKEN, Reason.UNKNOWN_APP, Reason.WRONG_PASSWORD})
"""Refusals by which keys could be guessed."""


class Guesses:
    """Of one program. `free` in a minute are answered at once; `most_waiting` wait at a time. Times in seconds."""

    __slots__ = ("_free", "_most_waiting", "_wrong", "waiting")

    def __init__(self, free: int, most_waiting: int) -> None:
        self._free = free
        self._most_waiting = most_waiting
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()
        self.waiting = 0

    def wrong(self, address: str, now: float) -> bool:
        """A wrong proof of this address: whether its answer waits, until `done`. TOO_FAST if too many wait already."""
        if not address:
            return False
        times = [at for at in self._wrong.pop(address, []) if now - at < WINDOW_SECONDS]
        self._wrong[address] = [*(times[-self._free :] if self._free else ()), now]
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
        if len(times) < self._free:
            return False
        if self.waiting >= self._most_waiting:
            words = "Too many wrong keys come in; this one was not right either."
            raise Refused(Reason.TOO_FAST, words, retry_after_ms=int(WINDOW_SECONDS * 1000))
        self.waiting += 1
        return True

    def done(self) -> None:
        """An answer has waited long enough, or nobody is there any more."""
        self.waiting -= 1
