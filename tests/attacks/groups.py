"""Control groups of the kernel, as an operator's `MemoryMax` is one: made by root where he can, else skipped."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")


@contextmanager
def memory_group(most: int) -> Iterator[Path]:
    """A group whose processes may use so many bytes together; skips with the reason where none can be made. Everything in
    it is killed at the end."""
    second = (ROOT / "cgroup.controllers").exists()
    group = (ROOT if second else ROOT / "memory") / f"parley-{uuid.uuid4().hex}"
    try:
        if second:
            (ROOT / "cgroup.subtree_control").write_text("+memory")
        group.mkdir()
        narrow(group, most)
        swap = group / ("memory.swap.max" if second else "memory.swappiness")
        if swap.exists():
            swap.write_text("0")
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(
            f"no control group can be made here ({error.strerror}, {error.filename}): needs root and a memory controller"
        )
    try:
        yield group
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            os.kill(int(pid), 9)
        remove(group)


def remove(group: Path) -> None:
    """Once the last of its processes is gone."""
    ends = time.monotonic() + 10
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)
        else:
            return


def narrow(group: Path, most: int) -> None:
    """From now on its processes may use no more than this."""
    version(group, "memory.max", "memory.limit_in_bytes").write_text(str(most))


def used(group: Path) -> int:
    """What they use now."""
    return int(version(group, "memory.current", "memory.usage_in_bytes").read_text())


def version(group: Path, second: str, first: str) -> Path:
    """The file of the kernel's second or first kind of groups."""
    return group / second if (group / second).exists() else group / first


def kills(group: Path) -> int:
    """How often the kernel had to kill in it."""
    for name in ("memory.events", "memory.oom_control"):
        path = group / name
        if path.exists():
            for line in path.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0
