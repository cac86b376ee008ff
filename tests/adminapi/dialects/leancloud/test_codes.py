"""Every refusal with its status, code and form (LC-26), those that come before any endpoint too."""

from __future__ import annotations

import pytest

from adminapi.dialects.leancloud import LeanCloud
from protocol.commands import DeleteConversation
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import HERE, ROOT, call, refused


def test_every_reason_has_a_rendering() -> None:
    assert set(LeanCloud.renderings) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
async def test_what_the_broker_refuses_has_its_code_and_a_status_that_means_it(served: Served, reason: Reason) -> None:
    served.broker.on(DeleteConversation, Refused(reason, "the user 7", retry_after_ms=1500))
    answer = await call(served, "DELETE", HERE)
    rendering = LeanCloud.renderings[reason]
    text = "Internal server error. No information available." if reason is Reason.INTERNAL else "the user 7"
    assert answer.status_code == rendering.status
    assert answer.json() == {"code": rendering.code, "error": text}
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (Reason.UNKNOWN_APP, 401, 4100),
        (Reason.UNKNOWN_CONVERSATION, 404, 4303),
        (Reason.FULL, 403, 4304),
        (Reason.UNKNOWN_USER, 404, 4401),
        (Reason.NOT_ALLOWED, 403, 4403),
        (Reason.UNKNOWN_MESSAGE, 404, 4404),
        (Reason.MUTED, 403, 4563),
        (Reason.UNAUTHORIZED, 401, 401),
        (Reason.TOO_FAST, 429, 429),
    ],
)
def test_the_codes_an_app_of_leanclouds_knows(reason: Reason, status: int, code: int) -> None:
    assert (LeanCloud.renderings[reason].status, LeanCloud.renderings[reason].code) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/1.2/rtm/nothing", b"", (404, 404)),
        ("GET", "/1.2", b"", (404, 404)),
        ("GET", f"{HERE}/members/tom", b"", (404, 404)),
        ("PATCH", HERE, b"{}", (405, 405)),
        ("OPTIONS", ROOT, b"", (405, 405)),
        ("POST", ROOT, b"{", (400, 107)),
        ("POST", ROOT, b"[]", (400, 107)),
        ("POST", ROOT, b'{"a":1,"a":2}', (400, 107)),
        ("POST", ROOT, b"\xff\xfe", (400, 107)),
        ("POST", ROOT, b"[" * 100_000, (400, 107)),
        ("POST", ROOT, b"name=x", (400, 107)),
        ("POST", ROOT, b" " * 1_100_000, (413, 116)),
        ("DELETE", f"{HERE}/members", b"null", (400, 1)),
    ],
)
async def test_what_fails_before_its_endpoint_answers_in_the_same_form(
    served: Served, method: str, path: str, body: bytes, expected: tuple[int, int]
) -> None:
    assert await refused(served, method, path, content=body) == expected
