"""Who gets in how often: the pace of an app's calls, the price of a wrong key, and whom a request comes from.

The law: a right proof never waits for another's wrong ones, so nobody can lock a back office out; wrong ones wait, each by
itself, and beyond a bound of those that wait the answer comes at once and says so. What is remembered is bounded, the oldest
goes first. A call over its app's pace is refused before its body is read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import trio

from adminapi.settings import Settings
from protocol.addresses import Addresses
from protocol.apps import App
from protocol.errors import Reason, Refused

WINDOW_SECONDS = 60.0
REMEMBERED = 10_000
"""Addresses with wrong proofs."""
PROOFS = frozenset({Reason.UNAUTHORIZED, Reason.BAD_TOKEN, Reason.UNKNOWN_APP, Reason.WRONG_PASSWORD})
"""Refusals by which keys could be guessed."""


class Gate:
    def __init__(self, settings: Settings, *, clock: Callable[[], float] = trio.current_time) -> None:
        self._addresses = Addresses(settings.trusted_proxies)
        self._free = settings.wrong_proofs
        self._wait_seconds = settings.wrong_proof_seconds
        self._most_waiting = settings.wrong_proofs_waiting
        self._clock = clock
        self._paces: dict[str, tuple[float, float]] = {}
        """App to calls left and when that was."""
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()
        self._waiting = 0

    def caller(self, peer: str, forwarded: str) -> str:
        """The address a request comes from; "" for a trusted proxy that names nobody."""
        return self._addresses.read(peer) or self._addresses.forwarded(forwarded)

    def trusts(self, peer: str) -> bool:
        return not self._addresses.read(peer)

    def pass_one(self, app: App) -> None:
        """A call of this app. TOO_FAST beyond `calls_per_minute`, which come in bursts of up to a minute's worth."""
        most = app.settings.calls_per_minute
        if not most:
            return
        now = self._clock()
        left, since = self._paces.get(app.id, (float(most), now))
        left = min(left + (now - since) * most / 60, float(most))
        if left < 1:
            self._paces[app.id] = (left, now)
            words = f"This app makes more than its {most} calls a minute (calls_per_minute)."
            raise Refused(Reason.TOO_FAST, words, retry_after_ms=int((1 - left) * 60_000 / most) + 1)
        self._paces[app.id] = (left - 1, now)

    async def hold_wrong(self, address: str) -> None:
        """Before a wrong proof is answered. TOO_FAST if too many wait already. Whom a trusted proxy does not name, it has to
        hold itself."""
        if not address:
            return
        now = self._clock()
        times = [at for at in self._wrong.pop(address, []) if now - at < WINDOW_SECONDS]
        self._wrong[address] = [*(times[-self._free :] if self._free else ()), now]
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
        if len(times) < self._free:
            return
        if self._waiting >= self._most_waiting:
            words = "Too many wrong keys come in; this one was not right either."
            raise Refused(Reason.TOO_FAST, words, retry_after_ms=int(WINDOW_SECONDS * 1000))
        self._waiting += 1
        try:
            await trio.sleep(self._wait_seconds)
        finally:
            self._waiting -= 1
