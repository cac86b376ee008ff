"""Cutting a damaged journal: what `parley doctor` does when the operator says so.

Nothing is thrown away and nothing is changed in place. The commits that can be kept are those above the store's position,
in a row, that are valid wherever they stand: damage among commits the store has applied costs nothing. Up to `fill`, which
`parley.db` has already and PostgreSQL has not, empty commits take the place of those that are gone: what is readable there
is kept, and no number is used twice. They are written
to a fresh journal beside the old one; then the folders change places, and the old one stays as `journal.damaged-N`.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from broker.persistence.images import encode
from broker.persistence.journal import unfinished_cut
from broker.persistence.segment import (
    HEADER,
    HEADER_SIZE,
    RECORD,
    Segment,
    create_segment,
    find_record,
    list_segments,
    records,
    seal,
    segment_name,
    sync_folder,
    write_all,
)

EMPTY = encode([])


class Cut(msgspec.Struct, frozen=True):
    """What a cut kept. `newest` is the newest commit the broker will have: `after` if none was kept.

    `lost`: valid commits behind the damage that could not be kept. Those in the damage itself nobody can count.
    """

    kept: int
    newest: int
    lost: int
    damaged: Path
    """The old journal, whole and unchanged."""


def cut(folder: Path, *, after: int, segment_bytes: int, fill: int = 0) -> Cut:
    """Put a journal in the place of the damaged one that holds the commits above `after` (the store's position) up to the
    first that is missing. The broker must not be running. OSError leaves the old journal in its place or beside it."""
    fresh = unfinished_cut(folder)
    count = 1
    while (damaged := folder.with_name(f"{folder.name}.damaged-{count}")).exists():
        count += 1
    if not folder.exists() and fresh.exists():
        # An earlier cut ended between its two renames: what it gathered is complete.
        fresh.rename(folder)
        sync_folder(folder.parent)
        numbers = [number for path in list_segments(folder) for number, _ in salvage(path)]
        return Cut(len(numbers), max(numbers, default=after), 0, folder.with_name(f"{folder.name}.damaged-{count - 1}"))
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir()
    kept = lost = 0
    last = after
    with Copy(fresh, segment_bytes) as copy:
        for path in list_segments(folder):
            for number, body in salvage(path):
                while last < min(number - 1, fill):
                    last += 1
                    copy.append(last, EMPTY)
                if number == last + 1:
                    copy.append(number, body)
                    last += 1
                    kept += 1
                elif number > last:
                    lost += 1
        while last < fill:
            last += 1
            copy.append(last, EMPTY)
    sync_folder(fresh)
    folder.rename(damaged)
    fresh.rename(folder)
    sync_folder(folder.parent)
    return Cut(kept, last, lost, damaged)


def salvage(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every valid record of a segment, whatever stands between them.

    The header is not needed: the seed is its CRC, so if one of the two was hit the other still tells it.
    """
    data = path.read_bytes()
    if len(data) < HEADER_SIZE:
        return
    first = int(path.stem)
    computed = zlib.crc32(data[: HEADER.size])
    stored = int.from_bytes(data[HEADER.size : HEADER_SIZE], "little")
    seed = computed
    if computed != stored and find_record(data, HEADER_SIZE, computed, first) is None:
        seed = stored
    expected = first
    offset = HEADER_SIZE
    while True:
        for behind, number, body in records(data, offset, seed):
            yield number, body
            offset, expected = behind, number + 1
        found = find_record(data, offset, seed, expected)
        if found is None:
            return
        offset, expected = found


class Copy:
    """Writes commits to new segments and syncs them when left."""

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._descriptor = -1
        self._segment: Segment | None = None
        self._offset = 0

    def __enter__(self) -> Copy:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def append(self, number: int, body: bytes) -> None:
        whole = RECORD.size + len(body)
        if self._segment is None or self._offset + whole > self._segment.size:
            self.__exit__()
            size = max(self._segment_bytes, HEADER_SIZE + whole)
            self._segment, self._descriptor = create_segment(self._folder / segment_name(number), number, size)
            self._offset = HEADER_SIZE
        write_all(self._descriptor, seal(number, body, self._segment.seed), self._offset)
        self._offset += whole
