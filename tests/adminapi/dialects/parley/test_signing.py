"""Operators sign in and out over HTTP, and the audit log names them."""

from __future__ import annotations

import json

from adminapi.operators.attempts import PER_ACCOUNT
from protocol.commands import Done, Kick
from tests.adminapi.conftest import APP, OPERATOR, Served
from tests.adminapi.dialects.parley.conftest import PASSWORD, SignIn


async def test_who_signs_in_is_told_who_he_is_until_he_signs_out(served: Served, sign_in: SignIn) -> None:
    support = await sign_in("support")
    me = (await served.client.get("/-/api/me", headers=support)).json()
    assert (me["name"], me["role"], me["app"]) == ("support", "support", None)
    assert me["expires_ms"] > 0
    assert (await served.client.get("/-/api/apps", headers=support)).status_code == 200
    other = await sign_in("support")
    answer = await served.client.post("/-/api/sign-out", headers=support)
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await served.client.get("/-/api/me", headers=support)).status_code == 401
    assert (await served.client.get("/-/api/me", headers=other)).status_code == 200
    assert "set-cookie" not in answer.headers


async def test_keys_and_the_operators_token_are_told_who_they_are_too(served: Served) -> None:
    me = await served.client.get("/-/api/me", headers={"authorization": f"Bearer {OPERATOR}"})
    assert me.json() == {"name": "operator", "role": "admin", "expires_ms": None, "app": None}
    own = {"authorization": f"Bearer {APP.master_key}"}
    assert (await served.client.get("/-/api/me", headers=own)).json()["app"] == APP.id
    assert (await served.client.post("/-/api/sign-out", headers=own)).json() == {}
    assert (await served.client.get("/-/api/me", headers=own)).status_code == 200


async def test_a_key_of_another_session_does_not_keep_one_signed_in(served: Served, sign_in: SignIn) -> None:
    for role in ("support", "support", "viewer"):
        headers = {**await sign_in(role), "idempotency-key": "k"}
        assert (await served.client.post("/-/api/sign-out", headers=headers)).json() == {}
        assert (await served.client.get("/-/api/me", headers=headers)).status_code == 401


async def test_a_wrong_password_is_refused_and_too_many_are_held(served: Served, sign_in: SignIn) -> None:
    wrong = {"name": "viewer", "password": "guess"}
    for _ in range(PER_ACCOUNT):
        answer = await served.client.post("/-/api/sign-in", json=wrong)
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "wrong_password")
    answer = await served.client.post("/-/api/sign-in", json={"name": "viewer", "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (429, "too_fast")
    assert int(answer.headers["retry-after"]) > 200
    assert (await served.client.post("/-/api/sign-in", json={"name": "viewer"})).status_code == 400


async def test_sign_in_and_out_work_while_the_broker_is_away(served: Served, sign_in: SignIn) -> None:
    served.broker.stop()
    viewer = await sign_in("viewer")
    assert (await served.client.get("/-/api/me", headers=viewer)).json()["name"] == "viewer"
    assert (await served.client.post("/-/api/sign-out", headers=viewer)).status_code == 200


async def test_the_audit_log_names_the_operator(served: Served, sign_in: SignIn) -> None:
    served.broker.on(Kick, Done(time_ms=1))
    support = await sign_in("support")
    await served.client.post(f"/-/api/apps/{APP.id}/users/tom/kick", headers=support)
    await served.client.post("/-/api/sign-out", headers=support)
    lines = [json.loads(line) for line in served.audit.tail(10)]
    assert [(line["operator"], line["proof"], line["commands"], line["app"]) for line in lines] == [
        ("support", "password", ["SignIn"], ""),
        ("support", "session", ["Kick"], APP.id),
        ("support", "session", ["SignOut"], ""),
    ]
    assert PASSWORD not in json.dumps(lines)
