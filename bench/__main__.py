"""`python -m bench [CASE...] [--quick] [--report [FOLDER]]`: run cases, print their tables and all of them in one, and write
them as a page with charts. `--readme` puts the figures of bench/results into the README and measures nothing.

Exit code 1 if a budget is not met or a case could not be measured, 2 for wrong options.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.cases import BRISK, CASES
from bench.cases.sizes import FULL, QUICK, Sizes
from bench.machine import ROOT, commit, cores, machine, raise_descriptor_limit
from bench.page import PAGE, about, publish
from bench.report import Table, render
from bench.servers import ServerFailed
from bench.summary import markdown, of_tables, quote
from bench.wires.wire import Unexpected

SPARE_DESCRIPTORS = 200
LOOK_SECONDS = 150.0
"""After which a quick run that was asked for no case by name begins no other."""
RESULTS = ROOT / "bench" / "results"


def main() -> int:
    options = read_options()
    if options.readme:
        quote(ROOT / "README.md", RESULTS / PAGE)
        return 0
    sizes = QUICK if options.quick else FULL
    needed = sizes.idle_before + sizes.idle + SPARE_DESCRIPTORS
    if raise_descriptor_limit() < needed:
        print(f"bench: needs {needed} descriptors; raise the hard limit with ulimit -Hn", file=sys.stderr)
        return 1
    server, generator = cores()
    head = [f"Parley {commit()}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC", machine()]
    print("\n".join(head))
    if server == generator:
        print("doubt: only one core; servers and generator share it, so rates and latencies mean nothing here")
    print()
    os.sched_setaffinity(0, {generator})  # servers are started on theirs
    began = time.monotonic()
    failed = False
    measured: dict[str, tuple[str, list[Table]]] = {}
    left_out = []
    for name in options.cases or (BRISK if options.quick else CASES):
        if options.quick and not options.cases and time.monotonic() - began > LOOK_SECONDS:
            left_out.append(name)
            continue
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            tables, fault = run(name, sizes, Path(folder))
        measured[name] = about(sys.modules[CASES[name].__module__].__doc__ or ""), tables
        if options.report is not None:  # after each, as the whole takes long and may be broken off
            run_of = "quick sizes, a look and no report" if options.quick else "full sizes"
            print(publish(options.report, [*head, f"{run_of}, {time.monotonic() - began:.0f} s"], measured))
        failed |= bool(fault) or any("NOT MET" in sentence for table in tables for sentence in table.budgets)
    if lines := of_tables(table for _, tables in measured.values() for table in tables):
        print("\n".join(markdown(lines)))
    print(f"\ntook {time.monotonic() - began:.0f} s")
    if left_out:
        print(
            f"left out: {', '.join(left_out)}: a look has three minutes, and others use this machine; ask for them by name"
        )
    return 1 if failed else 0


def run(name: str, sizes: Sizes, folder: Path) -> tuple[list[Table], str]:
    """One case, printed as its tables come, behind what it is: those, and why it could not be measured to its end."""
    began = time.monotonic()
    tables: list[Table] = []
    print(f"{sys.modules[CASES[name].__module__].__doc__}", flush=True)
    try:
        for table in CASES[name](sizes, folder):
            print(render(table), flush=True)
            tables.append(table)
    except (Unexpected, ServerFailed, OSError) as error:
        print(f"{name}: not measured: {error}\n", flush=True)
        return tables, str(error)
    print(f"{name}: took {time.monotonic() - began:.0f} s\n", flush=True)
    return tables, ""


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Parley beside its peers.")
    parser.add_argument(
        "cases",
        metavar="CASE",
        nargs="*",
        help=f"{', '.join(CASES)} (default: all, or the short ones)",
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds: a look, not a report")
    parser.add_argument(
        "--report", metavar="FOLDER", nargs="?", type=Path, const=RESULTS, help="write the tables and charts (bench/results)"
    )
    parser.add_argument("--readme", action="store_true", help="quote the figures of bench/results in the README, and end")
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"there is no case {unknown[0]!r}; there are {', '.join(CASES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
