"""Who may call (LC-27): the master key in either header, its sign within the window, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from adminapi.dialect import Ask, Headers
from adminapi.dialects.leancloud import LeanCloud
from protocol.apps import App, AppSettings
from protocol.errors import Reason, Refused
from protocol.signatures import sign_request
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.leancloud.conftest import AT, HERE, call, ok, refused

AN_HOUR = 3_600_000


def signed(key: str = APP.master_key, away_ms: int = 0, master: bool = True) -> str:
    return sign_request(key, int(time.time() * 1000) + away_ms, master=master)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret,master"}, None),
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret"}, None),
        ({"x-lc-id": APP.id, "x-lc-sign": lambda: signed()}, None),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(master=False)}, None),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(away_ms=-600_000)}, None),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(away_ms=-AN_HOUR)}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(away_ms=AN_HOUR)}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed("master")}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": "nonsense"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": ""}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret", "X-LC-Sign": "nonsense"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "master"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "master,master"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret,maste"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": ",master"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": ""}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "geheim-ü".encode()}, (401, 401)),
        ({"X-LC-Id": "bare", "X-LC-Key": "a-long-secret,master"}, (401, 401)),
        ({"X-LC-Id": APP.id}, (401, 401)),
        ({"X-LC-Key": "a-long-secret,master"}, (401, 401)),
        ({}, (401, 401)),
        ({"X-LC-Id": "nobody", "X-LC-Key": "x"}, (401, 4100)),
        ({"X-LC-Id": "gone", "X-LC-Key": "m3,master"}, (401, 4100)),
        ({"app-id": APP.id, "app-key": "a-long-secret"}, (401, 401)),
    ],
)
async def test_only_the_master_key_proves_a_back_office(
    served: Served, headers: dict[str, Any], expected: tuple[int, int] | None
) -> None:
    given = {name: value() if callable(value) else value for name, value in headers.items()}
    if expected is None:
        assert await ok(served, "GET", f"{HERE}/members", headers=given)
    else:
        assert await refused(served, "GET", f"{HERE}/members", headers=given) == expected
        assert served.broker.heard == []


async def test_the_app_key_is_told_what_is_missing(served: Served) -> None:
    answer = await call(served, "DELETE", HERE, headers={"X-LC-Id": APP.id, "X-LC-Key": APP.key})
    assert answer.json()["error"].startswith("Unauthorized.")
    assert "master key" in answer.json()["error"]
    assert APP.master_key not in answer.text


def with_settings(**settings: Any) -> App:
    return msgspec.structs.replace(APP, settings=AppSettings(**settings))


def test_an_app_without_a_window_takes_a_sign_of_any_time() -> None:
    headers = Headers([("X-LC-Id", APP.id), ("X-LC-Sign", sign_request(APP.master_key, AT))])
    ask = Ask(method="GET", headers=headers, now_s=time.time())
    anytime = with_settings(sign_window_seconds=0)
    assert LeanCloud().admit(ask, {APP.id: anytime}).app is anytime
    with pytest.raises(Refused) as error:
        LeanCloud().admit(ask, {APP.id: APP})
    assert error.value.reason is Reason.UNAUTHORIZED


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("X-LC-Key", APP.key, True),
        ("X-LC-Key", APP.key + ",master", False),
        ("X-LC-Sign", lambda: signed(APP.key, master=False), True),
        ("X-LC-Sign", lambda: signed(APP.key), False),
        ("X-LC-Sign", lambda: signed(), True),
    ],
)
def test_an_app_may_take_its_key_but_never_for_the_master_key(name: str, value: Any, holds: bool) -> None:
    headers = Headers([("X-LC-Id", APP.id), (name, value() if callable(value) else value)])
    ask = Ask(method="GET", headers=headers, now_s=time.time())
    loose = with_settings(leancloud_app_key=True)
    if holds:
        assert LeanCloud().admit(ask, {APP.id: loose}).app is loose
    else:
        with pytest.raises(Refused):
            LeanCloud().admit(ask, {APP.id: loose})
