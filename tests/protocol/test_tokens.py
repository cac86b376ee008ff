"""JWTs with the header everybody writes are judged in one step: as the library would."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import Reason, Refused
from protocol.tokens import _plain_body, make_jwt, read_jwt

SECRET = "the-secret-of-an-app-that-is-long-enough"
CLAIMS = {"unique_name": "tom", "exp": 2_000_000_000}
TYPED = {"typ": "JWT", "alg": "HS256"}


def said(header: object, claims: object, secret: str = SECRET) -> str:
    """Signed with HS256 whatever the header says."""
    made = jwt.PyJWS().encode(json.dumps(claims).encode(), secret, algorithm="HS256")
    _, body, _ = made.split(".")
    first = base64.urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).rstrip(b"=").decode()
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(f"{first}.{body}".encode(), secret.encode())
    return f"{first}.{body}." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


@pytest.mark.parametrize("header", [TYPED, {"alg": "HS256", "typ": "JWT"}, {"alg": "HS256"}, {"alg": "HS256", "kid": "1"}])
def test_zd42_whatever_else_the_header_says_hs256_is_believed(header: dict[str, str]) -> None:
    assert read_jwt(SECRET, said(header, CLAIMS), 0) == CLAIMS
    assert read_jwt(("another", SECRET), said(header, CLAIMS), 0) == CLAIMS


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS512", "typ": "JWT"}, {"typ": "JWT"}, [], "x"])
def test_zd42_another_algorithm_is_not(header: object) -> None:
    with pytest.raises(Refused) as caught:
        read_jwt(SECRET, said(header, CLAIMS), 0)
    assert caught.value.reason is Reason.BAD_TOKEN


@given(st.data())
def test_a_changed_token_is_refused_or_says_the_same(data: st.DataObject) -> None:
    """The last character of a signature has two spare bits, which the library passes over."""
    text = make_jwt(SECRET, CLAIMS)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from("AQgw.-_x=\u00e9")) + text[at + 1 :]
    try:
        claims = read_jwt(SECRET, changed, 0)
    except Refused:
        return
    assert claims == CLAIMS
    assert changed[:-1] == text[:-1]


@pytest.mark.parametrize("claims", [[], "x", 5, None])
def test_what_says_no_claims_is_refused(claims: object) -> None:
    with pytest.raises(Refused):
        read_jwt(SECRET, said(TYPED, claims), 0)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
@example("é" * 32)
@example("é" * 32 + "x")
def test_a_secret_of_any_length_proves_what_the_library_signs_with_it(secret: str) -> None:
    token = make_jwt(secret, {"unique_name": "ann"})
    assert _plain_body(secret, token) is not None
    assert read_jwt(secret, token, 0.0) == {"unique_name": "ann"}


def test_another_secret_is_refused() -> None:
    for header in (TYPED, {"alg": "HS256"}):
        with pytest.raises(Refused):
            read_jwt(SECRET, said(header, CLAIMS, SECRET + "x"), 0)
