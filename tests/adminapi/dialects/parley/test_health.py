"""What is sound and what is not, as the console shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adminapi.health import Health
from protocol.commands import (
    ListQuarantine,
    Quarantine,
    RefusedRow,
    Stats,
    StatsReport,
    Target,
    Watermark,
    WatermarkReport,
)
from tests.adminapi.conftest import APP, OPERATOR, Served
from tests.adminapi.dialects.parley.conftest import SignIn

ALL = {"authorization": f"Bearer {OPERATOR}"}


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in found["checks"]}


@pytest.fixture
def sound(served: Served) -> None:
    """A broker with one row in quarantine and a database that is far behind."""
    served.broker.on(Stats, StatsReport(counters={"journal_bytes": 4096.0, "storage_available": 1.0}))
    row = RefusedRow("sqlite", APP.id, "users", '["tom"]', "too odd", 7)
    served.broker.on(ListQuarantine, Quarantine(rows=[row], total=3))
    targets = [Target("sqlite", 9, 0), Target("postgresql", 4, 90_000)]
    served.broker.on(Watermark, WatermarkReport(accepted=11, durable=10, targets=targets))


async def test_checks_and_figures(served: Served, sign_in: SignIn, sound: None) -> None:
    found = (await served.client.get("/-/api/health", headers=await sign_in("viewer"))).json()
    checks = by_name(found)
    assert {"versions", "data directory", "files", "limits", "clock", "audit log", "broker"} <= set(checks)
    assert checks["broker"]["ok"]
    assert not checks["database"]["ok"]
    assert checks["database"]["text"] == "postgresql 6 commits behind the journal, for 90.0 s"
    assert "nothing is lost" in checks["database"]["advice"]
    assert found["journal"] == {"accepted": 11, "durable": 10, "bytes": 4096, "takes": True}
    assert [target["behind"] for target in found["store"]["targets"]] == [1, 6]
    assert found["quarantine"] == [
        {"target": "sqlite", "app": APP.id, "table": "users", "key": '["tom"]', "error": "too odd", "at_ms": 7}
    ]
    assert found["quarantine_total"] == 3


async def test_while_the_broker_is_away_it_says_so(served: Served) -> None:
    served.broker.stop()
    found = (await served.client.get("/-/api/health", headers=ALL)).json()
    while found["journal"] is not None or by_name(found)["broker"]["ok"]:
        found = (await served.client.get("/-/api/health", headers=ALL)).json()
    assert by_name(found)["broker"]["advice"]
    assert found["store"] is None


async def test_it_is_for_operators(served: Served) -> None:
    answer = await served.client.get("/-/api/health", headers={"authorization": f"Bearer {APP.master_key}"})
    assert answer.status_code == 403


async def test_the_host_is_looked_at_once_for_all_who_ask(
    served: Served, sound: None, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    looked = []
    look = Health._look
    monkeypatch.setattr(Health, "_look", lambda self: looked.append(1) or look(self))
    for _ in range(3):
        await served.client.get("/-/api/health", headers=ALL)
    assert looked == [1]
