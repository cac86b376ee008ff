"""F4: the journal's bytes are not what was written: a torn tail, a flipped bit, a piece that is missing.

A torn tail is cut and logged. Damage before it refuses to start and names the commit (that a cut then keeps what stands
before it is in `tests/journeys/test_ending.py`). What is served is never anything that was not written.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from broker.persistence.journal import JournalDamaged
from broker.persistence.killpoints import VARIABLE
from broker.persistence.segment import HEADER_SIZE, RECORD
from tests.broker.persistence.journals import ends, recovered, write
from tests.faults.crowd import Crowd
from tests.journeys.programs import Host

pytestmark = pytest.mark.F4
BODIES = [b"first", b"2", b"the last"]


def test_every_flipped_bit_of_a_segment_is_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All of them, one by one: header, lengths, sums, numbers, bodies, and the room behind the last record."""
    commits = write(tmp_path, BODIES)
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    ending = [HEADER_SIZE, *ends(path)]
    caplog.set_level(logging.WARNING)
    for bit in range((ending[-1] + RECORD.size) * 8):
        at = bit // 8
        path.write_bytes(whole[:at] + bytes((whole[at] ^ (1 << bit % 8),)) + whole[at + 1 :])
        caplog.clear()
        if at < ending[-2]:
            with pytest.raises(JournalDamaged) as caught:
                recovered(tmp_path)
            expected = max(1, sum(end <= at for end in ending))
            assert caught.value.commit == expected, f"bit {bit}"
            assert f"commit {expected} " in str(caught.value)
        else:
            kept = commits[:-1] if at < ending[-1] else commits
            assert recovered(tmp_path) == kept, f"bit {bit}"
            assert f"cut the torn commit {len(kept) + 1}" in caplog.text


def shorten(path: Path, start: int, end: int) -> None:
    os.truncate(path, (start + end) // 2)


def zero(path: Path, start: int, end: int) -> None:
    """As where a sector of two was written."""
    whole = path.read_bytes()
    middle = (start + end) // 2
    path.write_bytes(whole[:middle] + bytes(end - middle) + whole[end:])


def flip(path: Path, start: int, end: int) -> None:
    whole = bytearray(path.read_bytes())
    whole[end - 2] ^= 1
    path.write_bytes(whole)


@pytest.mark.parametrize(
    "tear", [pytest.param(shorten, marks=pytest.mark.soak), zero, pytest.param(flip, marks=pytest.mark.soak)]
)
async def test_a_torn_tail_is_cut_and_logged_and_nothing_acknowledged_is_missing(
    host: Host, tear: Callable[[Path, int, int], None]
) -> None:
    """The broker dies between write and sync, and the disk has half of that record: nobody was told of it."""
    host.configure(store={"write_seconds": 60.0})
    host.broker(environ={VARIABLE: "after_write_before_sync:25"})
    crowd = Crowd(host)
    await crowd.gather()
    with trio.fail_after(20):
        await crowd.talk_until_lost()
    assert host.running.wait() == -signal.SIGKILL
    [segment] = (host.data / "journal").iterdir()
    *_, start, end = ends(segment)
    tear(segment, start, end)
    host.configure()
    host.broker()
    assert host.running.wait_line("cut the torn commit 25, ")
    await crowd.check_store(await crowd.check())
