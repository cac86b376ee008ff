"""App-defined attributes of users and conversations: one rule for all of them.

The law: they are bytes of a JSON object; a change replaces the whole, or is merged into it, and then null removes a key.
"""

from __future__ import annotations

import orjson

from protocol.errors import Reason, Refused

USER_BYTES = 65_536
CONVERSATION_BYTES = 16_384
"""What a list of conversations can carry and a search can look through."""


def changed(before: bytes, given: bytes, most: int, *, merge: bool) -> bytes:
    """What the attributes are afterwards. TOO_LARGE beyond `most` bytes."""
    if merge:
        merged = {**orjson.loads(before), **orjson.loads(given)}
        given = orjson.dumps({key: value for key, value in merged.items() if value is not None})
    if len(given) > most:
        raise Refused(Reason.TOO_LARGE, f"these attributes have {len(given)} bytes, {most} are allowed")
    return given
