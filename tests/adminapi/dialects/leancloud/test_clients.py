"""What a released app's SDK asks with the app key: the key opens nothing by itself (`protocols.md` 2.11, 2.12)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from protocol.commands import ListMembers, ListMissed, ListSessions, Managed, MemberList, Missed, SessionList
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.pushes import ConversationJoined, ConversationUpdated, MembersJoined, RoleChanged
from protocol.records import Kind, MemberInfo, Role, SessionInfo
from protocol.signatures import Action, action_signed, sign_request
from protocol.tokens import SessionToken, make_jwt, make_session_token
from protocol.wires.leancloud.names import iso
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.leancloud.conftest import (
    CONV,
    CONV_ID,
    FOREIGN,
    HERE,
    UPDATED,
    UPDATED_MS,
    call,
    managed,
    ok,
    refused,
)

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
    served.broker.on(ListMissed, Missed(events=[], more=False))
    return served


async def test_the_time_is_told_to_anybody(served: Served) -> None:
    answer = await call(served, "GET", "/1.1/date", headers={})
    found = answer.json()
    assert (answer.status_code, found["__type"], len(found["iso"])) == (200, "Date", 24)
    assert found["iso"][:4] == str(time.gmtime().tm_year)


async def test_what_was_missed_is_replayed_to_a_session_that_is_open(served: Served) -> None:
    said: dict[str, Any] = {"app": APP.id, "conversation": CONV, "by": "ann", "kind": Kind.GROUP}
    events = [
        ConversationJoined(**said, at_ms=5),
        MembersJoined(**said, users=("bob", "eve"), at_ms=6),
        RoleChanged(**{**said, "by": ""}, user="bob", role=1, at_ms=7),
        ConversationUpdated(**said, name="x", attributes=b'{"a":1}', time_ms=UPDATED_MS, at_ms=UPDATED_MS),
    ]
    served.broker.on(ListMissed, Missed(events=events, more=True))
    row = {"cmd": "conv", "notificationType": 1, "cid": CONV_ID, "initBy": "ann", "udate": iso(5)}
    data = {"data": '{"a":1,"name":"x"}'}
    assert await ok(served, "GET", NOTIFICATIONS, headers=shown()) == {
        "hasMore": True,
        "notifications": [
            {**row, "op": "joined", "serverTs": 5},
            {**row, "op": "members_joined", "serverTs": 6, "udate": iso(6), "m": ["bob", "eve"]},
            {
                **{key: value for key, value in row.items() if key != "initBy"},
                "op": "member_info_changed",
                "serverTs": 7,
                "udate": iso(7),
                "info": {"pid": "bob", "role": "Manager"},
            },
            {
                **row,
                "op": "updated",
                "serverTs": UPDATED_MS,
                "attr": data,
                "attrModified": data,
                "udate": UPDATED["updatedAt"],
            },
        ],
    }
    looked, asked = served.broker.heard[-2:]
    assert looked == Managed(app=APP.id, rev=APP.rev, command=ListSessions(user="tom"))
    assert asked == Managed(app=APP.id, rev=APP.rev, command=ListMissed(since_ms=1), user="tom", privileged=False)


async def test_the_oldest_sdk_sends_a_body_with_it(served: Served) -> None:
    assert await ok(served, "GET", NOTIFICATIONS, headers=shown(), content=b"{}") == NOTHING


async def test_a_back_office_reads_for_a_client_it_names(served: Served) -> None:
    assert await ok(served, "GET", NOTIFICATIONS) == NOTHING
    assert served.broker.last == managed(ListMissed(since_ms=1), "tom")
    assert await refused(served, "GET", "/1.1/rtm/notifications?start_ts=1") == (400, 1)


async def test_what_is_about_others_is_told_apart_to_clients_that_read_it_so(served: Served) -> None:
    said: dict[str, Any] = {"app": APP.id, "conversation": CONV, "by": "ann", "kind": Kind.GROUP, "at_ms": 5}
    events = [
        ConversationJoined(**said),
        MembersJoined(**said, users=("bob",)),
        ConversationUpdated(**said, name="x", attributes=b'{"a":1}', time_ms=UPDATED_MS),
    ]
    served.broker.on(ListMissed, Missed(events=events, more=True))
    row = {"cmd": "conv", "notificationType": 1, "cid": CONV_ID, "initBy": "ann", "serverTs": 5, "udate": iso(5)}
    changed = {"attr": {"a": 1, "name": "x"}, "attrModified": {"a": 1, "name": "x"}}
    others = [{**row, "op": "members-joined", "m": ["bob"]}, {**row, "op": "updated", **changed}]
    droppable = {"hasMore": True, "notifications": others}
    assert await ok(served, "GET", NOTIFICATIONS.replace("permanent", "droppable"), headers=shown()) == droppable
    plain = NOTIFICATIONS.removesuffix("&notification_type=permanent")
    assert await ok(served, "GET", plain, headers=shown()) == {
        "permanent": {"hasMore": True, "notifications": [{**row, "op": "joined"}]},
        "droppable": {**droppable, "invalidLocalConvCache": True},
    }
    served.broker.on(ListMissed, Missed(events=events[:1], more=False))
    assert (await ok(served, "GET", plain, headers=shown()))["droppable"] == {**NOTHING, "invalidLocalConvCache": False}


async def test_what_is_no_time_and_no_kind_of_notification_is_refused(served: Served) -> None:
    assert await refused(served, "GET", NOTIFICATIONS.replace("start_ts=1", "start_ts=x"), headers=shown()) == (400, 107)
    assert await refused(served, "GET", NOTIFICATIONS.replace("permanent", "p"), headers=shown()) == (400, 107)
    served.broker.on(ListMissed, Refused(Reason.TOO_BROAD, "too many"))
    assert (await refused(served, "GET", NOTIFICATIONS, headers=shown()))[0] == 400


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


async def test_roles_are_read_without_a_where(served: Served) -> None:
    found = await ok(served, "GET", f"{INFO}?cid={CONV_ID}&client_id=tom", headers=shown())
    assert [row["clientId"] for row in found["results"]] == ["tom", "ann"]


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


async def test_a_token_of_the_future_is_signed_for_now(served: Served) -> None:
    found = await ok(served, "POST", SIGN, headers=APP_KEY, json=jwt(iat=1e308))
    assert found["timestamp"] <= time.time() * 1000
