"""Every refusal with the code and sentence SOCKET.md gives it."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Reason, Refused
from protocol.wires.native.codes import CODES


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_answered_with_its_code_and_a_sentence(reason: Reason, speaker: Any) -> None:
    answer = speaker.answer({"type": "friend.list", "id": 3}, Refused(reason, "Because."))
    text = "Internal server error. No information available" if reason is Reason.INTERNAL else "Because."
    assert list(answer.items()) == [("type", "friend.list.error"), ("id", 3), ("code", CODES[reason]), ("msg", text)]


def test_a_retry_time_is_data_of_the_error(speaker: Any) -> None:
    answer = speaker.answer({"type": "friend.list"}, Refused(Reason.TOO_FAST, "Slow.", retry_after_ms=250))
    assert answer == {"type": "friend.list.error", "code": 4029, "msg": "Slow.", "data": {"retry_after_ms": 250}}


def test_codes_are_those_of_the_contract() -> None:
    assert set(CODES) == set(Reason)
    printed = "1 211 212 213 214 4001 4002 4003 4004 4005 4010 4011 4012 4013 4014 4015 4016 4017 4018 4029 4030 4405 4406"
    assert set(CODES.values()) == {int(code) for code in f"{printed} 4601 5030 5031 5032 5033 5034".split()}
