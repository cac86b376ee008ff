"""Journals as the tests write them, read them back and damage them."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.persistence.journal import Journal
from broker.persistence.segment import HEADER_SIZE, RECORD

SEGMENT = 4096
Commits = list[tuple[int, bytes]]


@contextmanager
def started(folder: Path, after: int = 0, segment_bytes: int = SEGMENT) -> Iterator[tuple[Journal, Commits]]:
    journal = Journal(folder, segment_bytes=segment_bytes)
    try:
        commits = list(journal.recover(after))
        journal.start(max([after, *(number for number, _ in commits)]) + 1)
        yield journal, commits
    finally:
        journal.stop()


def recovered(folder: Path, after: int = 0) -> Commits:
    journal = Journal(folder, segment_bytes=SEGMENT)
    try:
        return list(journal.recover(after))
    finally:
        journal.stop()


def commit(journal: Journal, *bodies: bytes) -> None:
    """Append and wait for each; OSError as the journal failed."""
    for body in bodies:
        number = journal.durable + 1
        journal.append(number, body)
        while journal.durable < number and journal.failed is None:
            assert select.select([journal], [], [], 10)[0], "the journal did not answer"
            journal.drain()
        if journal.failed is not None:
            raise journal.failed


def write(folder: Path, bodies: list[bytes], segment_bytes: int = SEGMENT) -> Commits:
    with started(folder, segment_bytes=segment_bytes) as (journal, _):
        commit(journal, *bodies)
    return list(enumerate(bodies, 1))


def ends(path: Path) -> list[int]:
    """Where the records of a sound segment end."""
    data = path.read_bytes()
    offset = HEADER_SIZE
    found = []
    while length := RECORD.unpack_from(data, offset)[0]:
        offset += RECORD.size + length
        found.append(offset)
    return found


def flip(path: Path, offset: int, bit: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))
