"""HI-01 to HI-04, HI-18 to HI-20: what is signed is what the broker checks."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest

from protocol.signatures import Action, action_signed
from tests.adminapi.dialects.hisihi.conftest import APP, Office

ROOTS = ["/im", "/v1/im"]


def own(text: str) -> str:
    """HI-18, worked out here from the row."""
    return hmac.new(APP.master_key.encode(), text.encode(), hashlib.sha1).hexdigest()


def check_common(answer: dict[str, str], user: str) -> None:
    assert all(type(value) is str for value in answer.values())
    assert (answer["app_id"], answer["client_id"]) == (APP.id, user)
    assert len(answer["nonce"]) == 8
    assert answer["nonce"].isascii()
    assert answer["nonce"].isalnum()
    assert answer["timestamp"].isdigit()
    assert abs(int(answer["timestamp"]) - time.time()) < 60
    assert len(answer["signature"]) == 40


@pytest.mark.parametrize("root", ROOTS)
async def test_hi01_login(office: Office, root: str) -> None:
    answer = await office.ok("GET", f"{root}/signature/login/{APP.id}/3")
    assert set(answer) == {"timestamp", "signature", "nonce", "app_id", "client_id"}
    check_common(answer, "3")
    assert answer["signature"] == own(f"{APP.id}:3::{answer['timestamp']}:{answer['nonce']}")
    at = action_signed(
        APP.master_key, answer["signature"], round(time.time() * 1000), Action.LOGIN, APP.id, "3", answer["timestamp"],
        answer["nonce"],
    )  # fmt: skip
    assert at == int(answer["timestamp"]) * 1000


@pytest.mark.parametrize("root", ROOTS)
async def test_hi02_conversation(office: Office, root: str) -> None:
    answer = await office.ok("GET", f"{root}/signature/conversation/{APP.id}/2/3:4:5:6")
    assert set(answer) == {"timestamp", "signature", "nonce", "sorted_member_ids", "app_id", "client_id"}
    check_common(answer, "2")
    assert answer["sorted_member_ids"] == "3:4:5:6"
    assert answer["signature"] == own(f"{APP.id}:2:3:4:5:6:{answer['timestamp']}:{answer['nonce']}")


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("action", ["invite", "kick"])
async def test_hi03_hi04_invite_and_kick(office: Office, root: str, action: str) -> None:
    answer = await office.ok("GET", f"{root}/signature/{action}/{APP.id}/2/3/4:5:6")
    assert set(answer) == {
        "action", "signature", "conversation_id", "app_id", "nonce", "sorted_member_ids", "client_id", "timestamp",
    }  # fmt: skip
    check_common(answer, "2")
    assert (answer["action"], answer["conversation_id"], answer["sorted_member_ids"]) == (action, "3", "4:5:6")
    assert answer["signature"] == own(f"{APP.id}:2:3:4:5:6:{answer['timestamp']}:{answer['nonce']}:{action}")


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("end", ["", "/"])
async def test_hi03_who_joins_by_himself_names_nobody(office: Office, root: str, end: str) -> None:
    answer = await office.ok("GET", f"{root}/signature/invite/{APP.id}/c2/3{end}")
    assert answer["sorted_member_ids"] == ""
    assert answer["signature"] == own(f"{APP.id}:c2:3::{answer['timestamp']}:{answer['nonce']}:invite")


async def test_the_members_are_signed_in_ascending_order_and_echoed_so(office: Office) -> None:
    answer = await office.ok("GET", f"/im/signature/invite/{APP.id}/c2/abc/c9:c10:c2")
    assert answer["sorted_member_ids"] == "c10:c2:c9"
    at = action_signed(
        APP.master_key, answer["signature"], round(time.time() * 1000), Action.INVITE, APP.id, "c2", answer["timestamp"],
        answer["nonce"], conversation="abc", members="c10:c2:c9",
    )  # fmt: skip
    assert at is not None


async def test_no_two_signatures_are_alike(office: Office) -> None:
    answers = [await office.ok("GET", f"/im/signature/login/{APP.id}/c3") for _ in range(20)]
    assert len({answer["nonce"] for answer in answers}) == 20
    assert len({answer["signature"] for answer in answers}) == 20


@pytest.mark.parametrize(
    "path",
    [
        "login/666666/a:b",
        "login/666666/a%20b",
        "login/666666/" + "c" * 129,
        "conversation/666666/c2/3::4",
        "conversation/666666/c2/:",
        "invite/666666/c2/a:b/c3",
        "invite/666666/c2/3/c3:%00",
        "kick/666666/c2/%01/c3",
        "kick/666666/c%0A2/3/c3",
    ],
)
async def test_what_would_make_one_signature_pass_for_another_is_not_signed(office: Office, path: str) -> None:
    answer = await office.call("GET", f"/im/signature/{path}")
    assert (answer.status_code, answer.json()["code"]) == (400, 1000)
    assert "signature" not in answer.json()


@pytest.mark.parametrize("path", ["login/666666", "conversation/666666/c2", "kick/666666/c2/3", "other/666666/c2"])
async def test_signatures_of_nothing_are_no_endpoint(office: Office, path: str) -> None:
    assert await office.refused("GET", f"/im/signature/{path}") == (404, 1001)
    assert await office.refused("POST", "/im/signature/login/666666/c2") == (405, 1008)
