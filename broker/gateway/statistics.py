"""What the gateway has done, counted: the live counters, and the frozen picture of them that metrics read.

The law: counters only grow, and are bumped where the thing happens, never derived from another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec


class Counters:
    """The reactor's live counters; one for all connections."""

    __slots__ = (
        "accepted", "bytes_in", "bytes_out", "closed", "dropped_pushes", "frames_in", "late_max", "pushes", "refused",
        "turns",
    )  # fmt: skip

    def __init__(self) -> None:
        self.accepted = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.closed: Counter[str] = Counter()
        self.dropped_pushes = 0
        self.frames_in = 0
        self.late_max = 0.0
        self.pushes = 0
        self.refused = 0
        self.turns = 0


class GatewayStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """All counts are since the start, except the first three."""

    connections: int
    logged_in: int
    outbox_bytes: int
    """Waiting for peers that do not take them."""
    accepted: int
    bytes_in: int
    bytes_out: int
    frames_in: int
    """Whole frames handed to a wire."""
    pushes: int
    """Pushes put into outboxes: one push to n sessions counts n."""
    dropped_pushes: int
    refused: int
    """Requests refused for the connection's frame rate."""
    closed: Mapping[str, int]
    """By the word of the CloseReason; `gone` where the peer left, `broken` where it broke its framing's rules."""
    turns: int
    late_max: float
    """The longest time, in seconds, by which a turn came too late."""
