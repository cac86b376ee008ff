"""How large the cases are: as reported, quick for a look, tiny for the tests."""

from __future__ import annotations

import msgspec

PAYLOAD_BYTES = 100
KIB_BYTES = 1_024


class Sizes(msgspec.Struct, frozen=True):
    rounds: int
    idle_before: int
    """Sessions before the memory is first looked at."""
    idle: int
    logins: int
    pairs: int
    """Of the direct case: messages in flight."""
    messages: int
    """Of each pair, in a round."""
    receivers: int
    payloads: tuple[int, ...]
    """Of the fan-out: bytes of text."""
    depths: dict[int, int]
    """Of the fan-out: messages in flight -> messages in a round."""
    restart: tuple[int, int, int, int, int]
    """Of the restart: messages, users, conversations, memberships, journal rows."""
    restarts: int
    kicks: int
    offline: tuple[int, int]
    """Users who are away, and messages kept for each."""
    stalled: int
    """Members of a group that stop reading, beside the `receivers`."""
    stalled_messages: int
    """In a round."""
    flappers: tuple[int, int]
    """Of the presence churn: users who come and go, and watchers of each."""
    calls: int
    """Management calls in a round."""


FULL = Sizes(
    rounds=5, idle_before=500, idle=5_000, logins=1_500, pairs=100, messages=60, receivers=500,
    payloads=(PAYLOAD_BYTES, KIB_BYTES), depths={1: 60, 8: 320, 64: 1_280},
    restart=(1_000_000, 100_000, 400_000, 2_000_000, 100_000), restarts=3,
    kicks=1_000, offline=(300, 100), stalled=50, stalled_messages=2_000, flappers=(500, 20), calls=2_000,
)  # fmt: skip
QUICK = Sizes(
    rounds=2, idle_before=300, idle=2_000, logins=500, pairs=100, messages=40, receivers=500, payloads=(PAYLOAD_BYTES,),
    depths={1: 40, 8: 160, 64: 640},
    restart=(100_000, 10_000, 40_000, 200_000, 10_000), restarts=2,
    kicks=300, offline=(100, 50), stalled=50, stalled_messages=800, flappers=(200, 20), calls=600,
)  # fmt: skip
TINY = Sizes(
    rounds=1, idle_before=5, idle=20, logins=20, pairs=4, messages=5, receivers=6, payloads=(PAYLOAD_BYTES,),
    depths={1: 3, 4: 20},
    restart=(2_000, 200, 800, 40_000, 200), restarts=1,
    kicks=10, offline=(5, 10), stalled=2, stalled_messages=3, flappers=(5, 3), calls=20,
)  # fmt: skip
