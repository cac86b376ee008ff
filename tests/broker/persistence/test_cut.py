"""Cutting a damaged journal, as `parley doctor` does (reliability F4)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from broker.persistence.cut import cut
from broker.persistence.images import encode
from broker.persistence.journal import JournalDamaged
from broker.persistence.segment import HEADER_SIZE, RECORD
from tests.broker.persistence.journals import SEGMENT, ends, flip, recovered, write


def test_a_cut_keeps_what_stands_before_the_damage_and_the_old_files(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    commits = write(folder, [bytes([65 + n]) * 1500 for n in range(7)])
    flip(folder / f"{3:020}.log", HEADER_SIZE + RECORD.size + 7)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = cut(folder, after=0, segment_bytes=SEGMENT)
    assert (done.kept, done.newest, done.lost) == (2, 2, 4)
    assert recovered(folder) == commits[:2]
    assert {path.name: path.read_bytes() for path in done.damaged.iterdir()} == before


@pytest.mark.parametrize("offset", [3, 20, 29, HEADER_SIZE + 2, HEADER_SIZE + 40])
def test_a_cut_loses_nothing_if_the_store_has_what_is_damaged(tmp_path: Path, offset: int) -> None:
    folder = tmp_path / "journal"
    commits = write(folder, [b"%d" % n * 30 for n in range(1, 20)])
    flip(folder / f"{1:020}.log", offset)
    done = cut(folder, after=5, segment_bytes=SEGMENT)
    assert (done.kept, done.newest, done.lost) == (14, 19, 0)
    assert recovered(folder, after=5) == commits[5:]


def test_an_interrupted_cut_is_not_taken_for_an_empty_journal(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    commits = write(folder, [b"a", b"b"])
    shutil.copytree(folder, tmp_path / "journal.cut")
    folder.rename(tmp_path / "journal.damaged-1")
    with pytest.raises(JournalDamaged, match="interrupted"):
        recovered(folder)
    assert cut(folder, after=0, segment_bytes=SEGMENT).newest == 2
    assert recovered(folder) == commits


def test_up_to_what_one_target_has_the_readable_is_kept_and_gaps_are_filled(tmp_path: Path) -> None:
    """PostgreSQL is behind at 1, parley.db is at 6: what is damaged between costs nothing but itself."""
    folder = tmp_path / "journal"
    commits = write(folder, [b"%d" % n * 30 for n in range(1, 9)])
    [path] = folder.iterdir()
    flip(path, ends(path)[2] - 1)
    flip(path, ends(path)[6] - 1)
    done = cut(folder, after=1, fill=6, segment_bytes=SEGMENT)
    assert (done.kept, done.newest, done.lost) == (4, 6, 1)
    assert recovered(folder, after=1) == [commits[1], (3, encode([])), *commits[3:6]]


def test_a_journal_that_is_gone_is_filled_up_to_what_one_target_has(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    assert cut(folder, after=1, fill=3, segment_bytes=SEGMENT).newest == 3
    assert recovered(folder, after=1) == [(2, encode([])), (3, encode([]))]
