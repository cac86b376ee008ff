"""Who may call: HTTP Basic with app id and master secret, and what is said without it (JM-27 to JM-29)."""

from __future__ import annotations

import base64

import pytest

from tests.adminapi.conftest import APP, BARE
from tests.adminapi.dialects.jmessage.conftest import Jiguang, basic, error_of


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, 899007),
        ({"Authorization": ""}, 401, 899007),
        ({"X-LC-Id": APP.id, "X-LC-Key": APP.master_key}, 401, 899007),
        ({"Authorization": "Basic"}, 401, 899008),
        ({"Authorization": "Basic !!!"}, 401, 899008),
        ({"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}, 401, 899008),
        ({"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()}, 401, 899008),
        ({"Authorization": f"Bearer {APP.master_key}"}, 401, 899008),
        (basic(secret=""), 401, 899008),
        (basic(secret="wrong"), 401, 899008),
        (basic(secret="mästér"), 401, 899008),
        (basic(secret=APP.key), 401, 899008),
        (basic(secret=BARE.master_key), 401, 899008),
        (basic("nobody"), 400, 899009),
        (basic("gone", "m3"), 400, 899009),
        (basic("", ""), 400, 899009),
    ],
)
async def test_jm27_to_29_proof(served: Jiguang, headers: dict[str, str], status: int, code: int) -> None:
    texts = {899007: "Missing authen info.", 899008: "Basic authentication failed.", 899009: "appkey not exists"}
    answer = await served.call("GET", "/v1/users/tom", headers=headers)
    assert error_of(answer, status, code) == texts[code]
    assert ("www-authenticate" in answer.headers) is (status == 401)
    assert served.broker.heard == []


async def test_proof_in_any_case_and_for_each_app_its_own(served: Jiguang) -> None:
    headers = {"authorization": basic()["Authorization"].replace("Basic", "basic")}
    assert (await served.call("GET", "/v1/users/tom", headers=headers)).status_code == 200
    assert (await served.call("GET", "/v1/users/tom", headers=basic("bare", "m2"))).status_code == 200
    assert served.broker.last.app == "bare"
