"""One segment file of the journal: its bytes, and what can be known of them without trusting any.

    header   magic 8 | format u32 | first commit u64 | salt 8 | CRC-32 of the 28 bytes before
    record   length u32 | CRC-32 u32 | commit u64 | body (length bytes)         little endian throughout

The CRC of a record runs over its length, number and body and is seeded with the CRC of the header. So no record is valid
in a file it was not written to, and, as the salt is random, nobody can send a message whose bytes pass for a record when
damage is searched. The header is synced before the first record is written: a bad header with something behind it is
damage, a bad header alone is a file whose creation was cut short. Zeros are the end of the log; a record of zeros is not
valid, whatever the salt, because a record is never empty.

The counterpart that writes these files, and decides what damage means, is `broker.persistence.journal`.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"PARLEYJ\n"
FORMAT = 1
HEADER = struct.Struct("<8sIQ8s")
HEADER_SIZE = HEADER.size + 4
RECORD = struct.Struct("<IIQ")
COVERED = struct.Struct("<IQ")
MARK_BYTES = 65_536
"""Offsets are remembered this far apart: 5 MB of memory for 20 GiB of journal, 1 ms to reach any record."""
NAME = re.compile(r"\d{20}\.log")
NOT_ZERO = re.compile(rb"[^\0]")


class JournalDamaged(Exception):
    """Commits that were acknowledged cannot be read. The text is for the operator and names the way on.

    `commit`: the first that is missing. `path`, `offset`: where it should stand.
    """

    def __init__(self, commit: int, path: Path, offset: int, what: str) -> None:
        super().__init__(
            f"commit {commit} is damaged in {path} at byte {offset}: {what}. Nothing was changed. Run `parley doctor` to "
            "see what can be kept, and to cut the journal there; or put the file back from a copy"
        )
        self.commit = commit
        self.path = path
        self.offset = offset


class JournalRefused(Exception):
    """The journal is sound, and this program cannot read it: a newer one wrote it. The text is for the operator."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: a newer Parley wrote it. Nothing was changed. Start that version, or give this one a data directory "
            "of its own"
        )


class Segment:
    """A segment file that was found good, or was made by us: where it is and how to reach a commit in it."""

    __slots__ = ("first", "numbers", "offsets", "path", "seed", "size")

    def __init__(self, path: Path, first: int, seed: int, size: int) -> None:
        self.path = path
        self.first = first
        self.seed = seed
        self.size = size
        self.numbers = array("Q")
        self.offsets = array("Q")

    def mark(self, number: int, offset: int) -> None:
        """Remember where a record starts, if the last one remembered is far enough behind."""
        if not self.offsets or offset - self.offsets[-1] >= MARK_BYTES:
            # The reader looks at `numbers` first, so what it finds there already has its offset.
            self.offsets.append(offset)
            self.numbers.append(number)

    def nearest(self, number: int) -> int:
        """The offset of a record at or before `number`."""
        at = bisect_right(self.numbers, number) - 1
        return self.offsets[at] if at >= 0 else HEADER_SIZE

    def read(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        """The commits first..last, which must be durable and here. Safe beside the appender: it only ever writes behind
        them. JournalDamaged if the disk gives back something else, OSError if it gives nothing."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            offset = self.nearest(first)
            while first <= last:
                data = os.pread(descriptor, MARK_BYTES, offset)
                if len(data) >= RECORD.size:
                    whole = RECORD.size + RECORD.unpack_from(data)[0]
                    if len(data) < whole <= self.size - offset:
                        data = os.pread(descriptor, whole, offset)
                start = 0
                for behind, number, body in records(data, 0, self.seed):
                    start = behind
                    if number > last:
                        return
                    if number >= first:
                        yield number, body
                        first = number + 1
                if not start:
                    raise JournalDamaged(first, self.path, offset, "it was good when it was written")
                offset += start
        finally:
            os.close(descriptor)


def segment_name(first: int) -> str:
    return f"{first:020}.log"


def list_segments(folder: Path) -> list[Path]:
    """The segment files, oldest first. Anything else in the folder is not ours to touch."""
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def header_of(first: int) -> tuple[bytes, int]:
    """A new header and the seed of its records."""
    covered = HEADER.pack(MAGIC, FORMAT, first, os.urandom(8))
    seed = zlib.crc32(covered)
    return covered + seed.to_bytes(4, "little"), seed


def read_header(data: bytes, path: Path) -> int | None:
    """The seed of the records behind this header, None if it is not one of that file.

    JournalRefused if it is a good header of a format this program does not know.
    """
    if len(data) < HEADER_SIZE:
        return None
    seed = zlib.crc32(data[: HEADER.size])
    magic, version, first, _ = HEADER.unpack_from(data)
    if magic != MAGIC or seed.to_bytes(4, "little") != data[HEADER.size : HEADER_SIZE] or first != int(path.stem):
        return None
    if version != FORMAT:
        raise JournalRefused(f"{path} has format {version}, and this program reads format {FORMAT} only")
    return seed


def seal(number: int, body: bytes, seed: int) -> bytes:
    """The record of a commit, as it is written."""
    length = len(body)
    crc = zlib.crc32(body, zlib.crc32(COVERED.pack(length, number), seed))
    return RECORD.pack(length, crc, number) + body


def records(data: bytes, offset: int, seed: int) -> Iterator[tuple[int, int, bytes]]:
    """(offset behind it, commit, body) of each record from `offset` on, to the first that is not valid."""
    view = memoryview(data)
    end = len(data)
    while offset + RECORD.size <= end:
        length, crc, number = RECORD.unpack_from(data, offset)
        start = offset + RECORD.size
        offset = start + length
        if not length or offset > end:
            return
        body = view[start:offset]
        if zlib.crc32(body, zlib.crc32(COVERED.pack(length, number), seed)) != crc:
            return
        yield offset, number, bytes(body)


def find_record(data: bytes, offset: int, seed: int, expected: int) -> tuple[int, int] | None:
    """(offset, commit) of the first valid record behind a bad one at `offset`, with a number that may follow.

    Every byte is a candidate, so what is looked for is the upper five bytes of the number, which all records that can
    follow in this file share, and only there a CRC is computed. Runs of zeros are skipped: a record is never empty.
    """
    largest = expected + len(data) // RECORD.size
    found: tuple[int, int] | None = None
    for upper in {expected >> 24, largest >> 24}:
        needle = upper.to_bytes(5, "little")
        at = data.find(needle, offset + RECORD.size - 5)
        while at >= 0 and (found is None or at < found[0] + RECORD.size):
            start = at + 5 - RECORD.size
            length, _, number = RECORD.unpack_from(data, start)
            if not length:
                something = NOT_ZERO.search(data, start + 4)
                if something is None:
                    break
                at = data.find(needle, max(at + 1, something.start() - 3 + RECORD.size - 5))
                continue
            if expected <= number <= largest and start + RECORD.size + length <= len(data):
                for _, number, _ in records(data[start : start + RECORD.size + length], 0, seed):
                    found = (start, number)
            at = data.find(needle, at + 1)
    return found


def write_all(descriptor: int, data: bytes, offset: int) -> None:
    """One pwrite, as a rule. The kernel may write less before it says why it cannot write more."""
    written = os.pwrite(descriptor, data, offset)
    while written < len(data):
        more = os.pwrite(descriptor, memoryview(data)[written:], offset + written)
        if not more:
            raise OSError("the disk took no more bytes and gave no reason")
        written += more


def sync_folder(folder: Path) -> None:
    """Make creations and deletions in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_segment(path: Path, first: int, size: int) -> tuple[Segment, int]:
    """A new segment of `size` bytes with a synced header and directory entry, and its descriptor.

    Nothing is written behind the header before this returns: a record must not be on disk before its file's name is.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(descriptor, 0, size)
        header, seed = header_of(first)
        write_all(descriptor, header, 0)
        os.fsync(descriptor)
        sync_folder(path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return Segment(path, first, seed, size), descriptor
