"""How large the cases are: as reported, quick for a look, tiny for the tests."""

from __future__ import annotations

import msgspec

PAYLOAD_BYTES = 100
KIB_BYTES = 1_024


LIBRARIES = ("websockets", "picows", "trio-websocket", "ws", "socket.io")


class Sizes(msgspec.Struct, frozen=True):
    libraries: tuple[str, ...]
    """Whose thin brokers take part."""
    rounds: int
    idle_before: int
    """Sessions before the memory is first looked at."""
    idle: int
    logins: int
    pairs: dict[int, int]
    """Of the direct case: pairs, each with one message in flight -> messages of each pair in a round."""
    commit_messages: int
    """The same of the commits case: enough for a checkpoint (16 MB) in each round."""
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
    """Of the `receivers`, those who stop reading."""
    stalled_messages: int
    """In a round."""
    flappers: tuple[int, int]
    """Of the presence churn: users who come and go, and watchers of each."""
    calls: int
    """Management calls in a round; `paced` messages of users who write at a steady pace beside them."""
    paced: int
    rooms: tuple[int, ...]
    """Members of the rooms of the growth, ascending; `room_deliveries` of each in a round."""
    room_deliveries: int
    talkers: dict[int, int]
    """Of the growth: pairs -> messages of each in a round."""
    histories: tuple[int, ...]
    """Messages of the conversations of the growth; `pages` are asked for in a round."""
    pages: int


FULL = Sizes(
    libraries=LIBRARIES, rounds=5, idle_before=500, idle=5_000, logins=1_500,
    pairs={100: 60, 1_000: 6}, commit_messages=300, receivers=500,
    payloads=(PAYLOAD_BYTES, KIB_BYTES), depths={1: 60, 8: 320, 64: 1_280},
    restart=(1_000_000, 100_000, 400_000, 2_000_000, 100_000), restarts=3,
    kicks=1_000, offline=(300, 100), stalled=50, stalled_messages=2_000, flappers=(500, 20), calls=2_000, paced=5_000,
    rooms=(10, 100, 1_000, 10_000, 19_000), room_deliveries=60_000, talkers={50: 200, 500: 20, 5_000: 2},
    histories=(1_000, 10_000, 100_000, 1_000_000), pages=300,
)  # fmt: skip
QUICK = Sizes(
    libraries=LIBRARIES, rounds=2, idle_before=200, idle=1_000, logins=300,
    pairs={100: 25}, commit_messages=200, receivers=500, payloads=(PAYLOAD_BYTES,), depths={1: 20, 8: 80, 64: 256},
    restart=(100_000, 10_000, 40_000, 200_000, 10_000), restarts=2,
    kicks=200, offline=(100, 50), stalled=50, stalled_messages=800, flappers=(200, 20), calls=600, paced=1_500,
    rooms=(10, 100, 1_000, 5_000), room_deliveries=20_000, talkers={50: 60, 500: 6},
    histories=(1_000, 10_000, 100_000), pages=100,
)  # fmt: skip
TINY = Sizes(
    libraries=("websockets", "socket.io"), rounds=1, idle_before=5, idle=20, logins=20,
    pairs={4: 5}, commit_messages=5, receivers=6, payloads=(PAYLOAD_BYTES,), depths={1: 3, 4: 20},
    restart=(2_000, 200, 800, 40_000, 200), restarts=1,
    kicks=10, offline=(5, 10), stalled=2, stalled_messages=3, flappers=(5, 3), calls=20, paced=20,
    rooms=(2, 8), room_deliveries=16, talkers={2: 3, 4: 2}, histories=(50, 200), pages=5,
)  # fmt: skip
