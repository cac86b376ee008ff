"""Who gets in how often: the pace of an app's calls, the price of a wrong key, and whom a request comes from.

The law: a right proof never waits for another's wrong ones (`protocol.guesses`), and a call over its app's pace is refused
before its body is read.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from adminapi.settings import Settings
from protocol.addresses import Addresses
from protocol.apps import App
from protocol.errors import Reason, Refused
from protocol.guesses import Guesses


class Gate:
    def __init__(self, settings: Settings, *, clock: Callable[[], float] = trio.current_time) -> None:
        self._addresses = Addresses(settings.trusted_proxies)
        self._guesses = Guesses(settings.wrong_proofs, settings.wrong_proofs_waiting)
        self._wait_seconds = settings.wrong_proof_seconds
        self._clock = clock
        self._paces: dict[str, tuple[float, float]] = {}
        """App to calls left and when that was."""

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
        """Before a wrong proof is answered. TOO_FAST if too many wait already."""
        if not self._guesses.wrong(address, self._clock()):
            return
        try:
            await trio.sleep(self._wait_seconds)
        finally:
            self._guesses.done()
