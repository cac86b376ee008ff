"""`parley backup`, `restore` and `audit`: what is kept of the data, and of who changed it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import trio

from adminapi.audit.log import AuditLog, Broken
from adminapi.cli.errands import asked, audit_of, note, say
from adminapi.settings import Place
from adminapi.up import child_command
from protocol.commands import BackedUp, Backup
from protocol.settings import BadSettings

BACKUP_SECONDS = 6 * 3600.0


def backup(given: argparse.Namespace, place: Place) -> int:
    """The broker writes the file, and as its own user."""
    file = Path(given.file).absolute()
    command = Backup(path=str(file), folder=identity(file.parent))
    done = cast(BackedUp, asked(place, command, "backup", seconds=BACKUP_SECONDS))
    besides = [str(path) for path in (place.files, place.operators, place.audit)]
    return say(
        given,
        {"file": str(file), "bytes": done.size, "commit": done.position, "copy_too": besides},
        f"{file}  {done.size} bytes, everything up to commit {done.position}",
        f"uploaded files, operators and the audit log are not in it; copy as well {', '.join(besides)}",
    )


def identity(folder: Path) -> tuple[int, int] | None:
    """By which the broker knows whether it sees the same folder under that name; None where we see none."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def restore(given: argparse.Namespace, place: Place) -> int:
    """The broker's own program does it, for it alone knows its files."""
    file = Path(given.file).absolute()
    command = child_command("broker", given.config, place.data, "--restore", str(file))
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    sentence = (done.stdout or done.stderr).strip()
    if done.returncode:
        if given.json:
            print(json.dumps({"error": "restore", "message": sentence, "exit": done.returncode}), file=sys.stderr)
        else:
            print(sentence, file=sys.stderr)
        return done.returncode
    trio.run(note, audit_of(place), "restore", "", ["Restore"], "done")
    return say(given, {"file": str(file), "data": str(place.data), "message": sentence}, sentence)


def audit_verify(given: argparse.Namespace, place: Place) -> int:
    log = readable(place)
    try:
        count, last = log.verify()
    except Broken as broken:
        say(given, {"sound": False, "message": str(broken)}, f"broken: {broken}")
        return 1
    words = f"sound: {count} lines, the last one's hash is {last or '-'}"
    return say(given, {"sound": True, "lines": count, "last": last}, words)


def audit_tail(given: argparse.Namespace, place: Place) -> int:
    """The lines are JSON already."""
    for line in readable(place).tail(given.lines):
        print(line.decode("utf-8", "replace"))
    return 0


def readable(place: Place) -> AuditLog:
    """BadSettings where there is none to be read: a log looked for in the wrong place must not be called sound."""
    if not place.data.is_dir():
        raise BadSettings(f"there is no data directory {place.data}; name yours with --data, or in --config")
    if place.audit.is_dir() and not os.access(place.audit, os.R_OK | os.X_OK):
        raise BadSettings(f"{place.audit} may not be read by this user; run parley as the user whose data directory it is")
    return AuditLog(place.audit)
