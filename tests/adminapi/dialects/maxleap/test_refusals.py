"""Bad input to every endpoint, other apps' ids, and the codes: ML-48, MUX-5 to MUX-11."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adminapi.dialect import Ask
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.maxleap import MaxLeap
from protocol.commands import GetUser
from protocol.errors import RETRY_LATER, Reason, Refused
from tests.adminapi.dialects.maxleap.conftest import HEADERS, OTHER, World
from tests.adminapi.dialects.maxleap.printed import EXAMPLES, Book

WITH_BODY = [example for example in EXAMPLES if example[3] is not None]
NO_OBJECTS = (
    b"{",
    b"[]",
    b'"text"',
    b"null",
    b"\xff",
    b'{"a":1,"a":2}',
    b"{} {}",
    b'{"a":NaN}',
    b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
)


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example[0])
async def test_a_body_that_is_no_json_object_is_5001(world: World, book: Book, example: Any) -> None:
    path = example[2].format(**book)
    for body in NO_OBJECTS:
        assert await world.refused(example[1], path, content=body) == (400, 5001)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
async def test_a_body_where_none_belongs_and_its_type_do_not_matter(world: World, book: Book, example: Any) -> None:
    """The vendor's clients say JSON of no body, and libraries add bodies to GET."""
    _, method, path, body, status, _ = example
    if body is None:
        answer = await world.call(method, path.format(**book), content=b"not json at all")
    else:
        headers = {**HEADERS, "content-type": "text/plain"}
        answer = await world.call(method, path.format(**book), json=body, headers=headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
async def test_ids_of_another_app_are_not_there(world: World, book: Book, example: Any) -> None:
    """The other app asks for what is ours: 5004 wherever an id of ours is in the path, and nothing is changed."""
    row, method, template, body, _, _ = example
    makes = {"ML-02", "ML-03", "ML-07", "ML-09", "ML-14", "ML-15", "ML-28", "ML-29", "ML-39", "ML-42"}
    before = len(world.script.log.commits)
    more = {"json": body} if body is not None else {}
    answer = await world.call(method, template.format(**book), headers=OTHER, **more)
    if row not in makes:
        assert (answer.status_code, answer.json()["errorCode"]) == (404, 5004), answer.text
        assert len(world.script.log.commits) == before
    elif row in ("ML-15", "ML-29"):
        assert answer.json() == []


async def test_what_one_app_makes_the_other_does_not_see(world: World) -> None:
    user, visitor, group = world.foreign()
    for path in (f"/ctx/{user}", f"/passengers/{visitor}", f"/groups/{group}", f"/groups/{group}/chats"):
        assert await world.refused("GET", path) == (404, 5004)
    assert await world.get("/ctx") == []
    await world.does("POST", f"/ctx/{user}/attributes", 201, {"ours": True})
    answer = await world.call("GET", f"/ctx/{user}/attributes", headers=OTHER)
    assert answer.json() == {}


async def test_another_method_is_5009_and_no_such_path_5004_in_this_form(world: World) -> None:
    """MUX-5."""
    for method, path in (
        ("PUT", "/ctx/tom"),
        ("PATCH", "/ctx/tom/attributes"),
        ("PUT", "/groups"),
        ("PUT", "/rooms/x"),
        ("GET", "/system"),
        ("GET", "/attachment"),
        ("DELETE", "/passengers/x"),
        ("GET", "/groups/x/members"),
    ):
        assert await world.refused(method, path) == (405, 5009)
    for path in ("/ctx/a/b", "/groups/x/y/z", "/rooms/x/chats", "/passengers/x/chats", "/system/x/y", "/attachment/x"):
        assert await world.refused("GET", path) == (404, 5004)


async def test_a_body_too_large_is_5010(world: World) -> None:
    assert await world.refused("POST", "/ctx/tom/attributes", content=b" " * 1_100_000) == (400, 5010)


async def test_mux6_headers_of_another_dialect_prove_nothing_here(world: World) -> None:
    headers = {"X-LC-Id": "666666", "X-LC-Key": "a-long-secret,master"}
    assert await world.refused("GET", "/groups", headers=headers) == (401, 5003)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_code_and_a_status_that_fits(reason: Reason) -> None:
    for path in ("/groups", "/attachment"):
        ask = Ask(method="POST", url_path=path)
        answer = MaxLeap().refusal(ask, Refused(reason, "what happened", retry_after_ms=1500))
        body = json.loads(answer.body)
        assert 5001 <= body["errorCode"] <= 5012
        assert body["errorMessage"] == ("Internal server error." if reason is Reason.INTERNAL else "what happened")
        assert (answer.status >= 500) is (reason is Reason.INTERNAL or (reason in RETRY_LATER and answer.status == 503))
        assert ("Retry-After", "2") in answer.headers


async def test_every_code_has_a_cause(world: World) -> None:
    """Those of the broker's own state; the others are caused above and in the files of their endpoints."""
    for reason, expected in (
        (Reason.STORAGE_UNAVAILABLE, (503, 5002)),
        (Reason.HISTORY_UNAVAILABLE, (503, 5002)),
        (Reason.INTERNAL, (500, 5002)),
        (Reason.OVERLOADED, (503, 5002)),
    ):
        world.broker.on(GetUser, Refused(reason, "the broker says so"))
        assert await world.refused("GET", "/ctx/tom") == expected


async def test_while_the_broker_is_away_it_is_5002(world: World) -> None:
    world.broker.stop()
    world.broker.drop()
    for _ in range(100):
        if (await world.call("GET", "/ctx/tom")).status_code == 503:
            break
    assert await world.refused("GET", "/ctx/tom") == (503, 5002)


def test_no_path_is_shared_with_another_dialect() -> None:
    """MUX-3."""
    assert not {root.split("/")[1] for root in MaxLeap.roots} & {root.split("/")[1] for root in LeanCloud.roots}
    for endpoint in MaxLeap.routes:
        assert any(endpoint.path == root or endpoint.path.startswith(root + "/") for root in MaxLeap.roots)
