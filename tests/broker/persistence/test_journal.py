"""The journal against crashes, torn tails, flipped bits and a failing disk (DESIGN 2.3, reliability F1, F4, F5)."""

from __future__ import annotations

import errno
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.persistence.cut import cut
from broker.persistence.journal import Journal, JournalDamaged
from broker.persistence.segment import HEADER_SIZE, RECORD

ROOT = Path(__file__).parents[3]
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
    with pytest.raises(JournalDamaged, match="format 2"):
        recovered(tmp_path)


# A failing disk


def test_after_a_failed_sync_nothing_is_durable_or_written_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(tmp_path) as (journal, _):
        commit(journal, b"a")
        sync, calls = os.fdatasync, []

        def failing(descriptor: int) -> None:
            calls.append(descriptor)
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", failing)
        with pytest.raises(OSError, match="Input/output"):
            commit(journal, b"b")
        monkeypatch.setattr(os, "fdatasync", sync)
        assert journal.durable == 1
        assert not journal.idle
        assert journal.in_flight_since is not None
        with pytest.raises(RuntimeError):
            journal.append(2, b"b")
        assert len(calls) == 1
    assert recovered(tmp_path)[0] == (1, b"a")


def test_what_a_failed_sync_left_readable_is_written_again_before_it_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [b"a", b"last"])
    journal = Journal(tmp_path, segment_bytes=SEGMENT)
    list(journal.recover(0))
    calls: list[object] = []
    pwrite, fsync = os.pwrite, os.fsync
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: calls.append(bytes(data)) or pwrite(fd, data, at))
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append("sync") or fsync(fd))
    journal.start(3)
    journal.stop()
    written = next(at for at, call in enumerate(calls) if isinstance(call, bytes) and call.endswith(b"last"))
    assert "sync" in calls[written:]


def test_a_full_disk_at_rotation_fails_the_commit_and_leaves_a_sound_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with started(tmp_path) as (journal, _):
        commit(journal, b"a" * 3000)
        monkeypatch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space"):
            commit(journal, b"b" * 3000)
        monkeypatch.undo()
    assert recovered(tmp_path) == [(1, b"a" * 3000)]


def test_a_record_is_written_only_after_the_name_of_its_new_segment_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    pwrite, fsync = os.pwrite, os.fsync
    folder = tmp_path.stat().st_ino

    def noting_write(descriptor: int, data: bytes, offset: int) -> int:
        calls.append("record" if offset >= HEADER_SIZE else "header")
        return pwrite(descriptor, data, offset)

    def noting_sync(descriptor: int) -> None:
        calls.append("folder" if os.fstat(descriptor).st_ino == folder else "file")
        fsync(descriptor)

    with started(tmp_path) as (journal, _):
        commit(journal, b"a" * 3000)
        monkeypatch.setattr(os, "pwrite", noting_write)
        monkeypatch.setattr(os, "fsync", noting_sync)
        commit(journal, b"b" * 3000)
        monkeypatch.undo()
    assert calls == ["header", "file", "folder", "record"]


def test_a_short_write_is_carried_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    with started(tmp_path) as (journal, _):
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, bytes(data)[:7], at))
        commit(journal, b"a" * 100, b"b")
        monkeypatch.undo()
    assert recovered(tmp_path) == [(1, b"a" * 100), (2, b"b")]


WRITER = """
import select, sys
from pathlib import Path
from broker.persistence.journal import Journal
journal = Journal(Path(sys.argv[1]), segment_bytes=65536)
last = int(sys.argv[2]) + len(list(journal.recover(int(sys.argv[2]))))
journal.start(last + 1)
while True:
    last += 1
    journal.append(last, b"%d " % last * (last % 300 + 1))
    while journal.durable < last:
        select.select([journal], [], [])
        journal.drain()
    print(last, flush=True)
"""


def test_what_was_durable_survives_sigkill(tmp_path: Path) -> None:
    acknowledged = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "journal"), "0"],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        for _ in range(150):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split(b"\n")[:-1])])
        process.stdout.close()
        process.wait()
        found = recovered(tmp_path / "journal")
        assert len(found) >= acknowledged
        assert found == [(n, b"%d " % n * (n % 300 + 1)) for n in range(1, len(found) + 1)]


# In service


def test_reading_back_beside_the_appender_gives_every_commit(tmp_path: Path) -> None:
    with started(tmp_path, segment_bytes=200_000) as (journal, _):
        errors: list[BaseException] = []
        done = threading.Event()

        def read_always() -> None:
            try:
                while not done.is_set():
                    last = journal.durable
                    assert [number for number, _ in journal.read(max(last - 99, 1), last)] == [
                        *range(max(last - 99, 1), last + 1)
                    ]
            except BaseException as error:
                errors.append(error)

        reader = threading.Thread(target=read_always)
        reader.start()
        commit(journal, *(b"%d" % n * (n % 1000 + 1) for n in range(1, 601)))
        done.set()
        reader.join()
        assert errors == []
        assert len(list(tmp_path.iterdir())) > 2
        for number in (1, 77, 300, 600):
            assert list(journal.read(number, number)) == [(number, b"%d" % number * (number % 1000 + 1))]
        with pytest.raises(ValueError, match="not durable"):
            list(journal.read(600, 601))


def test_release_deletes_whole_applied_segments_and_never_the_active_one(tmp_path: Path) -> None:
    with started(tmp_path) as (journal, _):
        commit(journal, *[b"x" * 1500] * 7)
        held = journal.bytes_held
        journal.release(3)
        assert [int(path.stem) for path in sorted(tmp_path.iterdir())] == [3, 5, 7]
        assert journal.bytes_held == held - SEGMENT
        with pytest.raises(LookupError):
            list(journal.read(1, 1))
        journal.release(7)
        assert [int(path.stem) for path in sorted(tmp_path.iterdir())] == [7]
    assert recovered(tmp_path, after=7) == []


def test_only_an_idle_journal_takes_the_next_commit(tmp_path: Path) -> None:
    with started(tmp_path) as (journal, _):
        assert journal.idle
        with pytest.raises(RuntimeError):
            journal.append(2, b"a")
        with pytest.raises(RuntimeError):
            journal.append(1, b"")
        commit(journal, b"a")
        assert journal.idle
        assert journal.in_flight_since is None


# Cutting


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
