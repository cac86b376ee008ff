"""Tokens: the JWT an app's server signs for its users, and the session token a login hands back.

Both are HMAC-SHA256 under the app's secret, which is shared with nobody but the app's server; the session token's key is
derived from it, so neither kind can pass for the other. Nothing is stored: a token says all there is to check, and both
outlive a restart. Times come from the caller; this file reads no clock.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import Any

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

from protocol.errors import Reason, Refused

SESSION_TOKEN_MS = 30 * 86_400_000
LEEWAY_SECONDS = 60
"""Clocks of two hosts may differ by so much (`exp`, `nbf`, `iat`)."""
SIGNATURE_BYTES = 16
BLOCK_BYTES = 64
"""Of SHA-256."""
PLAIN_HEADERS = frozenset(
    base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    for header in (b'{"alg":"HS256","typ":"JWT"}', b'{"typ":"JWT","alg":"HS256"}')
)
Secrets = str | tuple[str, ...]
"""What may have signed a token: the app's secret, and those it had before (`App.keys`)."""


class _AnyKeyLength(HMACAlgorithm):
    """HS256 for the secrets apps really have; how long one should be is said where secrets are made, not per token."""

    def check_key_length(self, key: object) -> str | None:
        return None


_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_READ = msgspec.json.Decoder(dict).decode
_JWS = jwt.PyJWS(algorithms=[])
_JWS.register_algorithm("HS256", _AnyKeyLength(HMACAlgorithm.SHA256))


def make_jwt(secret: str, claims: dict[str, Any]) -> str:
    """An HS256 JWT; `claims` as ZD-42, `exp` in Unix seconds."""
    return _JWS.encode(msgspec.json.encode(claims), secret, algorithm="HS256")


def read_jwt(secrets: Secrets, text: str, now_s: float) -> dict[str, Any]:
    """The claims of a JWT of this app. HS256 only, whatever its header says. BAD_TOKEN otherwise."""
    claims = _claims(secrets, text)
    for name, late in (("exp", True), ("nbf", False)):
        value = claims.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(Reason.BAD_TOKEN, f"the token's {name} must be a number of Unix seconds")
        if late and now_s > value + LEEWAY_SECONDS:
            raise Refused(Reason.BAD_TOKEN, "the token has expired; ask the app's server for a new one")
        if not late and now_s + LEEWAY_SECONDS < value:
            raise Refused(Reason.BAD_TOKEN, "the token is not valid yet; compare the clocks of the two hosts")
    return claims


def _claims(secrets: Secrets, text: str) -> dict[str, Any]:
    for secret in each(secrets):
        try:
            body = _plain_body(secret, text) or _JWS.decode(text, secret, algorithms=["HS256"])
            claims: dict[str, Any] = _READ(body)
        except jwt.InvalidSignatureError:
            continue  # it may be an earlier one's
        except (jwt.InvalidTokenError, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            break
        return claims
    raise Refused(Reason.BAD_TOKEN, "the token is not a JWT signed with HS256 and the app's secret")


def _plain_body(secret: str, text: str) -> bytes | None:
    """What a JWT with the header everybody writes says, if its signature is right; all else is the library's to judge
    (measured: 2 us instead of 40, of a login)."""
    signed, _, signature = text.rpartition(".")
    header, _, body = signed.partition(".")
    if not secret or header not in PLAIN_HEADERS or not text.isascii():
        return None
    if not hmac.compare_digest(_text_of(_hmac(secret, signed.encode())), signature.encode()):
        return None
    return binascii.a2b_base64(body.encode().translate(_FROM_URL) + b"==")  # more padding than is due is no harm


def _text_of(raw: bytes) -> bytes:
    """Base64 as URLs have it, without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL, b"=")


def each(secrets: Secrets) -> tuple[str, ...]:
    return (secrets,) if isinstance(secrets, str) else secrets


def name_in(claims: dict[str, Any]) -> str | None:
    """Whose login token this is: `unique_name` (ZD-42), or the common spellings; a number is its decimal text."""
    for key in ("unique_name", "client_id", "sub"):
        value = claims.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value:
            return value
    return None


class SessionToken(msgspec.Struct, array_like=True, frozen=True):
    """What a session token binds together (DESIGN 3)."""

    app: str
    user: str
    device: str
    tag: str
    session: int
    issued_ms: int
    expires_ms: int


def make_session_token(secret: str, token: SessionToken) -> str:
    body = msgspec.msgpack.encode(token)
    return _text_of(_sign(secret, body) + body).decode()


def read_session_token(secrets: Secrets, text: str, now_ms: int) -> SessionToken:
    """BAD_TOKEN if it was not made with one of these secrets or is over."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[SIGNATURE_BYTES:]
        if not any([hmac.compare_digest(raw[:SIGNATURE_BYTES], _sign(secret, body)) for secret in each(secrets)]):
            raise ValueError
        token = msgspec.msgpack.decode(body, type=SessionToken)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Refused(Reason.BAD_TOKEN, "the session token is not one of ours; log in with token or password") from None
    if now_ms >= token.expires_ms:
        raise Refused(Reason.BAD_TOKEN, "the session token has expired; log in with token or password")
    return token


def _sign(secret: str, body: bytes) -> bytes:
    return _hmac("parley-session\0" + secret, body)[:SIGNATURE_BYTES]


def _hmac(key: str, data: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104). The two blocks of a key are hashed once, as it is used for every login: 0.8 us, not 1.5."""
    prepared, outer = _prepared(key)
    inner, outer = prepared.copy(), outer.copy()
    inner.update(data)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=256)
def _prepared(key: str) -> tuple[hashlib._Hash, hashlib._Hash]:
    raw = key.encode()
    block = (raw if len(raw) <= BLOCK_BYTES else hashlib.sha256(raw).digest()).ljust(BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
