"""Parts of a file, as players of sound and video ask for them (RFC 9110 14).

The law: of several ranges none is served, and of one at most RANGE_BYTES, so that an answer is small whatever is asked.
"""

from __future__ import annotations

import re
from pathlib import Path

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
RANGE_BYTES = 1_048_576
"""Answered to one Range; a player asks again for what follows."""


def wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """[start, end) of the one range asked for (RFC 9110 14.1.2), at most RANGE_BYTES of it; None: the whole file."""
    found = RANGE.fullmatch(header.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
        if found[2] and int(found[2]) < start:
            return None
    return start, min(end, start + RANGE_BYTES)


def read_part(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)
