"""`parley doctor`: is this installation sound, in a handful of lines an operator can act on.

The law: it only looks. Each check is one line, `ok` or `FAULT` and a sentence; the exit code is 1 if any is a fault. The
journal is checked by the broker itself (`python -m broker --check`), the only program that knows its format.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import cast

import trio

from adminapi.control import connected
from adminapi.settings import Place
from adminapi.up import child_command
from protocol.commands import ListQuarantine, Quarantine
from protocol.errors import Refused
from protocol.wires.control import PROGRAM, WORDS

CHECK_SECONDS = 300.0
"""A full journal of 20 GiB is read in that time."""
PACKAGES = ("trio", "hypercorn", "quart", "quart-trio", "websockets", "msgspec", "cbor2", "orjson", "apsw")


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    sound: bool
    text: str


def doctor(config: str | None, place: Place) -> int:
    """Print the findings; 0 if all is sound."""
    findings = [settings(config, place), versions(config, place), data(config, place), control(config, place)]
    if findings[-1].sound:
        findings += quarantine(place)
        findings.append(Finding(True, "journal: in use by the running broker; stop it to have it checked"))
    else:
        findings += journal(config, place)
    for finding in findings:
        print(f"{'ok   ' if finding.sound else 'FAULT'}  {finding.text}")
    return 0 if all(finding.sound for finding in findings) else 1


def settings(config: str | None, place: Place) -> Finding:
    # They were read before we came here; what is wrong in them ended the program with its sentence.
    return Finding(True, f"settings: {config or 'defaults and environment'}")


def versions(config: str | None, place: Place) -> Finding:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            return Finding(False, f"versions: {package} is not installed; install the package again")
    python = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(sys.version_info >= (3, 11), f"versions: parley {PROGRAM}, Python {python}, {', '.join(found)}")


def data(config: str | None, place: Place) -> Finding:
    if not place.data.is_dir():
        return Finding(False, f"data directory: {place.data} is not there; the first start makes it")
    if not os.access(place.data, os.R_OK | os.W_OK | os.X_OK):
        return Finding(False, f"data directory: {place.data} is not readable and writable for this user")
    free = shutil.disk_usage(place.data).free
    text = f"data directory: {place.data}, {free // 1_048_576} MiB free"
    return Finding(free >= place.admin.free_bytes, text)


def control(config: str | None, place: Place) -> Finding:
    async def look() -> Finding:
        try:
            async with connected(place.control, 3.0) as channel:
                count = len(channel.apps or {})
                broker = f"broker {channel.program}, words {WORDS}, epoch {channel.epoch}, {count} apps"
                return Finding(True, f"control socket: {place.control}, {broker}")
        except Refused as refused:
            return Finding(False, f"control socket: {refused.detail}")

    return trio.run(look)


def quarantine(place: Place) -> list[Finding]:
    """The rows a store refused, as the running broker tells them: each a fault, and what it holds is served all the same."""

    async def look() -> Quarantine:
        async with connected(place.control, 3.0) as channel:
            return cast(Quarantine, await channel.call(ListQuarantine()))

    try:
        found = trio.run(look)
    except Refused as refused:
        return [Finding(False, f"quarantine: {refused.detail}")]
    findings = [Finding(False, row.line(time.time_ns() // 1_000_000)) for row in found.rows]
    return [*findings, Finding(found.total == 0, f"quarantine: {found.total} rows")]


def journal(config: str | None, place: Place) -> list[Finding]:
    """What `--check` says: a line for each row in quarantine, and a last one for the journal."""
    command = child_command("broker", config, place.data, "--check")
    try:
        done = subprocess.run(command, capture_output=True, timeout=CHECK_SECONDS, check=False, text=True)
    except subprocess.TimeoutExpired:
        return [Finding(False, f"journal: the check took longer than {CHECK_SECONDS:.0f} s")]
    said = (done.stdout + done.stderr).strip().splitlines()
    last = said[-1] if said else f"exit code {done.returncode}"
    rows = [Finding(False, line) for line in said[:-1] if line.startswith("quarantine: ")]
    return [*rows, Finding(done.returncode == 0, last if last.startswith("journal: ") else f"journal: {last}")]
