"""The audit log: a chained line for each call that changes something, none for the rest; what breaks it is named."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from adminapi.audit import log as files
from adminapi.audit import witness
from adminapi.audit.log import AuditLog, Broken
from adminapi.audit.witness import Audit
from protocol.commands import BanUser, Done, InspectSessions, SendMessage, SessionsSeen
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from tests.adminapi.conftest import APP, OPERATOR, Served

ROOT = Path(__file__).parents[2]
BAN = f"/-/api/apps/{APP.id}/users/tom/ban"


def written(audit: AuditLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit.tail(1000)]


async def test_each_changing_call_is_a_line_and_a_read_is_none(served: Served) -> None:
    served.broker.on(BanUser, lambda command, managed: Done(time_ms=1))
    served.broker.on(InspectSessions, SessionsSeen(sessions=[], total=0))
    served.broker.on(SendMessage, Refused(Reason.UNKNOWN_CONVERSATION))
    operator = {"authorization": f"Bearer {OPERATOR}"}
    assert (await served.call("POST", BAN, headers=operator)).status_code == 200
    assert (await served.call("GET", f"/-/api/apps/{APP.id}/sessions", headers=operator)).status_code == 200
    assert (await served.call("POST", BAN, headers={"authorization": "Bearer wrong"})).status_code == 401
    secret = {"from_client": 2, "type": -1, "text": "the-body"}
    path = f"/im/conversations/{IdForms(APP.id).hex32(77)}/message"
    assert (await served.call("POST", f"{path}?token=the-query", json=secret)).json()["code"]
    first, second = written(served.audit)
    assert time.time() - time.mktime(time.strptime(first["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone < 60
    del first["time"]
    assert first == {
        "n": 1,
        "app": APP.id,
        "user": "",
        "proof": "operator",
        "from": "127.0.0.1",
        "dialect": "parley",
        "method": "POST",
        "path": BAN,
        "commands": ["BanUser"],
        "outcome": "200",
        "previous": "0" * 64,
    }
    assert (second["proof"], second["dialect"], second["commands"]) == ("key", "native", ["SendMessage"])
    assert (second["path"], second["outcome"]) == (path, "unknown_conversation")
    text = b"".join(path.read_bytes() for path in served.audit.files())
    for hidden in ("the-body", "the-query", APP.key, OPERATOR):
        assert hidden.encode() not in text
    assert served.audit.verify()[0] == 2


async def test_a_refusal_of_the_broker_is_told_by_its_reason(served: Served) -> None:
    served.broker.on(BanUser, Refused(Reason.UNKNOWN_USER))
    await served.call("POST", BAN, headers={"authorization": f"Bearer {APP.master_key}"})
    (line,) = written(served.audit)
    assert (line["outcome"], line["proof"], line["app"]) == ("unknown_user", "master_key", APP.id)


@pytest.mark.parametrize(("header", "outcome"), [("X: y", "gone"), ("Idempotency-Key: k", "200")])
async def test_a_caller_who_hangs_up_is_written_down_too(served: Served, header: str, outcome: str) -> None:
    """Under a key his call goes on to its end."""
    heard, go_on = trio.Event(), trio.Event()

    async def slow(command: BanUser, managed: Any) -> Done:
        heard.set()
        await go_on.wait()
        return Done(time_ms=1)

    served.broker.on(BanUser, slow)
    async with await served.stream() as stream:
        head = f"POST {BAN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR}\r\n{header}\r\n"
        await stream.send_all(f"{head}Content-Length: 0\r\n\r\n".encode())
        await heard.wait()
    with trio.fail_after(5):
        if outcome != "gone":
            await trio.sleep(0.05)  # the server has seen by now that he is gone
            go_on.set()
        while not (found := written(served.audit)):  # noqa: ASYNC110  # a file tells nobody
            await trio.sleep(0.01)
    assert [(line["commands"], line["outcome"]) for line in found] == [(["BanUser"], outcome)]


async def test_calls_at_once_make_one_chain(served: Served) -> None:
    served.broker.on(BanUser, lambda command, managed: Done(time_ms=1))
    async with trio.open_nursery() as nursery:
        for number in range(12):
            path = f"/-/api/apps/{APP.id}/users/u{number}/ban"
            nursery.start_soon(lambda path=path: served.call("POST", path, headers={"authorization": f"Bearer {OPERATOR}"}))
    assert served.audit.verify()[0] == 12
    assert len({line["path"] for line in written(served.audit)}) == 12


async def test_while_it_cannot_be_written_nothing_is_changed_and_reads_go_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.broker.on(BanUser, lambda command, managed: Done(time_ms=1))
    served.broker.on(InspectSessions, SessionsSeen(sessions=[], total=0))
    operator = {"authorization": f"Bearer {OPERATOR}"}
    monkeypatch.setattr(files, "FREE_BYTES", 1 << 62)
    refused = await served.call("POST", BAN, headers=operator)
    assert (refused.status_code, refused.json()["error"]["reason"]) == (507, "storage_unavailable")
    assert not served.broker.heard
    assert (await served.call("GET", f"/-/api/apps/{APP.id}/sessions", headers=operator)).status_code == 200
    monkeypatch.setattr(files, "FREE_BYTES", 0)
    assert (await served.call("POST", BAN, headers=operator)).status_code == 200
    assert len(written(served.audit)) == 1


async def test_a_line_that_fails_after_the_call_is_kept_and_comes_first(served: Served, folder: Path) -> None:
    served.broker.on(BanUser, lambda command, managed: Done(time_ms=1))
    operator = {"authorization": f"Bearer {OPERATOR}"}
    paths = [f"/-/api/apps/{APP.id}/users/u{number}/ban" for number in range(3)]
    assert (await served.call("POST", paths[0], headers=operator)).status_code == 200
    aside = folder / "aside"
    served.audit.folder.rename(aside)
    served.audit.folder.write_text("in the way")
    assert (await served.call("POST", paths[1], headers=operator)).status_code == 200  # it was found fit just before
    assert (await served.call("POST", paths[2], headers=operator)).status_code == 507
    served.audit.folder.unlink()
    aside.rename(served.audit.folder)
    assert (await served.call("POST", paths[2], headers=operator)).status_code == 200
    assert [line["path"] for line in written(served.audit)] == paths
    assert served.audit.verify()[0] == 3


@contextmanager
def held(audit: AuditLog) -> Iterator[None]:
    """As if another program wrote just now."""
    with open(audit.folder / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Counted(AuditLog):
    """Tells where its lines were written, and how many at a time."""

    seen: list[tuple[bool, int]]

    def append(self, records: Any, **how: Any) -> None:
        super().append(records, **how)
        self.seen = [*getattr(self, "seen", []), (threading.current_thread() is threading.main_thread(), len(records))]


async def test_a_line_is_written_at_once_but_in_a_thread_where_that_may_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "SLOW_SECONDS", 30.0)  # no load of the machine makes a write slow
    written = Counted(folder / "audit")
    audit = Audit(written)
    await audit.note({"path": "1"})
    async with trio.open_nursery() as nursery:
        with held(written):
            for number in range(2, 7):
                nursery.start_soon(audit.note, {"path": str(number)})
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(audit.note, {"path": "7"})
            nursery.start_soon(audit.note, {"path": "8"})
            await trio.testing.wait_all_tasks_blocked()
            assert written.verify()[0] == 1
    assert written.seen == [(True, 1), (False, 5), (True, 2)]
    monkeypatch.setattr(witness, "SLOW_SECONDS", 0.0)
    await audit.note({"path": "9"})
    await audit.note({"path": "10"})
    assert written.seen[3:] == [(True, 1), (False, 1)]
    assert sorted(int(json.loads(line)["path"]) for line in written.tail(10)) == [*range(1, 11)]
    assert written.verify()[0] == 10


async def test_lines_of_calls_at_once_are_written_together(folder: Path) -> None:
    written = Counted(folder / "audit")
    audit = Audit(written)

    async def call(lines: int) -> None:
        for _ in range(lines):
            await audit.note({"path": "x"})

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(call, 10)
    assert written.verify()[0] == 80
    assert len(written.seen) < 40, "whose line is written with another's writes nothing"


def lines(folder: Path, count: int, **how: Any) -> AuditLog:
    audit = AuditLog(folder / "audit", **how)
    for number in range(count):
        audit.append([{"path": f"p{number}"}])
    return audit


def test_the_first_broken_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = lines(tmp_path, 6)
    (path,) = audit.files()
    sound = path.read_bytes().splitlines(keepends=True)
    count, last = audit.verify()
    assert (count, len(last)) == (6, 64)
    for broken, at, word in (
        ([*sound[:2], sound[2].replace(b"p2", b"p9"), *sound[3:]], 4, "changed"),
        ([*sound[:2], *sound[3:]], 3, "missing"),
        ([*sound[:2], sound[1], *sound[2:]], 3, "added"),
        (sound[1:], 1, "missing"),
        ([*sound[:4], b"{}\n", *sound[5:]], 5, "no line"),
        ([*sound[:4], b"nonsense\n", *sound[5:]], 5, "no line"),
    ):
        path.write_bytes(b"".join(broken))
        with pytest.raises(Broken, match=rf"\.jsonl line {at}: .*{word}"):
            audit.verify()


def test_files_are_begun_anew_and_go_whole_and_one_that_is_missing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_BYTES", 250)
    audit = lines(tmp_path, 7, days=1)
    first, second, *_ = audit.files()
    assert audit.verify()[0] == 7
    assert json.loads(audit.tail(5)[0])["path"] == "p2"
    hidden = second.rename(second.with_suffix(".aside"))
    with pytest.raises(Broken, match="are missing before this file"):
        audit.verify()
    hidden.rename(second)
    os.utime(first, (0, 0))
    while len(AuditLog(audit.folder).files()) <= 4 and first.exists():
        audit.append([{"path": "later"}])
    assert not first.exists()
    assert audit.verify()[0] < 12


def test_a_line_that_was_broken_off_is_cut_and_the_chain_goes_on(tmp_path: Path) -> None:
    audit = lines(tmp_path, 2)
    (path,) = audit.files()
    with open(path, "ab") as file:
        file.write(b'{"n":3,"pa')
    again = AuditLog(audit.folder)
    again.append([{"path": "p2"}])
    assert again.verify()[0] == 3
    path.write_bytes(b'{"n":')
    AuditLog(audit.folder).append([{"path": "anew"}])
    assert AuditLog(audit.folder).verify()[0] == 1


WRITE = """
import sys
from pathlib import Path
from adminapi.audit.log import AuditLog
audit = AuditLog(Path(sys.argv[1]))
for number in range(100):
    audit.append([{"by": sys.argv[2]}])
"""


def test_several_programs_write_one_chain(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(folder), name], cwd=ROOT) for name in "abc"]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    assert AuditLog(folder).verify()[0] == 300
