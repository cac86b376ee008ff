"""Who may call: ML-45, ML-46, MUX-6."""

from __future__ import annotations

import time

import msgspec
import pytest

from adminapi.dialect import Ask, Headers
from adminapi.dialects.maxleap import MaxLeap
from protocol.errors import Reason, Refused
from protocol.signatures import sign_request
from tests.adminapi.dialects.maxleap.conftest import OURS, THEIRS, World

NOW_MS = 1456373078542
"""The time the seed's examples are signed at."""
APPS = {app.id: app for app in (OURS, THEIRS, msgspec.structs.replace(THEIRS, id="off", disabled=True))}


def admitted(headers: dict[str, str], *, at_ms: int = NOW_MS, window_seconds: int = 900) -> str | Reason:
    settings = msgspec.structs.replace(OURS.settings, sign_window_seconds=window_seconds)
    apps = {**APPS, OURS.id: msgspec.structs.replace(OURS, settings=settings)}
    ask = Ask(method="GET", headers=Headers(list(headers.items())), now_s=at_ms / 1000)
    try:
        caller = MaxLeap().admit(ask, apps)
    except Refused as refused:
        return refused.reason
    assert caller.privileged
    return caller.app.id


def signed(key: str = OURS.key, at: int | str = NOW_MS, app: str = OURS.id, **more: str) -> dict[str, str]:
    return {"X-ML-AppId": app, "X-ML-Request-Sign": sign_request(key, at), **more}


@pytest.mark.parametrize(
    "headers",
    [
        signed(),
        signed(OURS.master_key),
        {key.lower(): value for key, value in signed().items()},
        {key.upper(): value for key, value in signed().items()},
        signed(**{"X-Parrot-Version": "2"}),
        {"X-ML-AppId": OURS.id, "x-ml-apikey": OURS.key},
        {"X-ML-AppId": f" {OURS.id} ", "X-ML-APIKey": f" {OURS.master_key} "},
        signed(**{"X-ML-APIKey": OURS.key}),
        signed(at=NOW_MS - 900_000),
        signed(at=NOW_MS + 900_000),
        {**signed(), "X-ML-Request-Sign": sign_request(OURS.key, NOW_MS).replace(",", " , ").upper()},
    ],
)
def test_a_key_or_a_sign_made_with_it(headers: dict[str, str]) -> None:
    assert admitted(headers) == OURS.id


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, Reason.MISSING_HEADER),
        ({"X-ML-AppId": OURS.id}, Reason.MISSING_HEADER),
        ({"X-ML-APIKey": OURS.key}, Reason.MISSING_HEADER),
        ({"X-LC-Id": OURS.id, "X-LC-Key": OURS.master_key}, Reason.MISSING_HEADER),
        ({"app-id": OURS.id, "app-key": OURS.master_key}, Reason.MISSING_HEADER),
        (signed(app="nobody"), Reason.UNKNOWN_APP),
        (signed(THEIRS.key, app="off"), Reason.UNKNOWN_APP),
        (signed(THEIRS.key), Reason.UNAUTHORIZED),
        (signed(""), Reason.UNAUTHORIZED),
        ({"X-ML-AppId": OURS.id, "X-ML-APIKey": ""}, Reason.UNAUTHORIZED),
        ({"X-ML-AppId": OURS.id, "X-ML-APIKey": OURS.secret}, Reason.UNAUTHORIZED),
        ({"X-ML-AppId": OURS.id, "X-ML-APIKey": THEIRS.key}, Reason.UNAUTHORIZED),
        (signed(at=NOW_MS - 900_001), Reason.UNAUTHORIZED),
        (signed(at=NOW_MS + 900_001), Reason.UNAUTHORIZED),
        (signed(at="soon"), Reason.UNAUTHORIZED),
        ({"X-ML-AppId": OURS.id, "X-ML-Request-Sign": ""}, Reason.UNAUTHORIZED),
        (
            {**signed(), "X-ML-Request-Sign": "aa2cdfc982f44a770b4be0dec7d3a1df,1456373078542"},
            Reason.UNAUTHORIZED,
        ),
        (signed(**{"X-ML-APIKey": "wrong"}), Reason.UNAUTHORIZED),
        ({**signed("wrong"), "X-ML-APIKey": OURS.key}, Reason.UNAUTHORIZED),
        ({"X-ML-AppId": OURS.id, "X-ML-APIKey": "\udcff"}, Reason.UNAUTHORIZED),
    ],
)
def test_whoever_proves_nothing_is_refused(headers: dict[str, str], why: Reason) -> None:
    assert admitted(headers) is why


def test_the_apps_window_may_be_another_or_none() -> None:
    day = 86_400_000
    assert admitted(signed(), at_ms=NOW_MS + day) is Reason.UNAUTHORIZED
    assert admitted(signed(), at_ms=NOW_MS + day, window_seconds=86_400) == OURS.id
    assert admitted(signed(), at_ms=NOW_MS + 400 * day, window_seconds=0) == OURS.id


async def test_a_sign_of_now_over_http(world: World) -> None:
    headers = signed(at=time.time_ns() // 1_000_000)
    assert (await world.call("GET", "/groups", headers=headers)).json() == []


async def test_a_refusal_says_what_to_send(world: World) -> None:
    for headers in ({}, {"X-ML-AppId": OURS.id}, signed(), {"X-ML-AppId": "nobody", "X-ML-APIKey": "x"}):
        answer = await world.call("GET", "/ctx/tom", headers=headers)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, 5003)
        assert "X-ML-" in answer.json()["errorMessage"]
