"""HI-14: a class is told something, which leaves one mark a day."""

from __future__ import annotations

import pytest

from tests.adminapi.dialects.hisihi.conftest import OTHER, Office

DAY_MS = 86_400_000


@pytest.mark.parametrize("root", ["/im", "/v1/im"])
async def test_hi14_once_a_day(office: Office, root: str) -> None:
    office.online("c1")
    answer = await office.ok("POST", f"{root}/org/2/message", 201)
    first = answer["push_history_record_id"]
    assert type(first) is int
    assert answer == {"class_id": 2, "push_history_record_id": first}
    assert await office.refused("POST", f"{root}/org/2/message") == (400, 7007)
    assert (await office.ok("POST", f"{root}/org/3/message", 201))["push_history_record_id"] > first
    office.script.ms += DAY_MS
    office.script.monotonic += DAY_MS / 1000
    again = await office.ok("POST", f"{root}/org/2/message", 201, content=b"whatever { it says")
    assert again["push_history_record_id"] > first
    assert office.notices("c1") == []


async def test_hi14_more_classes_than_are_marked_in_a_day(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.hub.classes.MOST_CLASSES", 1)
    await office.ok("POST", "/im/org/2/message", 201)
    assert await office.refused("POST", "/im/org/3/message") == (400, 7007)
    theirs = {"app-id": OTHER.id, "app-key": OTHER.key}
    assert (await office.ok("POST", "/im/org/2/message", 201, headers=theirs))["class_id"] == 2


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, str(1 << 53), "²"])
async def test_hi14_what_is_no_class(office: Office, number: str) -> None:
    assert await office.refused("POST", f"/im/org/{number}/message") == (400, 1000)
