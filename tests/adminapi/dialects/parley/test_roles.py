"""What a role may do: by the table of routes, for every route there is."""

from __future__ import annotations

import re

import pytest

from adminapi.dialect import Caller, Dialect, Endpoint, OperatorRole
from adminapi.dialects.parley import Parley
from adminapi.dialects.parley.endpoints.shapes import NO_APP
from protocol.errors import Refused
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.parley.conftest import SignIn

OPEN_TO_VIEWERS = {("POST", "/-/api/sign-in"), ("POST", "/-/api/sign-out")}
"""Which change nothing but the caller's own session."""


def changing(dialects: list[Dialect]) -> list[Endpoint]:
    """Every route of our own API that is not only read."""
    (own,) = [dialect for dialect in dialects if isinstance(dialect, Parley)]
    return [each for each in own.routes if each.method != "GET" and (each.method, each.path) not in OPEN_TO_VIEWERS]


async def test_no_route_that_changes_something_is_open_to_viewers(
    served: Served, sign_in: SignIn, dialects: list[Dialect]
) -> None:
    viewer, found = await sign_in("viewer"), changing(dialects)
    assert len(found) > 10
    for endpoint in found:
        path = re.sub(r"\{\w+\}", "x", endpoint.path.replace("{app}", APP.id))
        answer = await served.client.request(endpoint.method, path, headers=viewer, json={})
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "not_allowed"), endpoint.path
    assert not [command for command in served.broker.heard]


def test_each_route_that_changes_something_says_who_may(dialects: list[Dialect]) -> None:
    assert [each.path for each in changing(dialects) if each.role is None or each.open] == []


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        ("viewer", "GET", f"/-/api/apps/{APP.id}", True),
        ("support", "POST", f"/-/api/apps/{APP.id}/users/tom/kick", True),
        ("support", "DELETE", f"/-/api/apps/{APP.id}/users/tom", False),
        ("admin", "DELETE", f"/-/api/apps/{APP.id}/users/tom", True),
    ],
)
async def test_what_a_role_may_do(served: Served, sign_in: SignIn, role: str, method: str, path: str, allowed: bool) -> None:
    answer = await served.client.request(method, path, headers=await sign_in(role), json={} if method == "POST" else None)
    assert (answer.status_code != 403) is allowed
    if not allowed:
        assert answer.json()["error"]["message"] == "This takes an operator with the role admin, and support is support."


def test_a_key_opens_nothing_of_the_whole_installation() -> None:
    async def run(ask: object, broker: object) -> object:
        return None

    endpoint = Endpoint("GET", "/", run, None, operators=True)  # type: ignore[arg-type]
    endpoint.check(Caller(app=NO_APP, whole=True, role=OperatorRole.VIEWER))
    with pytest.raises(Refused, match="not_allowed"):
        endpoint.check(Caller(app=APP))
