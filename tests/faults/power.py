"""What a disk still holds when the power is cut at some moment: worked out from the system calls up to then.

The law is the least that POSIX and a disk promise, not what a file system happens to do. Bytes are certain once a sync of
their file that began behind their write has returned; a name, made or removed, once a sync of its folder has. Of all that
is not certain a cut keeps any part: each write in whole, in some of its sectors or not at all, whatever came after it; and
of the changes of a folder, in order, the first few. kill -9 proves nothing of this kind, as the page cache outlives it.

The calls come from `tests.faults.tracing`. Folders are taken as made; files mapped into memory are left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.tracing import Call

CALLS = "openat,pwrite64,ftruncate,fallocate,fsync,fdatasync,unlink,rename"
OPENED = re.compile(r', "(?P<path>[^"]*)", (?P<flags>[\w|]+)')
WRITTEN = re.compile(r', "(?P<text>(?:[^"\\]|\\.)*)", \d+, (?P<offset>\d+)')
NAMED = re.compile(r'^"(?P<path>[^"]*)"(?:, "(?P<other>[^"]*)")?')
NUMBERS = re.compile(r", (\d+)")
SECTOR = 512


@dataclass
class Write:
    """`data` None: the file's length is `offset` from now on."""

    offset: int
    data: bytes | None

    def onto(self, content: bytearray) -> None:
        if self.data is None:
            del content[self.offset :]
        end = self.offset + len(self.data or b"")
        content.extend(bytes(max(0, end - len(content))))
        content[self.offset : end] = self.data or b""

    def part(self, random: Random) -> Iterator[Write]:
        """Some of its sectors."""
        if self.data is None:
            yield self
            return
        for start in range(0, len(self.data), SECTOR):
            if random.random() < 0.5:
                yield Write(self.offset + start, self.data[start : start + SECTOR])


@dataclass
class File:
    certain: bytearray = field(default_factory=bytearray)
    uncertain: list[Write] = field(default_factory=list)

    def synced(self, count: int) -> None:
        """The first `count` of the uncertain ones are certain now."""
        for write in self.uncertain[:count]:
            write.onto(self.certain)
        del self.uncertain[:count]

    def after_cut(self, random: Random, keep: float) -> bytes:
        content = bytearray(self.certain)
        for write in self.uncertain:
            if random.random() < keep:
                for part in [write] if random.random() < 0.5 else write.part(random):
                    part.onto(content)
        return bytes(content)


class Disk:
    """The files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: dict[str, File] = {}
        """As the program sees them."""
        self._certain: dict[str, File] = {}
        self._changes: dict[str, list[tuple[str, File | None]]] = {}
        """Of each folder: names made or removed (None) since its last sync."""

    def run(self, calls: Sequence[Call]) -> Iterator[int]:
        """Let them happen, one after another. Yields the line of the log behind each that changed the disk."""
        events = [(call.began, True, call) for call in calls] + [(call.ended, False, call) for call in calls if call.ended]
        counts: dict[int, int] = {}
        for line, beginning, call in sorted(events, key=lambda event: (event[0], not event[1])):
            if call.value is None or call.value < 0:
                continue
            if call.name in ("fsync", "fdatasync"):
                uncertain = self._uncertain(call.path)
                if beginning:
                    counts[call.began] = len(uncertain)
                    continue
                self._sync(call.path, counts[call.began])
            elif not beginning:
                self._apply(call)
            else:
                continue
            if str(self.root) in call.path + call.data[:400]:
                yield line

    def cut(self, random: Random, keep: float) -> dict[str, bytes]:
        """By path, what is found after a power cut now that keeps about that part of what is not certain."""
        names = dict(self._certain)
        for changes in self._changes.values():
            for path, file in changes[: round(len(changes) * random.uniform(0, 2 * keep))]:
                set_name(names, path, file)
        return {path: file.after_cut(random, keep) for path, file in names.items()}

    def _uncertain(self, path: str) -> Sequence[object]:
        file = self._names.get(path)
        return self._changes.get(path, ()) if file is None else file.uncertain

    def _sync(self, path: str, count: int) -> None:
        file = self._names.get(path)
        if file is not None:
            file.synced(count)
            return
        changes = self._changes.get(path, [])
        for name, changed in changes[:count]:
            set_name(self._certain, name, changed)
        del changes[:count]

    def _apply(self, call: Call) -> None:
        if call.name in ("unlink", "rename"):
            named = NAMED.match(call.data)
            assert named is not None, call
            moved = self._name(named["path"], None)
            if named["other"] is not None:
                self._name(named["other"], moved)
            return
        if call.name == "openat":
            opened = OPENED.search(call.data)
            if opened is not None and "O_CREAT" in opened["flags"] and opened["path"] not in self._names:
                self._name(opened["path"], File())
            return
        file = self._names.get(call.path)
        if file is None:
            return
        if call.name == "pwrite64":
            written = WRITTEN.match(call.data)
            assert written is not None, call.data[:200]
            data = ast.literal_eval(f'b"{written["text"]}"')[: call.value]
            file.uncertain.append(Write(int(written["offset"]), data))
        elif call.name == "ftruncate":
            file.uncertain.append(Write(int(NUMBERS.findall(call.data)[0]), None))
        else:  # fallocate: offset and length, zeros where nothing was
            offset, length = map(int, NUMBERS.findall(call.data)[-2:])
            file.uncertain.append(Write(offset + length, b""))

    def _name(self, path: str, file: File | None) -> File | None:
        """The file that had the name."""
        if not path.startswith(str(self.root)) or path.endswith(("-shm", "/lock", ".sock")):
            return None
        before = self._names.get(path)
        set_name(self._names, path, file)
        self._changes.setdefault(str(Path(path).parent), []).append((path, file))
        return before


def set_name(names: dict[str, File], path: str, file: File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file
