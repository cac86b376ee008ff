"""The files of the audit log: JSON lines in `audit/` of the data directory, written by adminapi and by the command line.

The law: a line is written once and never changed, and holds its number and, as `previous`, the SHA-256 of the line before it
(without its newline), across files too; so whoever changes, removes or inserts a line breaks the chain at a place `verify`
names. (Whoever cuts off the newest lines does not: keep the last hash that `parley audit verify` prints elsewhere.) Several
programs append, one at a time, under a lock. A line that a crash broke off was no line yet, and is cut away. Files are begun
anew by size and age, and go whole, the oldest first, `audit_days` after their last line; a chain may begin anywhere.

| field | |
|---|---|
| `n`, `time` | the line's number, and UTC |
| `app`, `user` | of whom; `user` where it was a user's own token |
| `operator` | whose session it was, where an operator had signed in |
| `proof`, `from` | what kind of key or token it was, and the address, or the uid on this host |
| `dialect`, `method`, `path` | of the request; `cli` and the command for the command line. Never the query or the body |
| `commands` | what was asked of the broker, each name once |
| `outcome` | the HTTP status, or the reason of the refusal, or `gone`: the caller left before there was one |
"""

from __future__ import annotations

import calendar
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE_BYTES = 16 * 1_048_576
FILE_DAYS = 30
"""A file takes lines for so long, so that old ones can go in time where few are written."""
FREE_BYTES = 4 * 1_048_576
"""With less of the disk free no line is begun: what is under way still finds room."""
LAST_BYTES = 65_536
"""More than a line has."""
DAY_SECONDS = 86_400
BEGINNING = "0" * 64
"""`previous` of the very first line."""


class Broken(Exception):
    """The chain does not hold; the text says where."""


class AuditLog:
    """The folder. Every method may block, and raises OSError where the disk refuses."""

    def __init__(self, folder: Path, *, days: int = 0) -> None:
        self.folder = folder
        self.days = days
        """A file is kept so long after its last line; 0: for ever."""
        self._known: tuple[Path, int, int, str] | None = None
        """The newest file, its size, and number and hash of its last line, as this program left it."""

    def check(self) -> None:
        """OSError unless a line could be written now."""
        with self._locked():
            room = os.statvfs(self.folder)
            if room.f_bavail * room.f_frsize < FREE_BYTES:
                raise OSError(f"the disk of {self.folder} has less than {FREE_BYTES // 1_048_576} MiB free")

    def append(self, records: Sequence[Mapping[str, Any]], *, sync: bool = False, wait: bool = True) -> None:
        """All of them, or none. Without `wait` BlockingIOError, if another program writes just now."""
        with self._locked(wait):
            path, size, number, last = self._end()
            if path is None or size >= FILE_BYTES or age_days(path) >= FILE_DAYS:
                self._expire()
                path, size = self.folder / f"{number + 1:012}-{time.strftime('%Y%m%d', time.gmtime())}.jsonl", 0
            data = b""
            for record in records:
                number += 1
                line = json.dumps({"n": number, **record, "previous": last}, separators=(",", ":")).encode()
                last = digest(line)
                data += line + b"\n"
            self._write(path, size, data, sync)
            self._known = (path, size + len(data), number, last)

    def sync(self) -> None:
        """What was appended is on the disk."""
        if self._known is not None and self._known[0].exists():
            with open(self._known[0], "rb") as file:
                os.fsync(file.fileno())

    def files(self) -> list[Path]:
        """The oldest first."""
        return [self.folder / name for name in self._names()]

    def _names(self) -> list[str]:
        """Of the files, the oldest first."""
        try:
            return sorted([name for name in os.listdir(self.folder) if name.endswith(".jsonl")])
        except FileNotFoundError:
            return []

    def verify(self) -> tuple[int, str]:
        """How many lines there are, all in order, and the hash of the last. Broken names the first that is not."""
        count, number, last = 0, None, ""
        for path in self.files():
            if number is not None and first_of(path) != number + 1:
                raise Broken(f"{path}: lines {number + 1} to {first_of(path) - 1} are missing before this file")
            for at, line in enumerate(lines_of(path), 1):
                where = f"{path} line {at}"
                try:
                    found = json.loads(line)
                    n, previous = int(found["n"]), str(found["previous"])
                except (ValueError, KeyError, TypeError):
                    raise Broken(f"{where}: it is no line of an audit log") from None
                if n != (first_of(path) if at == 1 else (number or 0) + 1):
                    raise Broken(f"{where}: it has the number {n}, so lines are missing or were added")
                if number is not None and previous != last:
                    raise Broken(f"{where}: it does not follow from the line before, so one of the two was changed")
                count, number, last = count + 1, n, digest(line)
        return count, last

    def tail(self, most: int) -> list[bytes]:
        """The newest lines, the oldest of them first."""
        found: list[bytes] = []
        for path in reversed(self.files()):
            if len(found) >= most:
                break
            found = [*list(lines_of(path))[-(most - len(found)) :], *found]
        return found

    @contextmanager
    def _locked(self, wait: bool = True) -> Iterator[None]:
        path = self.folder / "lock"
        try:
            lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._make(self.folder)
            lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._give(path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(lock)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._give(folder)

    def _give(self, path: Path) -> None:
        """What root makes here belongs to whom the data belongs, or the other program could not go on with it."""
        if os.geteuid() == 0:
            owner = self.folder.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    def _end(self) -> tuple[Path | None, int, int, str]:
        """The newest file and its size, None if there is none; number and hash of the last line of all."""
        while names := self._names():
            path = self.folder / names[-1]
            size = path.stat().st_size
            if self._known is not None and self._known[:2] == (path, size):
                return self._known
            with open(path, "rb+") as file:
                file.seek(max(0, size - LAST_BYTES))
                lines = file.read().split(b"\n")
                torn = len(lines.pop())
                if torn:
                    file.truncate(size - torn)
            if lines:
                return path, size - torn, number_of(lines[-1], path), digest(lines[-1])
            path.unlink()
        return None, 0, 0, BEGINNING

    def _write(self, path: Path, size: int, data: bytes, sync: bool) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if not size:
                self._give(path)
            try:
                left = data
                while left:
                    left = left[os.write(descriptor, left) :]
                if sync:
                    os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)

    def _expire(self) -> None:
        """Of all but the newest."""
        for path in self.files()[:-1] if self.days else ():
            if path.stat().st_mtime >= time.time() - self.days * DAY_SECONDS:
                break
            path.unlink()


def digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def first_of(path: Path) -> int:
    """The number of the first line, which the name tells."""
    text = path.name.partition("-")[0]
    if not text.isdecimal():
        raise Broken(f"{path}: no file of an audit log has such a name; move it away")
    return int(text)


def age_days(path: Path) -> float:
    """Since the file was begun."""
    began = began_at(path.stem.partition("-")[2])
    return 0.0 if began is None else (time.time() - began) / DAY_SECONDS


@lru_cache(maxsize=64)
def began_at(day: str) -> int | None:
    """In seconds, of the day in a file's name; asked for every line, and slow to read."""
    try:
        return calendar.timegm(time.strptime(day, "%Y%m%d"))
    except ValueError:
        return None


def number_of(line: bytes, path: Path) -> int:
    try:
        return int(json.loads(line)["n"])
    except (ValueError, KeyError, TypeError):  # it was tampered with, which `verify` tells; counting goes on
        return first_of(path) + path.read_bytes().count(b"\n") - 1


def lines_of(path: Path) -> Iterator[bytes]:
    """Whole lines."""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]
