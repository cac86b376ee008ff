"""Sessions: pages of them, searched, and what one of them waits for."""

from __future__ import annotations

import msgspec
import pytest

from protocol.commands import (
    ConnectionSeen,
    InspectConnection,
    InspectSessions,
    SessionSeen,
    SessionsSeen,
    Stopped,
)
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import APP, Served

OWN = {"authorization": f"Bearer {APP.master_key}"}
BASE = f"/-/api/apps/{APP.id}/sessions"
SEEN = SessionSeen(
    session="00ff", user="tom", device="d", platform="p", tag="t", wire="native", address="10.0.0.1", since_ms=9,
    heard_ms=50, outbox_bytes=3,
)  # fmt: skip
CONNECTION = ConnectionSeen(
    session="00ff", app=APP.id, user="tom", device="d", login_ms=5, state="open", door="tls", wire="native",
    address="10.0.0.1", peer="10.0.0.1:5", heard_ms=5, probe_ms=-1, paused=["journal"], paused_ms=9, outbox_bytes=0,
    outbox_frames=0, blocked_ms=-1, queued=2, stopped=Stopped("store", "History", 120), held=1, commit=7, commit_ms=3,
    seats=[],
)  # fmt: skip


async def test_a_page_of_a_search(served: Served) -> None:
    served.broker.on(InspectSessions, SessionsSeen(sessions=[SEEN], total=3))
    answer = await served.client.get(f"{BASE}?search=%20To&user=tom&start=1&limit=1", headers=OWN)
    row = {name: getattr(SEEN, name) for name in SEEN.__struct_fields__}
    assert answer.json() == {"sessions": [row], "next": 2, "total": 3}
    assert served.broker.heard == [InspectSessions(app=APP.id, user="tom", skip=1, limit=1, search="To")]
    answer = await served.client.get(f"{BASE}?start=2", headers=OWN)
    assert answer.json()["next"] is None


@pytest.mark.parametrize("query", ["limit=x", "limit=1001", "start=-1", "search=" + "x" * 257])
async def test_what_cannot_be_asked_is_said(served: Served, query: str) -> None:
    assert (await served.client.get(f"{BASE}?{query}", headers=OWN)).status_code == 400


async def test_what_a_session_waits_for(served: Served) -> None:
    served.broker.on(InspectConnection, CONNECTION)
    found = (await served.client.get(f"{BASE}/00ff", headers=OWN)).json()
    assert found["stopped"] == {"why": "store", "command": "History", "since_ms": 120}
    assert (found["paused"], found["held"], found["commit_ms"], found["queued"]) == (["journal"], 1, 3, 2)
    assert "app" not in found


async def test_a_session_that_is_gone_or_another_apps_is_not_there(served: Served) -> None:
    served.broker.on(InspectConnection, Refused(Reason.NOT_LOGGED_IN, "no"))
    gone = await served.client.get(f"{BASE}/00ff", headers=OWN)
    served.broker.on(InspectConnection, msgspec.structs.replace(CONNECTION, app="another"))
    other = await served.client.get(f"{BASE}/00ff", headers=OWN)
    assert gone.status_code == other.status_code == 404
    assert gone.json() == other.json()
    served.broker.on(InspectConnection, Refused(Reason.BAD_FORMAT, "16 hex digits"))
    assert (await served.client.get(f"{BASE}/xyz", headers=OWN)).status_code == 400
