"""The journal in service, on a failing disk and under kill -9 (DESIGN 2.3, reliability F1, F5)."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from broker.persistence.journal import Journal
from broker.persistence.segment import HEADER_SIZE
from tests.broker.persistence.journals import SEGMENT, commit, recovered, started, write


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


def test_every_commit_is_counted_with_the_time_it_took(tmp_path: Path) -> None:
    with started(tmp_path) as (journal, _):
        began = time.monotonic()
        commit(journal, b"a", b"b", b"c")
        figures = journal.commit_seconds.figures("x")
        assert figures["x_count"] == 3
        assert 0 < figures["x_sum"] <= time.monotonic() - began


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


def test_a_journal_knows_that_its_file_was_taken_away_and_put_back(tmp_path: Path) -> None:
    """What is written to a file without a name is gone at the next start (reliability F8)."""
    folder = tmp_path / "journal"
    with started(folder) as (journal, _):
        for body in (b"a" * 3000, b"b" * 3000):
            commit(journal, body)
            assert journal.in_place
        [_, path] = sorted(folder.iterdir())
        path.rename(tmp_path / "away")
        assert not journal.in_place
        path.write_bytes(b"another file of that name")
        assert not journal.in_place
        (tmp_path / "away").rename(path)
        assert journal.in_place


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


ROOT = Path(__file__).parents[3]
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
