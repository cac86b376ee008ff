"""`python -m bench [CASE...] [--quick]`: run cases and print their tables. Exit code 1 if a budget is not met or a case
could not be measured, 2 for wrong options.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.cases import CASES
from bench.cases.sizes import FULL, QUICK, Sizes
from bench.machine import commit, cores, machine, raise_descriptor_limit
from bench.report import render
from bench.servers import ServerFailed
from bench.wires.wire import Unexpected

SPARE_DESCRIPTORS = 200


def main() -> int:
    options = read_options()
    sizes = QUICK if options.quick else FULL
    needed = sizes.idle_before + sizes.idle + SPARE_DESCRIPTORS
    if raise_descriptor_limit() < needed:
        print(f"bench: needs {needed} descriptors; raise the hard limit with ulimit -Hn", file=sys.stderr)
        return 1
    server, generator = cores()
    print(f"Parley {commit()}\n{machine()}")
    if server == generator:
        print("doubt: only one core; servers and generator share it, so rates and latencies mean nothing here")
    print()
    os.sched_setaffinity(0, {generator})  # servers are started on theirs
    began = time.monotonic()
    failed = False
    for name in options.cases or CASES:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            failed |= not run(name, sizes, Path(folder))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def run(name: str, sizes: Sizes, folder: Path) -> bool:
    """One case, printed as its tables come. False if a budget was missed or the case could not be measured."""
    met = True
    try:
        for table in CASES[name](sizes, folder):
            print(render(table), flush=True)
            met &= not any("NOT MET" in sentence for sentence in table.budgets)
    except (Unexpected, ServerFailed, OSError) as error:
        print(f"{name}: not measured: {error}\n", flush=True)
        return False
    return met


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Parley beside its peers.")
    parser.add_argument("cases", metavar="CASE", nargs="*", help=f"{', '.join(CASES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds: a look, not a report")
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"there is no case {unknown[0]!r}; there are {', '.join(CASES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
