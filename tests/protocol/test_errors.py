"""Refusals and close reasons: closed sets, with the close codes of DESIGN 3."""

from __future__ import annotations

from protocol.errors import RETRY_LATER, CloseReason, Reason, Refused


def test_a_refusal_without_detail_says_its_reason_in_words() -> None:
    refused = Refused(Reason.UNKNOWN_USER)
    assert refused.detail == "unknown user"
    assert str(refused) == "unknown_user: unknown user"
    assert refused.retry_after_ms == 0


def test_a_refusal_keeps_its_detail_and_retry_time() -> None:
    refused = Refused(Reason.TOO_FAST, "Slow down.", retry_after_ms=900)
    assert (refused.detail, refused.retry_after_ms) == ("Slow down.", 900)


def test_words_of_reasons_are_distinct() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
    assert len({reason.word for reason in CloseReason}) == len(CloseReason)


def test_close_codes_say_whether_to_come_back() -> None:
    final = {CloseReason.REPLACED, CloseReason.KICKED, CloseReason.DELETED, CloseReason.BANNED, CloseReason.BAD_LOGIN}
    assert {reason for reason in CloseReason if reason.code and 4000 <= reason.code < 4500} == final
    again = {reason for reason in CloseReason if reason.code and 4500 <= reason.code < 5000}
    assert {reason.code for reason in again} == {4500, 4501, 4502, 4503, 4504, 4505}


def test_what_may_succeed_later_is_about_the_moment() -> None:
    assert Reason.LOGIN_CONFLICT in RETRY_LATER
    assert not RETRY_LATER & {Reason.BAD_TOKEN, Reason.BANNED, Reason.MISSING_FIELD, Reason.INTERNAL}
