"""One measured round, and the order in which rounds are run.

The law: contenders take turns, A-B-A-B, so that what changes on the machine meets all of them; the clock of a round stops
when the last receiver has the last byte, its CPU goes on until the server has come to rest; a void round, or one in which
the generator had too much to do, is run again, and said so.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from bench.machine import busy_seconds, cores
from bench.servers import Server

AGAIN = 2
"""Times a contender's refused rounds are run again."""
GENERATOR_MOST = 0.70
"""Of its core. Above that the generator may be what is measured: such a round is refused (performance.md 7.1)."""
FOREIGN_MOST = 0.05
"""Of a core: what others on the machine may use before the report warns of it."""

T = TypeVar("T")


class Effort(msgspec.Struct, frozen=True):
    """What some work took: seconds of the clock and of the server's CPU; shares of a core used by the generator and by
    everybody else while it worked."""

    seconds: float
    cpu: float
    generator: float
    foreign: float


class Round(msgspec.Struct, frozen=True):
    """`values` by column. `void` says why they count for nothing; empty if they count."""

    values: dict[str, float]
    generator: float = 0.0
    foreign: float = 0.0
    void: str = ""

    @property
    def refused(self) -> str:
        """Why it is in no figure: void, or the generator may be what was measured. Empty if it counts."""
        if not self.void and self.generator > GENERATOR_MOST:
            return f"the generator used {self.generator:.0%} of its core ({GENERATOR_MOST:.0%} is the limit)"
        return self.void


def measure(server: Server, work: Callable[[], T]) -> tuple[T, Effort]:
    """Do the work and see what it took. The server is at rest before and after."""
    gc.collect()
    gc.disable()
    try:
        busy, own, cpu = busy_seconds(*cores()), time.process_time(), server.cpu_seconds()
        began = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - began
        cpu, own = server.cpu_seconds() - cpu, time.process_time() - own
        others = busy_seconds(*cores()) - busy - cpu - own
    finally:
        gc.enable()
    return result, Effort(seconds, cpu + server.rest(), own / seconds, max(0.0, others) / seconds)


def interleave(contenders: Mapping[str, Callable[[], Round]], rounds: int, *, warm: bool = True) -> dict[str, list[Round]]:
    """A warm-up of each, which is dropped (not `warm`: they have had it), then `rounds` of each in turn, refused ones once
    more at the end."""
    if warm:
        for play in contenders.values():
            play()
    played: dict[str, list[Round]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, play in contenders.items():
            played[name].append(play())
    for name, play in contenders.items():
        for _ in range(min(AGAIN, sum(1 for each in played[name] if each.refused))):
            played[name].append(play())
    return played
