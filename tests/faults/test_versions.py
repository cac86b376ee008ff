"""F40: a data directory that another version has written is read, or refused in words that say so; never changed."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from broker.hub.rows import AppRow, put
from broker.persistence.images import encode
from broker.persistence.journal import Journal
from broker.persistence.segment import HEADER
from broker.persistence.sqlite import open_store
from protocol.apps import App
from tests.broker.persistence.journals import write
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

pytestmark = pytest.mark.F40


def make(data: Path) -> None:
    """A data directory of this version, as a broker leaves it that has had its app and nothing else."""
    data.mkdir()
    open_store(data / "parley.db").close()
    app = App(id="666666", key="k", master_key="m", secret="s")
    write(data / "journal", [encode([put("", "apps", AppRow(app.id, msgspec.json.encode(app), True))])])


def append(data: Path, *images: list[Any]) -> int:
    """A commit of these raw images behind the newest of the journal, as a program of another version would write it. Its
    number. The broker is not running, and its store has not moved since the journal began."""
    journal = Journal(data / "journal", segment_bytes=64 << 20)
    newest = max(number for number, _ in journal.recover(0))
    journal.start(newest + 1)
    journal.append(newest + 1, msgspec.msgpack.encode(images))
    journal.stop()
    assert journal.durable == newest + 1
    return newest + 1


def refusals(host: Host) -> list[str]:
    """What a start and a cut by `parley doctor` say, neither of which may change anything."""
    said = []
    for options in ([], ["--check", "--cut"]):
        before = {path: path.read_bytes() for path in (host.data / "journal").iterdir()}
        program = host.start("-m", "broker", *options)
        assert program.wait() == 78
        assert {path: path.read_bytes() for path in (host.data / "journal").iterdir()} == before
        said.append(program.lines[-1])
    return said


async def test_rows_of_an_older_version_are_read_with_what_has_been_added_since_at_its_default(host: Host) -> None:
    """Fields are only ever added, at the end."""
    make(host.data)
    append(
        host.data,
        ["666666", "users", ["old"], ["old", 1_700_000_000_000]],
        ["666666", "conversations", [77], [77, 3, "old", "old", 1_700_000_000_000]],
        ["666666", "members", [77, "old"], [77, "old", 1_700_000_000_000]],
        ["666666", "heads", [77], [77]],
    )
    host.broker()
    async with json_peer(host.url) as old:
        await old.login("old")
        [found] = (await old.ok("conv.list"))["data"]
        assert (await old.ok("msg.send", conv_id=found["conv_id"], type=-1, text="still here"))["seq"] == 1


def test_a_table_of_a_newer_version_is_refused_by_name(host: Host) -> None:
    make(host.data)
    number = append(host.data, ["666666", "reactions", [1], [1, "+1"]])
    for line in refusals(host):
        assert f"commit {number} " in line
        assert "'reactions'" in line
        assert "newer Parley" in line


def test_a_journal_of_a_newer_format_is_refused_and_not_called_damaged(host: Host) -> None:
    make(host.data)
    [segment] = (host.data / "journal").iterdir()
    whole = bytearray(segment.read_bytes())
    whole[8] = 2
    whole[HEADER.size : HEADER.size + 4] = zlib.crc32(whole[: HEADER.size]).to_bytes(4, "little")
    segment.write_bytes(whole)
    for line in refusals(host):
        assert "format 2" in line
        assert "newer Parley" in line
        assert "damaged" not in line


@pytest.mark.parametrize("change", ["PRAGMA user_version = 99", 'ALTER TABLE users ADD COLUMN "shoe_size" INTEGER'])
def test_a_store_of_a_newer_version_is_refused(host: Host, change: str) -> None:
    make(host.data)
    db = apsw.Connection(str(host.data / "parley.db"))
    db.execute(change)
    db.close()
    for line in refusals(host):
        assert "newer" in line
        assert "parley.db" in line
