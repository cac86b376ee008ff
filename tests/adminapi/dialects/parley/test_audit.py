"""The audit log, read backwards by operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adminapi.audit import log, reading
from adminapi.audit.log import AuditLog
from adminapi.audit.reading import search
from tests.adminapi.conftest import APP, OPERATOR, Served
from tests.adminapi.dialects.parley.conftest import SignIn

ALL = {"authorization": f"Bearer {OPERATOR}"}


def line(number: int, **more: object) -> dict[str, Any]:
    fields = ("app", "user", "proof", "from", "dialect", "method", "path", "outcome")
    return {"time": f"2026-01-01T00:00:{number:02}Z", **dict.fromkeys(fields, ""), "commands": ["Kick"], **more}


def numbers(found: dict[str, Any]) -> list[int]:
    return [each["n"] for each in found["lines"]]


async def test_pages_go_back_to_the_first_line(served: Served, sign_in: SignIn) -> None:
    served.audit.append([line(number, app="a") for number in range(25)])
    found, before = [], ""
    viewer = await sign_in("viewer")  # which is a line itself
    while True:
        page = (await served.client.get(f"/-/api/audit?limit=10{before}", headers=viewer)).json()
        found.append(numbers(page))
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert found == [list(range(26, 16, -1)), list(range(16, 6, -1)), list(range(6, 0, -1))]


async def test_lines_are_found_by_app_and_by_who_did_it_or_to_whom(served: Served) -> None:
    served.audit.append(
        [
            line(1, app="a", path="/-/api/apps/a/users/tom/kick"),
            line(2, app="b", path="/-/api/apps/b/users/tom/kick"),
            line(3, app="a", user="tom"),
            line(4, app="a", operator="tom", path="/x/tommy"),
            line(5, app="a", path="/-/api/apps/a/users/tommy/ban", commands=["tom"]),
            line(6, app="a", user='q"ü'),
        ]
    )
    for query, expected in (
        ("user=tom", [4, 3, 2, 1]),
        ("app=a&user=tom", [4, 3, 1]),
        ("app=b", [2]),
        ("app=c", []),
        ("user=q%22%C3%BC", [6]),
    ):
        assert numbers((await served.client.get(f"/-/api/audit?{query}", headers=ALL)).json()) == expected


async def test_it_is_for_operators_and_there_while_the_broker_is_away(served: Served) -> None:
    assert (
        await served.client.get("/-/api/audit", headers={"authorization": f"Bearer {APP.master_key}"})
    ).status_code == 403
    served.broker.stop()
    assert (await served.client.get("/-/api/audit", headers=ALL)).json() == {"lines": [], "next": None}
    assert (await served.client.get("/-/api/audit?before=0", headers=ALL)).status_code == 400


def test_one_look_is_bounded_and_says_where_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LOOKED_MOST", 10)
    monkeypatch.setattr(log, "FILE_BYTES", 1000)  # so that there are many files
    audit = AuditLog(tmp_path / "audit")
    for number in range(1, 31):
        audit.append([line(number, app="rare" if number == 3 else "a")])
    assert len(audit.files()) > 3
    before, looks, found = None, 0, []
    while True:
        page, before = search(audit, "rare", "", 5, before)
        found += page
        looks += 1
        if before is None:
            break
    assert (looks, [each["n"] for each in found]) == (3, [3])


def test_a_line_that_was_tampered_with_breaks_nothing_here(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "audit")
    audit.append([line(1), line(2), line(3)])
    (path,) = audit.files()
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], b"[5]", b"{"]) + b"\n")
    assert [each["n"] for each in search(audit, "", "", 5, None)[0]] == [3, 2, 1]
