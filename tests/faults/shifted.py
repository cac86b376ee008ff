"""A broker whose wall clock is off by the seconds in the file `WALL_FILE`, from one reading to the next.

Run in the place of `python -m broker`. The machine's clock is nobody's to change, and the broker's own code is not touched:
what lies is the standard library it asks. Its monotonic clock does not lie, as no setting of a wall clock makes it.
"""

from __future__ import annotations

import os
import runpy
import time
from pathlib import Path

VARIABLE = "WALL_FILE"


def main() -> None:
    file, right = Path(os.environ[VARIABLE]), time.time_ns
    time.time_ns = lambda: right() + int(file.read_text() or 0) * 1_000_000_000
    time.time = lambda: time.time_ns() / 1e9
    runpy.run_module("broker", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
