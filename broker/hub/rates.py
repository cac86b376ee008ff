"""Rates as token buckets (SOCKET.md "Limits", LC-29): each user's a full minute's allowance at once, then evenly; the app's,
of all its sockets together, a second's.

A bucket that is full again says nothing and is forgotten, so memory is bounded by those who were busy in the last minute.
"""

from __future__ import annotations

from protocol.apps import AppSettings
from protocol.commands import FREE, SENDS, Rate
from protocol.errors import Reason, Refused

PRUNE_MS = 60_000


class Rates:
    def __init__(self) -> None:
        self._buckets: dict[tuple[str, Rate], tuple[float, int]] = {}
        """(user, rate) -> tokens left and when that was."""
        self._pruned_ms = 0
        self._left, self._left_ms = 0.0, -PRUNE_MS
        """Requests the app has left, and when that was."""

    def take_of_app(self, settings: AppSettings, now_ms: int) -> None:
        """Count one request of any of the app's sockets; TOO_FAST beyond `requests_per_second`."""
        allowance = settings.requests_per_second
        if not allowance:
            return
        left = min(self._left + (now_ms - self._left_ms) * allowance / 1000, float(allowance))
        self._left_ms = now_ms
        if left < 1.0:
            self._left = left
            wait = int((1.0 - left) * 1000 / allowance) + 1
            detail = f"this app's sockets ask more than {allowance} times a second (requests_per_second); wait {wait} ms"
            raise Refused(Reason.TOO_FAST, detail, retry_after_ms=wait)
        self._left = left - 1.0

    def take(self, user: str, rate: Rate, settings: AppSettings, now_ms: int) -> None:
        """Count one; TOO_FAST with the time until the next is allowed."""
        allowance = allowance_of(rate, settings)
        if not allowance:
            return
        key = (user, rate)
        left, at_ms = self._buckets.get(key, (float(allowance), now_ms))
        left = min(left + (now_ms - at_ms) * allowance / 60_000, float(allowance))
        if left < 1.0:
            self._buckets[key] = (left, now_ms)
            wait = int((1.0 - left) * 60_000 / allowance) + 1
            raise Refused(
                Reason.TOO_FAST, f"more than {allowance} {rate.value} a minute; wait {wait} ms", retry_after_ms=wait
            )
        self._buckets[key] = (left - 1.0, now_ms)

    def prune(self, now_ms: int) -> None:
        if now_ms - self._pruned_ms < PRUNE_MS:
            return
        self._pruned_ms = now_ms
        self._buckets = {key: kept for key, kept in self._buckets.items() if now_ms - kept[1] < 60_000}


def allowance_of(rate: Rate, settings: AppSettings) -> int:
    if rate is SENDS:
        return settings.sends_per_minute
    if rate is FREE:
        return 0
    if rate is Rate.HISTORY:
        return settings.history_per_minute
    return settings.others_per_minute
