"""Who may call (HI-24, DESIGN 5, MUX-14): closed by default, in every spelling; the app's own switch opens it."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from adminapi.dialect import Ask, Headers
from adminapi.dialects.hisihi import Hisihi
from protocol.errors import Reason, Refused
from tests.adminapi.dialects.hisihi.conftest import APP, GROUP, OPEN, OTHER, Office

BEARER = {"Authorization": f"Bearer {APP.master_key}"}
SIGN = f"/im/signature/login/{APP.id}/c3"
BASIC = "Basic " + base64.b64encode(b"a-token:").decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"app-id": APP.id, **BEARER},
        {"app-id": APP.id, "Authorization": f"bearer  {APP.master_key}"},
        {"app-id": APP.id, "app-key": APP.master_key},
        {"app-id": APP.id, "app-key": APP.key},
        {"app-id": APP.id, "app-key": APP.key, **BEARER},
        {"App-Id": APP.id, "App-Key": APP.key, "Authorization": BASIC},
    ],
)
async def test_these_prove_the_back_office(office: Office, headers: Mapping[str, str]) -> None:
    assert (await office.ok("GET", "/im/groups", headers=headers))["total_count"] == 0
    assert (await office.ok("GET", "/v1/im/groups", headers=headers))["total_count"] == 0


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "app-id"),
        (BEARER, "app-id"),
        ({"app-id": APP.id}, "master key"),
        ({"app-id": APP.id, "Authorization": BASIC}, "master key"),
        ({"app-id": APP.id, "Authorization": "Bearer"}, "master key"),
        ({"app-id": APP.id, "Authorization": f"Bearer {APP.key}"}, "Bearer"),
        ({"app-id": APP.id, "Authorization": f"Bearer {OTHER.master_key}"}, "Bearer"),
        ({"app-id": APP.id, "app-key": ""}, "app-key"),
        ({"app-id": APP.id, "app-key": OTHER.key}, "app-key"),
        ({"app-id": APP.id, "app-key": APP.secret}, "app-key"),
        ({"app-id": APP.id, "app-key": "wrong", **BEARER}, "app-key"),
        ({"app-id": APP.id, "app-key": APP.key, "Authorization": "Bearer wrong"}, "Bearer"),
        ({"app-id": "nobody", **BEARER}, "no app"),
        ({"app-id": "gone", "app-key": "k4"}, "no app"),
        ({"X-LC-Id": APP.id, "X-LC-Key": f"{APP.master_key},master"}, "app-id"),
    ],
)
async def test_everything_else_is_refused(office: Office, headers: Mapping[str, str], says: str) -> None:
    for method, path in (("GET", "/im/groups"), ("POST", "/v1/im/group"), ("DELETE", "/im/group/1")):
        answer = await office.call(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, 1005)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert says in answer.json()["msg"]
    assert await office.refused("GET", "/im/groups", headers=headers) == (401, 1005)
    assert office.broker.heard == []


async def test_signatures_name_their_app_in_the_path_and_take_the_master_key_only(office: Office) -> None:
    for headers in (BEARER, {"app-key": APP.master_key}, {"app-id": APP.id, **BEARER}):
        assert (await office.ok("GET", SIGN, headers=headers))["app_id"] == APP.id
    for headers in ({}, {"app-key": APP.key}, {"app-id": APP.id, "app-key": APP.key}):
        assert await office.refused("GET", SIGN, headers=headers) == (401, 1005)
    # A master key opens its own app alone, and the app of the path is the app of the header.
    assert await office.refused("GET", f"/im/signature/login/{OTHER.id}/c3", headers=BEARER) == (401, 1005)
    answer = await office.call("GET", SIGN, headers={"app-id": OTHER.id, **BEARER})
    assert (answer.status_code, answer.json()["code"]) == (401, 1005)
    assert "different apps" in answer.json()["msg"]


class TestDefault:
    """`[hisihi] app`."""

    @pytest.fixture
    def default_app(self) -> str:
        return APP.id

    async def test_a_call_that_names_no_app_is_for_that_one(self, office: Office) -> None:
        assert (await office.ok("GET", "/im/groups", headers=BEARER))["total_count"] == 0
        assert await office.refused("GET", "/im/groups", headers={}) == (401, 1005)
        other = {"app-id": OTHER.id, "Authorization": f"Bearer {OTHER.master_key}"}
        assert (await office.ok("GET", "/im/groups", headers=other))["total_count"] == 0
        assert office.broker.last.app == OTHER.id


class TestUnsigned:
    """The document's own habit, where the app turns it on."""

    @pytest.fixture
    def default_app(self) -> str:
        return OPEN.id

    async def test_nothing_has_to_be_proved(self, office: Office) -> None:
        for headers in ({}, {"app-id": OPEN.id}, {"Authorization": BASIC}):
            made = await office.ok("POST", "/im/group", 201, headers=headers, json=GROUP)
            assert made["group_name"] == "666"
            answer = await office.ok("GET", f"/im/signature/login/{OPEN.id}/c3", headers=headers)
            assert answer["app_id"] == OPEN.id
        # Only there, and what is sent must still hold.
        assert await office.refused("GET", "/im/groups", headers={"app-id": APP.id}) == (401, 1005)
        assert await office.refused("GET", SIGN, headers={}) == (401, 1005)
        assert await office.refused("GET", "/im/groups", headers={"Authorization": "Bearer wrong"}) == (401, 1005)
        assert await office.refused("GET", "/im/groups", headers={"app-key": "wrong"}) == (401, 1005)


def test_an_unknown_default_is_said_so() -> None:
    ask = Ask(method="GET", headers=Headers([("authorization", "Bearer x")]))
    with pytest.raises(Refused) as caught:
        Hisihi("nobody").admit(ask, {APP.id: APP})
    assert caught.value.reason is Reason.UNKNOWN_APP
