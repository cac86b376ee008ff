"""The cases by name. Each is one function from sizes and a folder to tables; to add a case, add its file and its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cases import commits, direct, fanout, idle, login, restart, stores
from bench.cases.sizes import Sizes
from bench.report import Table

CASES: dict[str, Callable[[Sizes, Path], Iterator[Table]]] = {
    "idle": idle.run,
    "login": login.run,
    "direct": direct.run,
    "fanout": fanout.run,
    "commits": commits.run,
    "stores": stores.run,
    "restart": restart.run,
}
