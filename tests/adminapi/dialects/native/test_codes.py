"""Every refusal with its code in the envelope: the broker's, those before any endpoint, and while the broker is away."""

from __future__ import annotations

import pytest
import trio

from adminapi.dialects.native import Native
from protocol.commands import DeleteConversation, Done, ListMembers
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.native.conftest import CONV_ID, HEADERS


def test_every_reason_has_a_rendering() -> None:
    assert set(Native.renderings) == set(Reason)
    assert all(rendering.status == 200 for rendering in Native.renderings.values())


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.INTERNAL, 1),
        (Reason.UNKNOWN_USER, 211),
        (Reason.BAD_USER_ID, 212),
        (Reason.BANNED, 213),
        (Reason.WRONG_PASSWORD, 214),
        (Reason.MISSING_FIELD, 4001),
        (Reason.MISSING_HEADER, 4002),
        (Reason.UNKNOWN_APP, 4002),
        (Reason.NOT_LOGGED_IN, 4003),
        (Reason.UNAUTHORIZED, 4004),
        (Reason.NOT_ALLOWED, 4005),
        (Reason.UNKNOWN_CONVERSATION, 4011),
        (Reason.MUTED, 4012),
        (Reason.NOT_A_MEMBER, 4013),
        (Reason.FULL, 4014),
        (Reason.BLOCKED, 4015),
        (Reason.UNKNOWN_MESSAGE, 4016),
        (Reason.TOO_BROAD, 4017),
        (Reason.EXISTS, 4018),
        (Reason.TOO_FAST, 4029),
        (Reason.TOO_LARGE, 4030),
        (Reason.BAD_KIND, 4405),
        (Reason.BAD_FORMAT, 4406),
        (Reason.BAD_FILE, 4601),
        (Reason.STORAGE_UNAVAILABLE, 5030),
        (Reason.OVERLOADED, 5031),
        (Reason.HISTORY_UNAVAILABLE, 5032),
        (Reason.GOING_AWAY, 5033),
        (Reason.OUTCOME_UNKNOWN, 5034),
    ],
)
async def test_what_the_broker_refuses_has_its_code(served: Served, reason: Reason, code: int) -> None:
    served.broker.on(DeleteConversation, Refused(reason, "the user 7", retry_after_ms=1500))
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}", headers={**HEADERS, "request-id": "q"})
    text = "Internal server error. No information available" if code == 1 else "the user 7"
    assert answer.status_code == 200
    assert answer.json() == {"code": code, "message": text, "data": None, "request-id": "q"}
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/im/conversations/a/b/c", b"", 1),
        ("GET", "/im/file", b"", 1),
        ("GET", "/im/file/upload", b"", 1),
        ("PATCH", "/im/conversations", b"{}", 1),
        ("OPTIONS", "/im/conversations", b"", 1),
        ("POST", "/im/conversations", b"{", 4406),
        ("POST", "/im/conversations", b"[]", 4406),
        ("POST", "/im/conversations", b'{"a":1,"a":2}', 4406),
        ("POST", "/im/conversations", b'{"a":NaN}', 4406),
        ("POST", "/im/conversations", b"\xff\xfe", 4406),
        ("POST", "/im/conversations", b"[" * 100_000, 4406),
        ("POST", "/im/conversations", b" " * 1_100_000, 4030),
        ("POST", "/im/file/upload", b"{}", 4601),
    ],
)
async def test_what_fails_before_routing_answers_in_the_envelope(
    served: Served, method: str, path: str, body: bytes, code: int
) -> None:
    answer = await served.call(method, path, content=body)
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert set(answer.json()) == {"code", "message", "data", "request-id"}


async def test_an_unforeseen_error_is_code_1_and_shows_nothing(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.broker.on(ListMembers, Done(time_ms=1))
    answer = await served.call("GET", f"/im/conversations/{CONV_ID}/members")
    assert answer.json()["code"] == 1
    assert answer.json()["message"] == "Internal server error. No information available"
    assert "unforeseen" in caplog.text


async def test_while_the_broker_is_away_the_answer_is_try_again_later_and_it_recovers(
    served: Served, nursery: trio.Nursery
) -> None:
    served.broker.stop()
    for _ in range(3):
        answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}")
        await trio.sleep(0.01)
    assert answer.json()["code"] == 5031
    assert "retry-after" in answer.headers
    await nursery.start(served.broker.run)
    with trio.fail_after(5):
        await served.channel.wait_ready()
    assert (await served.call("DELETE", f"/im/conversations/{CONV_ID}")).json()["code"] == 0


async def test_a_write_in_flight_when_the_broker_dies_is_5034(served: Served) -> None:
    served.broker.on(DeleteConversation, lambda command, managed: served.broker.drop())
    answer = await served.call("DELETE", f"/im/conversations/{CONV_ID}")
    assert answer.json()["code"] == 5034
