"""Signatures of the original services: the MD5 sign of a REST request, and the HMAC-SHA1 of what a user may do.

Two formulas, for every dialect and wire that knows them. A request sign is `md5hex(timestamp + key),timestamp`, LeanCloud
adds `,master` when the key was the master key (LC-27 X-LC-Sign, ML-45 X-ML-Request-Sign). An action's signature is the
hex HMAC-SHA1, under the master key, of a colon-separated text (HI-18 to HI-20; `protocols.md` 2.16).

The law: pure functions, time is passed in; secrets and digests are compared in constant time; a timestamp is signed as
the text it was sent as, and read as seconds or milliseconds by its size only to judge its age. A request sign has no
nonce and can be replayed, so whoever checks one may give a window; an action's signature lives six hours.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from collections.abc import Iterable

VALID_MS = 6 * 3_600_000
"""How long an action's signature lives (`protocols.md` 2.16)."""
AHEAD_MS = 900_000
"""The signer's clock may be ahead of ours by so much."""
SECONDS_BELOW = 10**11
"""A smaller timestamp counts seconds (until the year 5138), a larger one milliseconds (since 1973)."""

_TIMESTAMP = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def timestamp_ms(text: str) -> int | None:
    """A timestamp's text as Unix milliseconds; the seed of HI prints seconds with a fraction (HI-20). None if it is none."""
    if _TIMESTAMP.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    number = int(whole)
    return number if number >= SECONDS_BELOW else number * 1000 + int((fraction + "000")[:3])


# The sign of a request.


def sign_request(key: str, timestamp: int | str, *, master: bool = False) -> str:
    """`md5hex(timestamp + key),timestamp[,master]`, as a header carries it."""
    return f"{_md5(key, str(timestamp))},{timestamp}{',master' if master else ''}"


def request_signed(header: str, *keys: str, now_ms: int = 0, window_ms: int = 0) -> bool:
    """Whether one of the keys made this sign. With `window_ms` its time may be no further than that from `now_ms`.

    A `,master` at the end is a claim about the key; whoever cares passes only the keys that may stand behind it. All keys
    are tried whatever fits, an empty one fits nothing.
    """
    digest, timestamp, _ = parts_of(header)
    at = timestamp_ms(timestamp)
    if at is None or _MD5.fullmatch(digest) is None:
        return False
    found = False
    for key in keys:
        equal = hmac.compare_digest(digest.lower(), _md5(key, timestamp))
        found = found or (equal and bool(key))
    return found and (not window_ms or abs(now_ms - at) <= window_ms)


def parts_of(header: str) -> tuple[str, str, bool]:
    """(digest, timestamp, whether it says master) of a sign; ("", "", False) if it has another shape."""
    parts = [part.strip() for part in header.split(",")]
    if len(parts) == 2 or (len(parts) == 3 and parts[2] == "master"):
        return parts[0], parts[1], len(parts) == 3
    return "", "", False


def _md5(key: str, timestamp: str) -> str:
    return hashlib.md5((timestamp + key).encode(), usedforsecurity=False).hexdigest()


# What a user may do.


class Action(enum.Enum):
    """What is signed for. The value is the word at the end of the text, where there is one."""

    LOGIN = ""
    CONVERSATION = "start"
    INVITE = "invite"
    KICK = "kick"
    HISTORY = "history"


def member_ids(users: Iterable[str]) -> str:
    """`sorted_member_ids`: ascending, joined with colons."""
    return ":".join(sorted(users))


def action_text(
    action: Action, app: str, user: str, timestamp: str, nonce: str, *, conversation: str = "", members: str = ""
) -> str:
    """The text that is signed; `members` as `member_ids` gives it. Fields an action does not have are left out."""
    if action is Action.LOGIN:
        parts = [app, user, "", timestamp, nonce]
    elif action is Action.CONVERSATION:
        parts = [app, user, members, timestamp, nonce]
    elif action is Action.HISTORY:
        parts = [app, user, conversation, nonce, timestamp]  # in this order, unlike the others
    else:
        parts = [app, user, conversation, members, timestamp, nonce, action.value]
    return ":".join(parts)


def sign_action(
    key: str,
    action: Action,
    app: str,
    user: str,
    timestamp: str,
    nonce: str,
    *,
    conversation: str = "",
    members: str = "",
) -> str:
    """40 hex digits. `timestamp` exactly as it will be sent (HI-20)."""
    text = action_text(action, app, user, timestamp, nonce, conversation=conversation, members=members)
    return hmac.digest(key.encode(), text.encode(), "sha1").hex()


def action_signed(
    key: str,
    signature: str,
    now_ms: int,
    action: Action,
    app: str,
    user: str,
    timestamp: str,
    nonce: str,
    *,
    conversation: str = "",
    members: str = "",
) -> int | None:
    """When it was signed (Unix ms), so that a caller can refuse what a forced logout voided; None if it does not hold.

    A colon in a field, the list of members apart, would let one signature pass for another, so such a field proves nothing.
    """
    at = timestamp_ms(timestamp)
    expected = sign_action(key, action, app, user, timestamp, nonce, conversation=conversation, members=members)
    equal = hmac.compare_digest(signature.lower().encode("utf-8", "replace"), expected.encode())
    if not (equal and key) or at is None or any(":" in part for part in (app, user, nonce, conversation)):
        return None
    return at if -AHEAD_MS <= now_ms - at <= VALID_MS else None
