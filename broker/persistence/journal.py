"""The journal: the log a commit is on before anything is acknowledged (DESIGN 2.3).

A row of segment files (`broker.persistence.segment` has their bytes). One thread of its own writes; at most one commit is
on its way to the disk, so whatever stands before a record was synced before it was written. From that follows all of
recovery: only the very last record can be torn, anything bad with something valid behind it is damage, and damage is
never repaired in silence. Each commit costs the thread one pwrite and one fdatasync, because every call that lets go of
the interpreter lock has to win it back from a busy reactor. (RWF_DSYNC would save neither: a pwrite is over in 30 us.)

Whoever has a commit on its way gives way to it. A thread that waits for the interpreter may ask for it only after half a
millisecond (`sys.setswitchinterval`), and for asking it needs a core, which the kernel leaves to a busy reactor or to
SQLite for 3 to 4 ms: that was the 99th percentile of a commit, on a disk that takes no time too. So `append` and `drain`
yield, and the reactor twice a millisecond within a turn, which lets go of the interpreter and, where the broker has one
core, of that (traced with perf; on no disk the median fell from 0.39 to 0.06 ms by the former, the 99th percentile from 4.2
to 0.7 and by the latter to 0.1, for 1 us a turn). SQLite's own syncs are not the cause: without them it is the same. Nor
does a segment of zeros help that were written before: the kernel then has no extent to convert, the median falls by 8 %, but
the slowest commits are those that write the zeros.

After an error of the disk nothing is written any more. Linux may drop the pages of a failed fdatasync and report success
the next time, while they still can be read; so `start` writes the last record once more and syncs it before the journal
is believed. A commit that failed may therefore exist after the restart: its outcome is unknown, never "refused".
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

from broker.histogram import Histogram
from broker.persistence.killpoints import reached
from broker.persistence.segment import (
    HEADER_SIZE,
    JournalDamaged,
    Segment,
    create_segment,
    find_record,
    list_segments,
    read_header,
    records,
    seal,
    segment_name,
    sync_folder,
    write_all,
)

__all__ = ["Journal", "JournalDamaged", "unfinished_cut"]

log = logging.getLogger(__name__)

COMMIT_SECONDS = (
    *(0.0001, 0.00015, 0.0002, 0.0003, 0.0005, 0.0007),
    *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.007),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.07),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
"""Near enough to each other that a 99th percentile can be held against a median. After the last the watchdog has acted."""


class Journal:
    """Use: `recover` to its end, `start`, `append` whenever `idle`, `stop`.

    `append`, `drain` and the properties belong to the thread of the reactor; `read` and `release` may be called from any.
    """

    def __init__(self, folder: Path, *, segment_bytes: int) -> None:
        """`folder` is made if it is not there. OSError if it cannot be."""
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._segments: tuple[Segment, ...] = ()
        """Oldest first, the active one last. Replaced, never changed, under the lock: a reader keeps what it took."""
        self._lock = threading.Lock()
        self._last = 0
        self._last_record = b""
        self._offset = HEADER_SIZE
        self._descriptor = -1
        self._place: tuple[Path, int, int] | None = None
        """Path, device and inode of the file that is written."""
        self._handed: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._recovered = False
        self._eventfd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.durable = 0
        """The newest commit that is on disk."""
        self.failed: BaseException | None = None
        """Why the journal writes no more. Memory is ahead of the disk: the process has to end."""
        self.in_flight_since: float | None = None
        """`time.monotonic()` at which the commit on its way was handed over; None if there is none."""
        self.commit_seconds = Histogram(COMMIT_SECONDS)
        """From hand-over to the disk. The journal's thread alone adds to it; any may read."""

    # At start ------------------------------------------------------------------------------------------------------

    def recover(self, after: int) -> Iterator[tuple[int, bytes]]:
        """Verify every segment and yield (number, body) of the commits above `after`, the position of the store.

        JournalDamaged if an acknowledged commit cannot be read, JournalRefused if a newer program wrote it; nothing is
        changed then. A torn tail is cut off and logged. It must be read to its end before `start`.
        """
        self._make_folder()
        paths = list_segments(self._folder)
        expected = 0
        for path in paths:
            newest = path is paths[-1]
            first = int(path.stem)
            if first > (expected or after + 1):
                missing = expected or after + 1
                raise JournalDamaged(missing, path, 0, f"the commits {missing} to {first - 1} stand in no segment")
            if expected and first < expected:
                raise JournalDamaged(first, path, 0, "the segment before holds it too")
            data = path.read_bytes()
            seed = read_header(data, path)
            if seed is None:
                if not newest or data[HEADER_SIZE:].strip(b"\0"):
                    raise JournalDamaged(first, path, 0, "the header of the segment is not valid")
                log.warning("journal: %s was not finished when the broker ended; removed", path)
                path.unlink()
                sync_folder(self._folder)
                break
            segment = Segment(path, first, seed, len(data))
            offset = start = last_start = HEADER_SIZE
            expected = first
            for offset, number, body in records(data, HEADER_SIZE, seed):
                if number != expected:
                    raise JournalDamaged(expected, path, start, f"commit {number} stands in its place")
                segment.mark(number, start)
                last_start, start = start, offset
                expected += 1
                if number > after:
                    yield number, body
            self._check_rest(data, segment, offset, expected, newest=newest)
            self._segments += (segment,)
            self._offset = offset
            self._last_record = data[last_start:offset]
        self._last = expected - 1 if expected else after
        if self._last < after:
            log.warning("journal: it ends at commit %s, the store has %s already", self._last, after)
        self._recovered = True

    def check_reaches(self, newest: int, applied: int) -> None:
        """After `recover`: JournalDamaged if `newest` is applied by one target and the journal ends before it, at commits
        that another target, which has `applied`, has still to be given."""
        last = max(self._last, applied)
        if last < newest:
            what = f"the commits {last + 1} to {newest} stand in no segment, and PostgreSQL has not got them yet"
            raise JournalDamaged(last + 1, self._folder, 0, what)

    def _make_folder(self) -> None:
        if unfinished_cut(self._folder).exists():
            raise JournalDamaged(0, self._folder, 0, "an earlier cut was interrupted")
        if not self._folder.exists():
            self._folder.mkdir(parents=True)
            sync_folder(self._folder.parent)
        elif not os.access(self._folder, os.W_OK | os.X_OK):
            # Found out now, and not when this segment is full.
            raise PermissionError(errno.EACCES, "no new segment can be made in it", str(self._folder))

    def _check_rest(self, data: bytes, segment: Segment, offset: int, expected: int, *, newest: bool) -> None:
        """What follows the last valid record: zeros, the torn tail, or damage."""
        end = len(data.rstrip(b"\0"))
        if end <= offset:
            return
        behind = find_record(data, offset, segment.seed, expected)
        if behind is not None:
            what = f"its record is not valid, but commit {behind[1]} at byte {behind[0]} is"
            raise JournalDamaged(expected, segment.path, offset, what)
        if not newest:
            # A commit missing here is noticed at the next segment, whose name tells what came before it.
            log.warning("journal: %s has %s bytes of no meaning behind its last record", segment.path, end - offset)
            return
        log.warning("journal: cut the torn commit %s, %s bytes, from %s", expected, end - offset, segment.path)
        descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            write_all(descriptor, bytes(end - offset), offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def start(self, next_number: int) -> None:
        """Open for append; `next_number` is above all recovered commits and one above the newest anyone has applied.

        OSError if the disk does not take the last record once more (see above).
        """
        if not self._recovered or self._thread is not None:
            raise RuntimeError("the journal is started once, after recover() was read to its end")
        if next_number <= self._last:
            raise ValueError(f"commit {self._last} is in the journal, so {next_number} cannot be next")
        if next_number != self._last + 1:
            # The store is ahead: everything here is applied, and would leave a hole before what comes.
            self._delete(self._segments)
            self._segments = ()
        if self._segments:
            self._reopen(self._segments[-1])
        else:
            self._rotate(next_number)
        self.durable = self._last = next_number - 1
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def _reopen(self, segment: Segment) -> None:
        self._descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
        if segment.size < self._segment_bytes:
            os.posix_fallocate(self._descriptor, 0, self._segment_bytes)
            segment.size = self._segment_bytes
        write_all(self._descriptor, os.pread(self._descriptor, HEADER_SIZE, 0), 0)
        if self._last_record:
            write_all(self._descriptor, self._last_record, self._offset - len(self._last_record))
        os.fsync(self._descriptor)
        sync_folder(self._folder)
        self._last_record = b""
        self._note_place(segment)

    def _note_place(self, segment: Segment) -> None:
        held = os.fstat(self._descriptor)
        self._place = (segment.path, held.st_dev, held.st_ino)

    def stop(self) -> None:
        """Wait until the commit on its way is written or has failed, end the thread and close the files."""
        if self._thread is not None:
            self._handed.put(None)
            self._thread.join()
        for descriptor in (self._descriptor, self._eventfd):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._eventfd = -1

    # In service ----------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """A commit may be handed over."""
        return self.in_flight_since is None and self.failed is None and self._thread is not None

    @property
    def bytes_held(self) -> int:
        """Disk space of all segments."""
        return sum(segment.size for segment in self._segments)

    @property
    def in_place(self) -> bool:
        """What is written now will be found at the next start: the active segment is the file its name leads to. False
        after somebody has removed or moved it; the descriptor still takes every byte then."""
        if self._place is None:
            return False
        path, *held = self._place
        try:
            named = os.stat(path)
        except OSError:
            return False
        return held == [named.st_dev, named.st_ino]

    def append(self, number: int, body: bytes) -> None:
        """Hand a commit to the thread. Does not wait; `durable` and the eventfd tell when it is on disk."""
        if not self.idle or number != self.durable + 1 or not body:
            raise RuntimeError(f"commit {number} ({len(body)} bytes) after {self.durable}, idle: {self.idle}")
        self.in_flight_since = time.monotonic()
        self._handed.put((number, body))
        os.sched_yield()

    def fileno(self) -> int:
        """An eventfd, readable when `durable` or `failed` has changed since `drain`."""
        return self._eventfd

    def drain(self) -> None:
        """Make the eventfd unreadable. Look at `durable` and `failed` after it, not before."""
        if self.in_flight_since is not None:
            os.sched_yield()  # the thread that can say so may wait for its turn
        try:
            os.eventfd_read(self._eventfd)
        except BlockingIOError:
            pass

    def _work(self) -> None:
        while (handed := self._handed.get()) is not None:
            number, body = handed
            try:
                self._write(number, body)
            except Exception as error:
                # The in-flight mark stays: nothing may be handed over any more.
                log.critical("journal: commit %s failed, nothing is written any more: %s", number, error)
                self.failed = error
                os.eventfd_write(self._eventfd, 1)
                return
            if self.in_flight_since is not None:
                self.commit_seconds.see(time.monotonic() - self.in_flight_since)
            self._last = self.durable = number
            self.in_flight_since = None
            os.eventfd_write(self._eventfd, 1)

    def _write(self, number: int, body: bytes) -> None:
        reached("before_write")
        segment = self._segments[-1]
        record = seal(number, body, segment.seed)
        if self._offset + len(record) > segment.size:
            if self._offset == HEADER_SIZE:
                # Still empty, so a new one would have its name: make room in this one.
                segment.size = HEADER_SIZE + len(record)
                os.posix_fallocate(self._descriptor, 0, segment.size)
            else:
                segment = self._rotate(number, len(record))
                record = seal(number, body, segment.seed)
        write_all(self._descriptor, record, self._offset)
        reached("after_write_before_sync")
        os.fdatasync(self._descriptor)
        reached("after_sync_before_ack")
        segment.mark(number, self._offset)
        self._offset += len(record)

    def _rotate(self, first: int, record_bytes: int = 0) -> Segment:
        size = max(self._segment_bytes, HEADER_SIZE + record_bytes)
        segment, descriptor = create_segment(self._folder / segment_name(first), first, size)
        old, self._descriptor = self._descriptor, descriptor
        self._offset = HEADER_SIZE
        with self._lock:
            self._segments += (segment,)
        self._note_place(segment)
        if old >= 0:
            os.close(old)
        return segment

    def read(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        """(number, body) of the durable commits first..last.

        LookupError if one is released already: then the store has it. JournalDamaged, OSError: the disk.
        """
        if last > self.durable and self._thread is not None:
            raise ValueError(f"commit {last} is not durable, {self.durable} is")
        segments = self._segments
        at = bisect_right(segments, first, key=lambda segment: segment.first) - 1
        if at < 0:
            raise LookupError(f"commit {first} is not in the journal any more")
        for segment, behind in zip(segments[at:], (*segments[at + 1 :], None), strict=True):
            if first > last:
                return
            stop = last if behind is None else min(last, behind.first - 1)
            try:
                yield from segment.read(first, stop)
            except FileNotFoundError:
                raise LookupError(f"commit {first} is not in the journal any more") from None
            first = stop + 1

    def release(self, applied: int) -> None:
        """Delete the segments whose commits are all applied by every target. OSError: the rest stays, call again."""
        segments = self._segments
        count = 0
        while count + 1 < len(segments) and segments[count + 1].first - 1 <= applied:
            count += 1
        if count:
            self._delete(segments[:count])

    def _delete(self, segments: tuple[Segment, ...]) -> None:
        """Oldest first and synced one by one: a power cut must not leave a hole in the row."""
        for segment in segments:
            segment.path.unlink(missing_ok=True)
            sync_folder(self._folder)
            with self._lock:
                self._segments = tuple(other for other in self._segments if other is not segment)


def unfinished_cut(folder: Path) -> Path:
    """Where `broker.persistence.cut` gathers what it keeps, until it takes the place of the journal."""
    return folder.with_name(folder.name + ".cut")
