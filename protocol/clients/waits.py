"""How long a client waits for anything, and how long before it comes back.

The law: no wait without a number here. Back-off is full jitter under a doubling ceiling, so that the clients of a
restarted broker come apart instead of coming together again.
"""

from __future__ import annotations

import random

import msgspec

SETTLE_SECONDS = 10.0
"""A connection that lived so long was good: back-off starts over."""
PROBE_SECONDS = 10.0
"""How long a silent server may take to answer a ping."""
WRITE_SECONDS = 30.0
"""How long a server may take to take one frame; 64 KiB, the largest by default, at 2 KiB/s."""
CLOSE_SECONDS = 2.0
"""How long a server may take to take the last frames and to close its side."""


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """The deadlines a program may choose, in seconds."""

    connect: float = 10.0
    """From nothing to logged in, one attempt."""
    request: float = 30.0
    """A request and its answer, waiting for a connection included."""
    send: float = 120.0
    """A `send` with all its retries."""
    idle: float = 75.0
    """Silence after which the client asks the server for a sign of life."""
    backoff_first: float = 0.5
    backoff_most: float = 30.0

    def before(self, attempt: int) -> float:
        """Seconds before attempt number `attempt`, counted from 0."""
        return random.uniform(0.0, min(self.backoff_most, self.backoff_first * 2.0 ** min(attempt, 16)))
