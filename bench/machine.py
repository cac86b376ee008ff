"""The machine: which core does what, what a process has used of it, and what it is called.

The law: CPU is read from the scheduler's own clock of the whole process (clock_getcpuclockid(3)), which counts every
thread, those that have ended too. /proc/PID/task/*/schedstat, which it agrees with, forgets ended ones, and worker
threads end after ten idle seconds.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS = os.sysconf("SC_CLK_TCK")


@cache
def cores() -> tuple[int, int]:
    """(the servers' core, the generator's), as this process was started. The same one where there is no second: the
    report says so."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run on this core; a process started within stays there, with all its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes have used so far. ProcessLookupError if one is gone."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel
        except OSError:
            raise ProcessLookupError(f"process {pid} has ended") from None
    return total


def busy_seconds(*numbers: int) -> float:
    """What everybody has used of these cores since the start, in whole ticks (10 ms)."""
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in {f"cpu{number}" for number in numbers}:
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
            total += user + nice + system + irq + softirq + steal
    return total / TICKS


def resident_kib(pids: Iterable[int]) -> float:
    """Resident memory. Sockets' own memory is the kernel's, and in no figure of a process."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * PAGE_KIB


def raise_descriptor_limit() -> int:
    """As many descriptors as the hard limit gives, for us and for the servers we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def machine() -> str:
    """One line for the head of the report."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    name = names[0] if names else platform.machine()
    return (
        f"{os.cpu_count()} x {name}, {memory / 1_048_576:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def commit() -> str:
    """The commit that is measured, "+ changes" where the tree is not it."""
    try:
        words = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty= + changes", "--abbrev=10", "--exclude=*"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "not a git tree"
    return words.stdout.strip()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
