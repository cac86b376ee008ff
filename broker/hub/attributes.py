"""JSON objects that are changed by key: attributes of users and conversations, bodies of messages. One rule for all.

The law: they are bytes of a JSON object; a change replaces the whole, or is merged into it, and then null removes a key.
"""

from __future__ import annotations

import orjson

from protocol.errors import Reason, Refused

USER_BYTES = 65_536


def changed(before: bytes, given: bytes, most: int, *, merge: bool) -> bytes:
    """What the attributes are afterwards. TOO_LARGE beyond `most` bytes."""
    if merge:
        given = merged(before, given)
    if len(given) > most:
        raise Refused(Reason.TOO_LARGE, f"these attributes have {len(given)} bytes, {most} are allowed")
    return given


def merged(before: bytes, given: bytes) -> bytes:
    both = {**orjson.loads(before), **orjson.loads(given)}
    return orjson.dumps({key: value for key, value in both.items() if value is not None})
