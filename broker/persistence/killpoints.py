"""Where a test may let the broker die: `PARLEY_KILL_AT=<point>[:<nth>]` is a `kill -9` the nth time it comes by.

Each point lies between two things of which a crash may leave the first without the second. The variable is read once, at
import; without it `reached` is an empty function, so a broker in service pays one empty call a commit. There is no other
behaviour here: what a death at a point may cost is asked in `tests/faults`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Literal, get_args

Point = Literal[
    "before_write",  # the commit is in memory only
    "after_write_before_sync",  # the journal's record is in the page cache
    "after_sync_before_ack",  # it is on disk, and nobody has been told
    "mid_apply",  # the store's transaction holds the images and is not committed
    "after_sql_commit_before_truncate",  # the store has them, and so has the journal
    "during_checkpoint",  # the store's own log is about to be copied into its tables
    "during_replay",  # at start, behind a commit that has been read back
]
POINTS: tuple[str, ...] = get_args(Point)
VARIABLE = "PARLEY_KILL_AT"
EX_USAGE = 64


def nothing(point: Point) -> None:
    """What is done at every point in service."""


def killer(asked: str) -> Callable[[Point], None]:
    """What is done at a point where `asked` is the variable's value. SystemExit if it means none: a test that waits for a
    death that cannot come proves nothing."""
    if not asked:
        return nothing
    name, colon, nth = asked.partition(":")
    if name not in POINTS or (colon and not (nth.isdecimal() and int(nth))):
        words = f"{VARIABLE} is {asked!r}; write one of {', '.join(POINTS)}, and :N behind it for the Nth time"
        print(f"parley broker: {words}", file=sys.stderr)
        raise SystemExit(EX_USAGE)
    left = int(nth or 1)

    def die(point: Point) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    return die


reached = killer(os.environ.get(VARIABLE, ""))
