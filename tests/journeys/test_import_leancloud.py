"""A company leaves LeanCloud: its export is imported into a running broker that is killed in the middle, imported again, and
read by old ids over LeanCloud's REST, natively, and by a client of LeanCloud's wire."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from adminapi.cli.errands import asked
from adminapi.settings import load
from protocol.commands import Stats, StatsReport
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

TEAM, PAIR = "5a5b1c2d3e4f5a6b7c8d9e0f", "5a5b1c2d3e4f5a6b7c8d9e10"
BEGAN = 1516162533000
COUNT = 20_000
LEANCLOUD = {"X-LC-Id": APP["id"], "X-LC-Key": f"{APP['master_key']},master"}


def write_export(folder: Path) -> list[str]:
    """The class, and two saved pages that overlap."""
    rows = [
        {"objectId": TEAM, "name": "team", "m": ["c1", "c2", "c3"], "c": "c1", "level": 5, "createdAt": iso("2018-01-16")},
        {"objectId": PAIR, "name": "pair", "m": ["c1", "c2"], "unique": True, "createdAt": iso("2018-01-15")},
        {"objectId": "5a5b1c2d3e4f5a6b7c8d9e11", "createdAt": "once"},
    ]
    conversations, first, second = folder / "conversations.jsonl.gz", folder / "first.json", folder / "second.json"
    conversations.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    half = COUNT // 2
    first.write_text(json.dumps([message(at) for at in reversed(range(half - 100, COUNT))]))
    second.write_text(json.dumps([message(at) for at in range(half)] + [{**message(1), "conv-id": "0" * 24}]))
    return [str(path) for path in (first, conversations, second)]


def iso(day: str) -> str:
    return f"{day}T03:40:32.814Z"


def message(at: int) -> dict[str, Any]:
    data = json.dumps({"_lctype": -1, "_lctext": f"text {at}"})
    where = TEAM if at % 4 else PAIR
    return {"timestamp": BEGAN + at // 3, "conv-id": where, "data": data, "from": f"c{at % 2 + 1}", "msg-id": f"m{at:08}"}


def importing(host: Host, *files: str) -> subprocess.Popen[str]:
    place = ("--app", APP["id"], "--config", str(host.config), "--data", str(host.data))
    command = [sys.executable, "-m", "adminapi.cli", "import", "leancloud", *place, *files]
    environ = {**os.environ, "TMPDIR": str(host.config.parent)}  # what a killed one leaves behind goes with the rest
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)


def commits(host: Host) -> float:
    report = asked(load(str(host.config), str(host.data)), Stats())
    assert isinstance(report, StatsReport)
    return report.counters["commits_total"]


def summary(program: subprocess.Popen[str]) -> list[str]:
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "")
    return out.splitlines()


def in_the_middle(host: Host, *files: str) -> subprocess.Popen[str]:
    before = commits(host)
    program = importing(host, *files)
    while commits(host) < before + 10:
        assert program.poll() is None
        time.sleep(0.01)
    return program


def kill_the_import_in_the_middle(host: Host, *files: str) -> None:
    program = in_the_middle(host, *files)
    program.kill()
    assert program.communicate(timeout=60) == ("", "")


def kill_the_broker_in_the_middle(host: Host, *files: str) -> None:
    program = in_the_middle(host, *files)
    host.kill()
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (75, "")
    assert "goes on where it was" in err


def test_an_import_survives_a_crash_and_is_read_by_old_ids(host: Host, tmp_path: Path) -> None:
    files = write_export(tmp_path)
    host.broker()
    kill_the_import_in_the_middle(host, *files)
    kill_the_broker_in_the_middle(host, *files)
    host.broker()
    lines = summary(importing(host, *files))
    assert lines[0] == "conversations  0 imported, 2 there already, 1 skipped"
    made, known = (int(word) for word in lines[2].replace(",", "").split() if word.isdigit() and word != "1")
    assert made + known == COUNT
    assert made > 0
    assert known > 0
    assert "its conversation has not been imported" in lines[3]
    assert summary(importing(host, *files))[2].split(",")[0] == "messages       0 imported"

    host.admin()
    with httpx.Client(base_url=host.admin_url, headers=LEANCLOUD, timeout=10) as http:
        rows = {row["objectId"]: row for row in http.get("/1.2/rtm/conversations").json()["results"]}
        assert set(rows) == {TEAM, PAIR}
        assert (rows[TEAM]["m"], rows[TEAM]["level"]) == (["c1", "c2", "c3"], 5)
        assert rows[TEAM]["createdAt"] == iso("2018-01-16")
        for alias in (TEAM, PAIR):
            expected = [message(at) for at in range(COUNT) if message(at)["conv-id"] == alias]
            assert rows[alias]["lm"]["iso"].startswith("2018-01-17T")
            assert said(http, alias) == [tuple(each[key] for key in SAID) for each in expected]
        change_by_old_ids(http)
    host.kill()
    host.broker()
    with httpx.Client(base_url=host.admin_url, headers=LEANCLOUD, timeout=10) as http:
        eventually(lambda: http.get("/1.2/rtm/conversations").status_code == 200)
        assert [(row[0], row[2]) for row in said(http, TEAM)[:3]] == [
            ("m00000001", "better"),
            ("m00000002", '{"_lctype":-127}'),
            ("m00000005", message(5)["data"]),
        ]


def change_by_old_ids(http: httpx.Client) -> None:
    """As the company's programs do, which have kept the ids of what they sent at LeanCloud."""
    for at, verb, more in ((1, "", {"message": "better"}), (2, "/recall", {}), (3, "", None)):
        old = message(at)
        url = f"/1.2/rtm/conversations/{TEAM}/messages/{old['msg-id']}"
        sender = {"from_client": old["from"], "timestamp": old["timestamp"]}
        if more is None:
            assert http.request("DELETE", url, params=sender).status_code == 200
        else:
            assert http.put(url + verb, json={**sender, **more}).json() == {"result": {}}
    for wrong in ({"from_client": "c3"}, {"msg-id": "m"}):
        old = {**message(5), "from_client": message(5)["from"], **wrong}
        url = f"/1.2/rtm/conversations/{TEAM}/messages/{old['msg-id']}/recall"
        assert http.put(url, json=old).json()["code"] in (4403, 4404)


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


SAID = ("msg-id", "timestamp", "data", "from")


def said(http: httpx.Client, alias: str) -> list[tuple[Any, ...]]:
    """All of a conversation, page by page."""
    found: list[tuple[Any, ...]] = []
    last: dict[str, Any] = {}
    while True:
        start = {"msgid": last["msg-id"], "timestamp": last["timestamp"]} if last else {}
        url = f"/1.2/rtm/conversations/{alias}/messages"
        page = http.get(url, params={"limit": 1000, "reversed": "true", **start}).json()
        assert all(each["conv-id"] == alias for each in page)
        found += [tuple(each[key] for key in SAID) for each in page]
        if not page:
            return found
        last = page[-1]


def test_files_that_are_broken_are_named_after_the_rest_is_imported(host: Host, tmp_path: Path) -> None:
    host.broker()
    refused, cut = tmp_path / "page-2.json", tmp_path / "page-3.json"
    refused.write_text('{"code":401,"error":"Unauthorized."}')
    cut.write_text(json.dumps([message(1), message(2)])[:-20])
    program = importing(host, write_export(tmp_path)[1], str(refused), str(cut))
    out, err = program.communicate(timeout=60)
    assert program.returncode == 1
    assert [line.split(",")[0] for line in out.splitlines() if "imported" in line.split(",")[0]] == [
        "conversations  2 imported",
        "messages       1 imported",
    ]
    first, second = err.splitlines()
    assert first.startswith(f"{refused}: it is an error answer of the service: 401 Unauthorized.")
    assert second.startswith(f"{cut}: it is cut off at byte {cut.stat().st_size}")
    assert not list(tmp_path.glob("parley-import-*"))


async def test_members_go_on_where_they_were(host: Host, tmp_path: Path) -> None:
    host.broker()
    pages = tmp_path / "pages.json"
    pages.write_text(json.dumps([message(at) for at in range(40)]))
    summary(importing(host, *write_export(tmp_path)[1:2], str(pages)))
    async with json_peer(host.url) as one, json_peer(host.url) as two:
        await one.login("c1")
        await two.login("c2")
        await one.ok("msg.send", conv_id=TEAM, type=-1, text="we have moved")
        assert (await two.push("msg.new"))["text"] == "we have moved"
        page = await two.ok("msg.history", conv_id=TEAM, limit=5)
        assert [each["text"] for each in page["messages"]][-3:] == ["text 38", "text 39", "we have moved"]
