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


def with_paths(before: bytes, given: bytes) -> bytes:
    """What to merge so that a name with dots, of what is given, changes that one place; what is in the way gives way."""
    old, said = orjson.loads(before), orjson.loads(given)
    changed: dict[str, object] = {}
    for path, value in said.items():
        head, *rest = path.split(".")
        if not rest:
            changed[head] = value
            continue
        place = changed[head] = _object(changed.get(head, old.get(head)))
        for key in rest[:-1]:
            deeper = _object(place.get(key))
            place[key] = deeper
            place = deeper
        if value is None:
            place.pop(rest[-1], None)
        else:
            place[rest[-1]] = value
    return orjson.dumps(changed)


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
