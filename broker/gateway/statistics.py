"""What the gateway has done, counted: the live counters, and the frozen picture of them that metrics read.

The law: counters only grow, and are bumped where the thing happens, never derived from another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from broker.histogram import SECONDS, Histogram
from protocol.errors import CloseReason


class Counters:
    """The reactor's live counters; one for all connections."""

    __slots__ = (
        "accepted", "bytes_in", "bytes_out", "closed", "dropped_pushes", "frames_in", "kicks", "late_max", "pushes",
        "refused", "turn_seconds", "turns",
    )  # fmt: skip

    def __init__(self) -> None:
        self.accepted = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.closed: Counter[str] = Counter()
        self.dropped_pushes = 0
        self.frames_in = 0
        self.kicks: Counter[str] = Counter()
        self.late_max = 0.0
        self.pushes = 0
        self.refused = 0
        self.turn_seconds = Histogram(SECONDS)
        self.turns = 0


WORDS = (*(reason.word for reason in CloseReason), "broken", "rejected", "crowded")
"""Of how a connection may end: as a CloseReason says, or the peer left, broke its framing's rules, was no WebSocket, came
from an address that has too many."""


class GatewayStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """All counts are since the start, except the first five."""

    connections: int
    logged_in: int
    outbox_bytes: int
    """Waiting for peers that do not take them."""
    blocked: int
    """Peers that do not take what waits for them."""
    paused: Mapping[str, int]
    """Connections that are not read for a while, by why: `pace`, they send too much; `journal`, it is behind;
    `proof`, the answer to a wrong proof waits."""
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
    """By one of WORDS."""
    kicks: Mapping[str, int]
    """Sessions ended by somebody else than their peer or the gateway, by the word of the CloseReason."""
    turn_seconds: Mapping[str, float]
    """How long turns took, as the samples of a histogram."""
    turns: int
    late_max: float
    """The longest time, in seconds, by which a turn came too late."""
