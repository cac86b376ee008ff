"""strace around a broker: system calls that fail or take long as a test wants it, and the list of those that were made.

The broker stays our own child (`-D`), so signals and exit codes are its own. Injection counts the calls of each thread
for itself; all writing of the journal is done by one.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger, Outcome

WRITES = "pwrite64,fdatasync,fsync,fallocate,ftruncate"
SENDS = "sendto,sendmsg,write"
STRINGS = 1 << 20
"""Bytes of a call's data that are kept: all."""
LINE = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
CALL = re.compile(r"(?P<name>\w+)\((?:(?P<fd>\d+)<(?P<path>[^>]*)>)?(?P<data>.*)")
RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")
TEXT = re.compile(r"sender\d+ \d+")
"""Of an ask, without what fills it up."""
ID = re.compile(r"[0-9a-f]{32}")
"""Of a message, as the native wire writes it."""
RESULT = re.compile(r"\) += (?P<value>-?\d+)")


@functools.cache
def why_not() -> str:
    """Why nothing can be traced here; empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    tried = [*strace(Path(os.devnull), calls="fsync"), "-c", ""]
    done = subprocess.run(tried, capture_output=True, text=True)
    return f"strace may not trace here: {done.stderr.strip()}" if done.returncode or done.stderr else ""


def strace(log: Path, *inject: str, calls: str = WRITES, only: Sequence[Path] = ()) -> list[str]:
    """The command of a traced interpreter, for `tests.journeys.programs`. `inject`: as in strace(1). `only`: calls on these
    files, of all that are made."""
    options = f"-D -f --seccomp-bpf -qq -y -s {STRINGS}".split()
    command = ["strace", *options, "-o", str(log), "-e", f"trace={calls}"]
    for fault in inject:
        command += ["-e", f"inject={fault}"]
    for path in only:
        command += ["-P", str(path)]
    return [*command, sys.executable, "-u"]


needed = pytest.mark.skipif(bool(why_not()), reason=why_not())


@dataclass
class Call:
    """One system call. `began` and `ended` are lines of the log: what ended in a line before another began came first."""

    began: int
    name: str
    fd: int
    path: str
    data: str
    ended: int = 0
    value: int | None = None
    """What it returned; None if the process ended in it."""
    injected: bool = False


def calls_of(log: Path) -> list[Call]:
    """In the order they began."""
    calls: list[Call] = []
    under_way: dict[tuple[str, str], Call] = {}
    for at, line in enumerate(log.read_text(errors="replace").splitlines()):
        found = LINE.fullmatch(line)
        if found is None:
            continue
        thread, rest = found["thread"], found["rest"]
        resumed = RESUMED.match(rest)
        if resumed is not None:
            call = under_way.pop((thread, resumed["name"]))
        else:
            made = CALL.match(rest)
            if made is None:
                continue
            call = Call(at, made["name"], int(made["fd"] or -1), made["path"] or "", made["data"])
            calls.append(call)
        if rest.endswith("<unfinished ...>"):
            under_way[thread, call.name] = call
            continue
        result = list(RESULT.finditer(rest))
        call.ended = at
        call.value = int(result[-1]["value"]) if result else None
        call.injected = "(INJECTED)" in rest or "(DELAYED)" in rest
    return calls


def first_with(pattern: re.Pattern[str], calls: Sequence[Call]) -> dict[str, Call]:
    """By what the pattern finds: the first call whose data hold it."""
    found: dict[str, Call] = {}
    for call in calls:
        for each in pattern.findall(call.data):
            found.setdefault(each, call)
    return found


def sends_of(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if call.name in SENDS.split(",") and call.path.startswith(("TCP", "socket"))]


def synced_before_told(calls: Sequence[Call], ledger: Ledger, journal: Path) -> int:
    """Fails unless each acknowledged message was written to the journal, and that file synced, before the first byte left
    that says so: its acknowledgement, or a push of it. How many were looked at."""
    writes = [call for call in calls if call.name == "pwrite64" and call.path.startswith(str(journal))]
    syncs = [call for call in calls if call.name in ("fdatasync", "fsync") and call.value == 0]
    sends = sends_of(calls)
    written, shown = first_with(TEXT, writes), first_with(ID, sends)
    count = 0
    for ask in ledger.of(Outcome.OK):
        assert ask.told is not None
        write = written.get(ask.text.rstrip("."))
        told = shown.get(ask.told.msg_id)
        if told is None:
            continue  # before the log began
        assert write is not None, f"{ask} was told in line {told.began} and never written"
        sync = next((call for call in syncs if call.path == write.path and call.began > write.ended), None)
        assert sync is not None, f"{ask} was told in line {told.began}, written in line {write.began} and never synced"
        assert sync.ended < told.began, f"{ask} was told in line {told.began}, synced only in line {sync.ended}"
        count += 1
    return count
