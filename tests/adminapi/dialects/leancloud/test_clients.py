"""What a released app's SDK asks with the app key: the key opens nothing by itself (`protocols.md` 2.11, 2.12)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from protocol.commands import ListMembers, ListSessions, Managed, MemberList, SessionList
from protocol.ids import IdForms
from protocol.records import MemberInfo, Role, SessionInfo
from protocol.signatures import Action, action_signed, sign_request
from protocol.tokens import SessionToken, make_jwt, make_session_token
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.leancloud.conftest import CONV, CONV_ID, FOREIGN, HERE, call, managed, ok, refused

SESSION = 0x1234
NOTIFICATIONS = "/1.1/rtm/notifications?client_id=tom&start_ts=1&notification_type=permanent"
INFO = "/1.1/classes/_ConversationMemberInfo"
OURS = INFO + f'?where={{"cid":"{CONV_ID}"}}&client_id=tom'
SIGN = "/1.1/rtm/sign"
APP_KEY = {"X-LC-Id": APP.id, "X-LC-Key": APP.key}
NOTHING = {"hasMore": False, "notifications": []}


def session_token(app: str = APP.id, session: int = SESSION, secret: str = APP.secret, expires_ms: int = 1 << 52) -> str:
    return make_session_token(secret, SessionToken(app, "tom", "phone", "", session, 1, expires_ms))


def shown(token: str | None = None) -> dict[str, str]:
    return {**APP_KEY, "X-LC-IM-Session-Token": session_token() if token is None else token}


@pytest.fixture
async def served(served: Served) -> Served:
    live = SessionInfo(f"{SESSION:016x}", APP.id, "tom", "phone", "", "", "leancloud", 1)
    served.broker.on(ListSessions, SessionList(sessions=[live], total=1))
    rows = [MemberInfo(user, role, False) for user, role in (("tom", Role.OWNER), ("ann", Role.MANAGER), ("bob", 0))]
    served.broker.on(ListMembers, MemberList(members=rows, total=3))
    return served


async def test_the_time_is_told_to_anybody(served: Served) -> None:
    answer = await call(served, "GET", "/1.1/date", headers={})
    found = answer.json()
    assert (answer.status_code, found["__type"], len(found["iso"])) == (200, "Date", 24)
    assert found["iso"][:4] == str(time.gmtime().tm_year)


async def test_nothing_is_replayed_to_a_session_that_is_open(served: Served) -> None:
    assert await ok(served, "GET", NOTIFICATIONS, headers=shown()) == NOTHING
    assert served.broker.last == Managed(app=APP.id, rev=APP.rev, command=ListSessions(user="tom"))
    # The oldest SDK sends a body with it.
    assert await ok(served, "GET", NOTIFICATIONS, headers=shown(), content=b"{}") == NOTHING


async def test_the_sign_of_the_app_key_is_as_good(served: Served) -> None:
    signed = {"X-LC-Id": APP.id, "X-LC-Sign": sign_request(APP.key, int(time.time() * 1000))}
    assert await ok(served, "GET", NOTIFICATIONS, headers={**shown(), **signed, "X-LC-Key": APP.key}) == NOTHING
    signed |= {"X-LC-Sign": signed["X-LC-Sign"] + ",master", "X-LC-IM-Session-Token": session_token()}
    assert await refused(served, "GET", NOTIFICATIONS, headers=signed) == (401, 401)


@pytest.mark.parametrize("path", [NOTIFICATIONS, OURS])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (APP_KEY, (401, 4105)),
        (shown("nonsense"), (401, 4112)),
        (shown(session_token(secret="another")), (401, 4112)),
        (shown(session_token(app="bare")), (401, 4112)),
        (shown(session_token(expires_ms=5)), (401, 4112)),
        (shown(session_token(session=7)), (401, 4112)),
        ({**shown(), "X-LC-Key": "wrong"}, (401, 401)),
        ({**shown(), "X-LC-Key": "master,master"}, (401, 401)),
        ({}, (401, 401)),
    ],
)
async def test_the_app_key_and_an_open_session_are_both_needed(
    served: Served, path: str, headers: dict[str, str], expected: tuple[int, int]
) -> None:
    assert await refused(served, "GET", path, headers=headers) == expected
    assert not any(isinstance(each, Managed) and isinstance(each.command, ListMembers) for each in served.broker.heard)


async def test_a_token_is_nobody_elses(served: Served) -> None:
    path = NOTIFICATIONS.replace("tom", "ann")
    assert await refused(served, "GET", path, headers=shown()) == (401, 4112)


async def test_roles_are_read_as_the_user_himself(served: Served) -> None:
    rows = [
        {"cid": CONV_ID, "clientId": "tom", "role": "Owner"},
        {"cid": CONV_ID, "clientId": "ann", "role": "Manager"},
    ]
    assert await ok(served, "GET", OURS, headers=shown()) == {"results": rows}
    asked = Managed(app=APP.id, rev=APP.rev, command=ListMembers(conversation=CONV), user="tom", privileged=False)
    assert served.broker.last == asked
    assert await ok(served, "GET", OURS) == {"results": rows}
    assert served.broker.last == managed(ListMembers(conversation=CONV))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (400, 1)),
        ("?where={}", (400, 1)),
        ("?where=x", (400, 107)),
        (f'?where={{"cid":"{FOREIGN}"}}', (404, 4303)),
        (f'?where={{"cid":"{IdForms("bare").hex24(1)}"}}', (404, 4303)),
    ],
)
async def test_roles_are_of_a_conversation(served: Served, query: str, expected: tuple[int, int]) -> None:
    assert await refused(served, "GET", INFO + query) == expected


@pytest.mark.parametrize("path", ["/1.1/classes/_Conversation", f"/1.1/classes/_Conversation/{CONV_ID}", f"{HERE}/members"])
async def test_the_app_key_opens_nothing_else(served: Served, path: str) -> None:
    assert await refused(served, "GET", path, headers=shown()) == (401, 401)
    assert served.broker.heard == []


def jwt(secret: str = APP.secret, **claims: Any) -> dict[str, str]:
    return {"session_token": make_jwt(secret, {"sub": "tom", **claims})}


@pytest.mark.parametrize("ago", [None, 0, 3600, 5 * 3600])
async def test_a_users_token_becomes_a_signature_no_younger_than_it_is(served: Served, ago: int | None) -> None:
    now = int(time.time())
    issued = {} if ago is None else {"iat": now - ago}
    found = await ok(served, "POST", SIGN, headers=APP_KEY, json=jwt(**issued))
    at = str(found["timestamp"])
    now_ms = int(time.time() * 1000)
    made = action_signed(APP.master_key, found["signature"], now_ms, Action.LOGIN, APP.id, "tom", at, found["nonce"])
    assert made == found["timestamp"]
    assert abs(found["timestamp"] - (now - (ago or 0)) * 1000) < 30_000
    assert served.broker.heard == []


NOW = int(time.time())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, 1)),
        ({"session_token": 5}, (401, 4112)),
        ({"session_token": "nonsense"}, (401, 4112)),
        (jwt("another"), (401, 4112)),
        (jwt(exp=NOW - 3600), (401, 4112)),
        (jwt(iat=NOW - 7 * 3600), (401, 4112)),
        (jwt(app_id="bare"), (401, 4112)),
        (jwt(act="kick", aud="tom"), (401, 4112)),
        (jwt(sub=""), (401, 4112)),
        (jwt(sub="tom:ann"), (401, 4112)),
    ],
)
async def test_what_logs_nobody_in_signs_for_nobody(served: Served, body: dict[str, Any], expected: tuple[int, int]) -> None:
    assert await refused(served, "POST", SIGN, headers=APP_KEY, json=body) == expected


async def test_the_later_path_says_whose_signature_it_is(served: Served) -> None:
    found = await ok(served, "GET", "/1.2/rtm/clients/sign", headers=APP_KEY, params=jwt())
    assert found.keys() == {"signature", "timestamp", "nonce", "client_id"}
    assert found["client_id"] == "tom"
    now_ms = int(time.time() * 1000)
    signed = (found["signature"], now_ms, Action.LOGIN, APP.id, "tom", str(found["timestamp"]), found["nonce"])
    assert action_signed(APP.master_key, *signed) == found["timestamp"]
    assert await refused(served, "GET", "/1.2/rtm/clients/sign", headers=APP_KEY, params=jwt("another")) == (401, 4112)


async def test_a_token_of_the_future_is_signed_for_now(served: Served) -> None:
    found = await ok(served, "POST", SIGN, headers=APP_KEY, json=jwt(iat=1e308))
    assert found["timestamp"] <= time.time() * 1000
