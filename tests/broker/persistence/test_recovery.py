"""What a start makes of the journal it finds: whole, torn, damaged or of another format (DESIGN 2.3, reliability F4)."""

from __future__ import annotations

import logging
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.persistence.journal import JournalDamaged
from broker.persistence.segment import HEADER_SIZE, RECORD, JournalRefused
from tests.broker.persistence.journals import SEGMENT, commit, ends, flip, recovered, started, write

pytestmark = pytest.mark.F4
bodies = st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=8)
in_little_time = settings(deadline=None, max_examples=40)


@in_little_time
@given(st.lists(st.binary(min_size=1, max_size=6000), max_size=20), st.integers(0, 25))
def test_what_was_appended_is_recovered_across_segments(written: list[bytes], after: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        commits = write(Path(name), written)
        assert recovered(Path(name), after) == commits[after:]


@in_little_time
@given(bodies, st.data())
def test_any_truncation_of_the_last_record_cuts_it_and_nothing_else(written: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commits = write(folder, written)
        [path] = folder.iterdir()
        *earlier, end = [HEADER_SIZE, *ends(path)]
        keep = data.draw(st.integers(earlier[-1], end - 1))
        zeroed = data.draw(st.booleans())
        content = path.read_bytes()
        torn = content[:keep] + (bytes(len(content) - keep) if zeroed else b"")
        path.write_bytes(torn)
        whole = len(torn.rstrip(b"\0")) >= len(content.rstrip(b"\0"))  # only zeros of the body were lost
        with started(folder) as (journal, found):
            assert found == (commits if whole and zeroed else commits[:-1])
            commit(journal, b"next")
            found = [*found, (journal.durable, b"next")]
        assert recovered(folder) == found


@in_little_time
@given(bodies.filter(lambda written: len(written) > 1), st.data())
def test_any_flipped_bit_before_the_last_record_is_found(written: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, written)
        [path] = folder.iterdir()
        offset = data.draw(st.integers(0, ends(path)[-2] - 1))
        flip(path, offset, data.draw(st.integers(0, 7)))
        before = path.read_bytes()
        with pytest.raises(JournalDamaged) as caught:
            recovered(folder)
        number = max(1, 1 + sum(end <= offset for end in ends_of(written)))
        assert caught.value.commit == number
        assert f"commit {number} " in str(caught.value)
        assert str(path) in str(caught.value)
        assert "parley doctor" in str(caught.value)
        assert path.read_bytes() == before


def ends_of(written: list[bytes]) -> list[int]:
    found = [HEADER_SIZE]
    for body in written:
        found.append(found[-1] + RECORD.size + len(body))
    return found[1:]


def many_segments(folder: Path) -> list[Path]:
    write(folder, [bytes([65 + n]) * 1500 for n in range(7)])
    paths = sorted(folder.iterdir())
    assert [int(path.stem) for path in paths] == [1, 3, 5, 7]
    return paths


@pytest.mark.parametrize(
    "damage", [lambda path: flip(path, ends(path)[-1] - 1), Path.unlink, lambda path: os.truncate(path, 2000)]
)
def test_a_bad_end_of_a_segment_is_damage_if_another_follows(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    paths = many_segments(tmp_path)
    damage(paths[1])
    with pytest.raises(JournalDamaged):
        recovered(tmp_path)


def test_a_zeroed_region_with_records_behind_it_is_damage(tmp_path: Path) -> None:
    write(tmp_path, [b"x" * 100] * 20)
    [path] = tmp_path.iterdir()
    with path.open("r+b") as file:
        file.seek(ends(path)[4])
        file.write(bytes(1000))
    with pytest.raises(JournalDamaged) as caught:
        recovered(tmp_path)
    assert caught.value.commit == 6


def test_a_commit_cut_out_of_the_middle_is_damage(tmp_path: Path) -> None:
    write(tmp_path, [b"a", b"b", b"c"])
    [path] = tmp_path.iterdir()
    first, second, _ = ends(path)
    data = path.read_bytes()
    path.write_bytes(data[:first] + data[second:])
    with pytest.raises(JournalDamaged) as caught:
        recovered(tmp_path)
    assert caught.value.commit == 2


def test_a_journal_that_starts_after_the_next_commit_is_damage(tmp_path: Path) -> None:
    paths = many_segments(tmp_path)
    paths[0].unlink()
    assert [number for number, _ in recovered(tmp_path, after=2)] == [3, 4, 5, 6, 7]
    with pytest.raises(JournalDamaged) as caught:
        recovered(tmp_path, after=1)
    assert caught.value.commit == 2


def test_an_empty_journal_goes_on_behind_the_store(tmp_path: Path) -> None:
    with started(tmp_path, after=41) as (journal, found):
        assert found == []
        commit(journal, b"a")
    assert recovered(tmp_path, after=41) == [(42, b"a")]


def test_a_journal_older_than_the_store_is_replaced(tmp_path: Path) -> None:
    many_segments(tmp_path)
    with started(tmp_path, after=50) as (journal, _):
        commit(journal, b"a")
    assert recovered(tmp_path, after=50) == [(51, b"a")]


@pytest.mark.parametrize("content", [b"", b"PARLEY", bytes(SEGMENT)])
def test_a_segment_whose_creation_was_cut_short_is_removed(tmp_path: Path, content: bytes) -> None:
    commits = write(tmp_path, [b"a", b"b"])
    (tmp_path / f"{3:020}.log").write_bytes(content)
    with started(tmp_path) as (journal, found):
        assert found == commits
        commit(journal, b"c")
    assert len(recovered(tmp_path)) == 3


def test_bytes_of_no_meaning_at_the_end_are_cut_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    commits = write(tmp_path, [b"a", b"b"])
    [path] = tmp_path.iterdir()
    flip(path, 3000)
    with caplog.at_level(logging.WARNING):
        assert recovered(tmp_path) == commits
    assert "commit 3" in caplog.text
    assert path.read_bytes()[3000:3001] == b"\0"


def test_a_message_that_looks_like_a_record_does_not_pass_for_one(tmp_path: Path) -> None:
    """Whoever sends the bytes of a later record must not be able to turn a torn tail into damage."""
    write(tmp_path / "other", [b"x", b"y", b"z"])
    [other] = (tmp_path / "other").iterdir()
    commits = write(tmp_path / "own", [b"a", other.read_bytes()[HEADER_SIZE : ends(other)[-1]]])
    [path] = (tmp_path / "own").iterdir()
    flip(path, ends(path)[0] + 5)
    assert recovered(tmp_path / "own") == commits[:1]


def test_a_commit_larger_than_a_segment_gets_its_own(tmp_path: Path) -> None:
    commits = write(tmp_path / "middle", [b"a", b"b" * 50_000, b"c"])
    assert recovered(tmp_path / "middle") == commits
    assert len(list((tmp_path / "middle").iterdir())) == 3
    commits = write(tmp_path / "first", [b"b" * 50_000, b"c" * 50_000])
    assert recovered(tmp_path / "first") == commits


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [b"a"])
    [path] = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[8] = 2
    data[28:32] = zlib.crc32(data[:28]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(JournalRefused, match=r"format 2.*newer Parley"):
        recovered(tmp_path)
