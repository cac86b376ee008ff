"""F3: the power is cut. What was acknowledged is on the disk however little of the rest is.

Two tests over one list of system calls: a gate, that no acknowledgement leaves before the sync of its record; and the
disk itself, as `tests.faults.power` works it out for every moment at which something became certain.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from random import Random

import apsw
import pytest
import trio

from broker.persistence.images import decode
from broker.persistence.journal import Journal
from broker.persistence.sqlite import open_store
from tests.faults.crowd import Crowd
from tests.faults.ledger import Outcome
from tests.faults.power import CALLS, Disk
from tests.faults.tracing import ID, SENDS, WRITES, calls_of, first_with, needed, sends_of, strace, synced_before_told
from tests.journeys.programs import Host

pytestmark = [needed, pytest.mark.F3]
SEGMENT = 64 * 1024


async def test_every_acknowledgement_and_push_leaves_after_the_sync_of_its_record(host: Host, tmp_path: Path) -> None:
    """F3, the gate: between the last pwrite of a commit and the first byte about it is an fdatasync of the same file."""
    host.configure(store={"write_seconds": 60.0})
    host.broker(command=strace(tmp_path / "calls", calls=f"{WRITES},{SENDS}"))
    crowd = Crowd(host)
    await crowd.gather()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        await trio.sleep(0.3)
        host.kill()
    looked = synced_before_told(calls_of(tmp_path / "calls"), crowd.ledger, host.data / "journal")
    assert looked >= len(crowd.ledger.of(Outcome.OK)) > 20
    host.broker()
    await crowd.check()


@pytest.mark.parametrize(
    "share", [pytest.param(0.04, id="some moments"), pytest.param(1.0, id="all moments", marks=pytest.mark.soak)]
)
@pytest.mark.timeout(900)
async def test_at_every_moment_the_disk_has_what_was_acknowledged(host: Host, tmp_path: Path, share: float) -> None:
    """F3: small segments that come and go, a store that is written all the time, and a stop that tidies it."""
    host.configure(store={"segment_bytes": SEGMENT, "journal_bytes": 1 << 30, "write_seconds": 0.02})
    host.broker(command=strace(tmp_path / "calls", calls=f"{CALLS},{SENDS}"))
    crowd = Crowd(host, size=1500)
    await crowd.gather()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        await trio.sleep(0.4)
        assert await trio.to_thread.run_sync(host.stop) == 0
    calls = calls_of(tmp_path / "calls")
    shown = first_with(ID, sends_of(calls))
    told = [(shown[ask.told.msg_id].began, ask.text, ask.told.seq) for ask in crowd.ledger.of(Outcome.OK) if ask.told]
    assert len(told) > 100
    random = Random(7)
    disk = Disk(host.data)
    looked = 0
    for line in disk.run(calls):
        if random.random() < share:
            keep = random.choice((0.0, 0.0, 0.5, 1.0))
            found = found_on(disk.cut(random, keep), disk.root, tmp_path / "cut")
            for began, text, seq in told:
                assert began > line or found.get(text) == seq, f"{text[:20]!r} is missing, cut at line {line}, {keep}"
            looked += 1
    assert looked > 20


def found_on(files: dict[str, bytes], root: Path, folder: Path) -> dict[str, int]:
    """text -> seq of the messages a start finds in these files; each conversation without a gap."""
    for old in folder.rglob("*"):
        if old.is_file():
            old.unlink()
    (folder / "journal").mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (folder / Path(path).relative_to(root)).write_bytes(content)
    store = open_store(folder / "parley.db")
    try:
        rows = [row for _, row in store.load("messages")]
        for _, body in Journal(folder / "journal", segment_bytes=SEGMENT).recover(store.position):
            rows += [image.row for image in decode(body) if image.table == "messages"]
    finally:
        store.close()
    db = apsw.Connection(str(folder / "parley.db"))
    assert db.pragma("integrity_check") == "ok"
    db.close()
    conversations: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        conversations[row.conversation].append(row.seq)
    for seqs in conversations.values():
        assert sorted(seqs) == list(range(1, len(seqs) + 1))
    return {json.loads(row.body)["text"]: row.seq for row in rows}
