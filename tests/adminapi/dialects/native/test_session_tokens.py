"""A session token, as a login on the socket is answered, uploads files (ZD-11) while its session is there, and no more."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from protocol.commands import ListSessions, SessionList
from protocol.records import SessionInfo
from protocol.tokens import SESSION_TOKEN_MS, SessionToken, make_session_token
from tests.adminapi.conftest import APP, BARE, Served

FILES: Any = {"file": ("notes.txt", b"hello", "text/plain")}
SESSION = 0xFF
LIVE = SessionInfo(
    session=f"{SESSION:016x}", app=APP.id, user="tom", device="", platform="", tag="", wire="native", since_ms=1
)


def token(secret: str = APP.secret, **changes: Any) -> dict[str, str]:
    now_ms = time.time_ns() // 1_000_000
    made = SessionToken(APP.id, "tom", "", "", SESSION, now_ms, now_ms + SESSION_TOKEN_MS)
    text = make_session_token(secret, msgspec.structs.replace(made, **changes))
    return {"app-id": APP.id, "authorization": f"Bearer {text}"}


async def test_a_session_uploads_while_it_is_there(served: Served) -> None:
    served.broker.on(ListSessions, SessionList(sessions=[LIVE], total=1))
    answer = (await served.call("POST", "/im/file/upload", files=FILES, headers=token())).json()
    assert answer["code"] == 0
    assert (await served.client.get(answer["data"])).content == b"hello"
    asked = served.broker.last
    assert (asked.app, asked.rev, asked.user, asked.command) == (APP.id, APP.rev, "", ListSessions(user="tom"))


@pytest.mark.parametrize(
    "there", [[], [msgspec.structs.replace(LIVE, session="00000000000000fe")]], ids=["nobody", "another login"]
)
async def test_a_session_that_is_over_uploads_nothing(served: Served, there: list[SessionInfo]) -> None:
    served.broker.on(ListSessions, SessionList(sessions=there, total=len(there)))
    answer = (await served.call("POST", "/im/file/upload", files=FILES, headers=token())).json()
    assert (answer["code"], answer["data"]) == (4004, None)
    assert "is over" in answer["message"]
    assert [path for path in (served.files.root / APP.id).iterdir()] == []


@pytest.mark.parametrize(
    "headers",
    [
        token(secret="another"),
        token(app="bare"),
        token(expires_ms=1),
        {**token(secret=BARE.secret), "app-id": BARE.id},
        {"app-id": APP.id, "authorization": "Bearer AAAA"},
    ],
    ids=["forged", "of another app", "expired", "for another app", "nonsense"],
)
async def test_a_token_that_is_none_is_refused_before_anything_is_kept(served: Served, headers: dict[str, str]) -> None:
    answer = (await served.call("POST", "/im/file/upload", files=FILES, headers=headers)).json()
    assert answer["code"] == 4004
    assert served.broker.heard == []
    assert not served.files.root.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/im/conversations?where=[]", None),
        ("POST", "/im/conversations", {"client_id": "tom", "to_client_ids": ["bob"], "conv_type": 1}),
        ("PUT", "/im/conversations", {"where": [["conv_id", "=", "0"]], "update": {"conv_extend": {}}}),
    ],
)
async def test_it_does_nothing_else(served: Served, method: str, path: str, body: Any) -> None:
    answer = (await served.call(method, path, json=body, headers=token())).json()
    assert answer["code"] == 4005
    assert served.broker.heard == []
