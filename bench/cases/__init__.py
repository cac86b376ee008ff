"""The cases by name. Each is one function from sizes and a folder to tables; to add a case, add its file and its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cases import (
    admin,
    commits,
    direct,
    fanout,
    growth,
    idle,
    kick,
    login,
    offline,
    presence,
    restart,
    stalled,
    stores,
)
from bench.cases.sizes import Sizes
from bench.report import Table

BRISK = ("fanout", "direct", "login", "kick", "idle")
"""What a quick run measures in three minutes unless others are named: where the peers have the same."""

CASES: dict[str, Callable[[Sizes, Path], Iterator[Table]]] = {
    "idle": idle.run,
    "login": login.run,
    "kick": kick.run,
    "direct": direct.run,
    "offline": offline.run,
    "fanout": fanout.run,
    "commits": commits.run,
    "stores": stores.run,
    "presence": presence.run,
    "stalled": stalled.run,
    "admin": admin.run,
    "restart": restart.run,
    "growth": growth.run,
}
