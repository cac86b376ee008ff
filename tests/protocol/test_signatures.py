"""Signatures: the vendor's worked example, the age of a sign, and what one signature must not stand for."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.signatures import (
    AHEAD_MS,
    VALID_MS,
    Action,
    action_signed,
    action_text,
    member_ids,
    parts_of,
    request_signed,
    sign_action,
    sign_request,
    timestamp_ms,
)

APP_KEY, MASTER_KEY = "UtOCzqb67d3sN12Kts4URwy8", "DyJegPlemooo4X1tg94gQkw1"
AT = 1453014943466
WORDS = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), max_size=20)


def test_the_vendors_worked_example_is_reproduced() -> None:
    assert sign_request(APP_KEY, AT) == "d5bcbb897e19b2f6633c716dfdfaf9be,1453014943466"
    assert sign_request(MASTER_KEY, AT, master=True) == "e074720658078c898aa0d4b1b82bdf4b,1453014943466,master"
    assert request_signed("d5bcbb897e19b2f6633c716dfdfaf9be,1453014943466", APP_KEY)
    assert request_signed("E074720658078C898AA0D4B1B82BDF4B, 1453014943466, master", "other", MASTER_KEY)


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "d5bcbb897e19b2f6633c716dfdfaf9be",
        "d5bcbb897e19b2f6633c716dfdfaf9be,",
        "d5bcbb897e19b2f6633c716dfdfaf9be,1453014943467",
        "d5bcbb897e19b2f6633c716dfdfaf9be,1453014943466,slave",
        "d5bcbb897e19b2f6633c716dfdfaf9be,1453014943466,master,x",
        "d5bcbb897e19b2f6633c716dfdfaf9b,1453014943466",
        "ü" * 32 + ",1453014943466",
        "d5bcbb897e19b2f6633c716dfdfaf9be,-1453014943466",
        "d5bcbb897e19b2f6633c716dfdfaf9be,١٢٣",
    ],
)
def test_what_has_another_shape_is_no_sign(header: str) -> None:
    assert not request_signed(header, APP_KEY)


def test_an_empty_key_signs_nothing() -> None:
    assert not request_signed(sign_request("", AT), "")
    assert not request_signed(sign_request("", AT), "", APP_KEY)
    assert not request_signed(sign_request(APP_KEY, AT))


@pytest.mark.parametrize(
    ("away", "holds"), [(0, True), (900_000, True), (-900_000, True), (900_001, False), (-900_001, False)]
)
@pytest.mark.A2
def test_a_window_bounds_the_age_of_a_sign_both_ways(away: int, holds: bool) -> None:
    sign = sign_request(APP_KEY, AT)
    assert request_signed(sign, APP_KEY, now_ms=AT + away, window_ms=900_000) is holds
    assert request_signed(sign, APP_KEY, now_ms=AT + away)


def test_a_sign_in_seconds_is_judged_by_its_seconds() -> None:
    assert request_signed(sign_request(APP_KEY, 1453014943), APP_KEY, now_ms=AT, window_ms=1000)


def test_the_parts_of_a_sign() -> None:
    assert parts_of("a, 1") == ("a", "1", False)
    assert parts_of("a,1,master") == ("a", "1", True)
    assert parts_of("a") == ("", "", False)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1450166986.392033", 1450166986392),
        ("1450166986", 1450166986000),
        ("1450166986392", 1450166986392),
        ("99999999999", 99999999999000),
        ("100000000000", 100000000000),
        ("1450166986.5", 1450166986500),
        ("0", 0),
        ("", None),
        ("x", None),
        ("1e9", None),
        ("-1", None),
        ("1.", None),
        ("1" * 17, None),
        ("\uff11", None),
        ("1\n", None),
    ],
)
def test_a_timestamp_is_seconds_or_milliseconds_by_its_size(text: str, ms: int | None) -> None:
    assert timestamp_ms(text) == ms


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (Action.LOGIN, "app:c565::1450166986:abcd1234"),
        (Action.CONVERSATION, "app:c565:c1:c2:1450166986:abcd1234"),
        (Action.INVITE, "app:c565:conv:c1:c2:1450166986:abcd1234:invite"),
        (Action.KICK, "app:c565:conv:c1:c2:1450166986:abcd1234:kick"),
        (Action.HISTORY, "app:c565:conv:abcd1234:1450166986"),
    ],
)
def test_the_text_of_each_action(action: Action, text: str) -> None:
    members = member_ids(["c2", "c1"])
    made = action_text(action, "app", "c565", "1450166986", "abcd1234", conversation="conv", members=members)
    assert made == text
    signed = sign_action(MASTER_KEY, action, "app", "c565", "1450166986", "abcd1234", conversation="conv", members=members)
    assert signed == hmac.new(MASTER_KEY.encode(), text.encode(), hashlib.sha1).hexdigest()
    assert len(signed) == 40


def login(signature: str | None = None, now_ms: int = 1450166986000, stamp: str = "1450166986", **other: str) -> int | None:
    user, nonce, key = other.get("user", "c565"), other.get("nonce", "abcd1234"), other.get("key", MASTER_KEY)
    made = signature if signature is not None else sign_action(MASTER_KEY, Action.LOGIN, "app", "c565", stamp, "abcd1234")
    return action_signed(key, made, now_ms, Action.LOGIN, "app", user, stamp, nonce)


def test_a_signature_holds_for_what_was_signed_and_nothing_else() -> None:
    assert login() == 1450166986000
    assert login(sign_action(MASTER_KEY, Action.LOGIN, "app", "c565", "1450166986", "abcd1234").upper()) == 1450166986000
    assert login(user="c566") is None
    assert login(nonce="abcd1235") is None
    assert login(key=APP_KEY) is None
    assert login("") is None
    assert login("ü" * 40) is None
    # The text counts, not the number it stands for.
    first = sign_action(MASTER_KEY, Action.LOGIN, "app", "c565", "1450166986", "abcd1234")
    assert login(first, stamp="1450166986.0") is None
    assert login(stamp="1450166986.392033", now_ms=1450166986392) == 1450166986392
    assert login(stamp="1450166986392", now_ms=1450166986392) == 1450166986392
    assert login(stamp="soon") is None


def test_an_empty_key_proves_nothing() -> None:
    made = sign_action("", Action.LOGIN, "app", "c565", "1450166986", "n")
    assert action_signed("", made, 1450166986000, Action.LOGIN, "app", "c565", "1450166986", "n") is None


@pytest.mark.A2
def test_a_signature_lives_six_hours() -> None:
    at = 1450166986000
    assert login(now_ms=at + VALID_MS) == at
    assert login(now_ms=at + VALID_MS + 1) is None
    assert login(now_ms=at - AHEAD_MS) == at
    assert login(now_ms=at - AHEAD_MS - 1) is None


def test_one_text_cut_in_two_ways_is_no_proof() -> None:
    # `app:a:b::ts:n` is the login of "a:b", and would also be a conversation of "a" with the member "b:".
    made = sign_action(MASTER_KEY, Action.LOGIN, "app", "a:b", "1450166986", "n")
    now = 1450166986000
    assert action_signed(MASTER_KEY, made, now, Action.LOGIN, "app", "a:b", "1450166986", "n") is None


@given(action=st.sampled_from(Action), user=WORDS, nonce=WORDS, conversation=WORDS, members=st.lists(WORDS, max_size=4))
def test_what_is_made_is_verified(action: Action, user: str, nonce: str, conversation: str, members: list[str]) -> None:
    listed = member_ids(members)
    made = sign_action("k", action, "app", user, str(AT), nonce, conversation=conversation, members=listed)
    args = ("app", user, str(AT), nonce)
    assert action_signed("k", made, AT, action, *args, conversation=conversation, members=listed) == AT
    assert action_signed("k", made, AT, action, "app", user + "x", str(AT), nonce, conversation=conversation) is None


@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), ms=st.integers(0, 10**15))
def test_a_request_sign_proves_its_key(key: str, ms: int) -> None:
    assert request_signed(sign_request(key, ms, master=True), "", key)
    assert not request_signed(sign_request(key, ms), key + "x")
