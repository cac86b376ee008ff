"""JSON objects that are changed by key: attributes of users and conversations, bodies of messages. One rule for all.

The law: they are bytes of a JSON object; a change replaces the whole, or is merged into it, and then null removes a key.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from protocol.commands import Operation
from protocol.errors import Reason, Refused

USER_BYTES = 65_536
OPERATIONS_MOST = 50
LARGEST = (1 << 63) - 1


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
    """What to merge so that a name with dots, of what is given, changes that one place; what is in the way gives way.
    BAD_FORMAT of a name that is empty somewhere."""
    old, said = orjson.loads(before), orjson.loads(given)
    changed: dict[str, object] = {}
    for path, value in said.items():
        head, *rest = names = path.split(".")
        if "" in names:
            raise Refused(
                Reason.BAD_FORMAT, f"{path[:64]!r} names no attribute: between dots, and beside them, a name is missing"
            )
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


def difference(before: bytes, after: bytes) -> bytes:
    """The keys that are others afterwards; null where one is gone."""
    old, new = orjson.loads(before), orjson.loads(after)
    # By their JSON, in which true is not 1.
    alike = {key for key in old if key in new and orjson.dumps(old[key]) == orjson.dumps(new[key])}
    return orjson.dumps({key: new.get(key) for key in {**new, **old} if key not in alike})


def operated(before: bytes, given: bytes, operations: Sequence[Operation]) -> bytes:
    """What to merge so that `given` is said and the operations are carried out. TOO_LARGE, BAD_FORMAT."""
    if len(operations) > OPERATIONS_MOST:
        raise Refused(Reason.TOO_LARGE, f"{OPERATIONS_MOST} operations can be carried out at once, not {len(operations)}")
    old, said = orjson.loads(before), orjson.loads(given)
    for each in operations:
        said[each.key] = _operated(said.get(each.key, old.get(each.key)), each)
    return orjson.dumps(said)


def _operated(value: object, operation: Operation) -> object:
    key, word, by = operation.key, operation.op, operation.value
    if word == "increase":
        value = 0 if value is None else value
        if type(value) not in (int, float) or type(by) not in (int, float):
            raise Refused(Reason.BAD_FORMAT, f"{key} can be increased only if it is a number, and by one")
        total = value + by  # type: ignore[operator]  # numbers, as was just seen
        if abs(total) > LARGEST:
            raise Refused(Reason.BAD_FORMAT, f"{key} would be beyond 64 bits")
        return total
    there = [] if value is None else value
    if not isinstance(there, list) or not isinstance(by, list) or word not in ("append", "append-new", "remove"):
        raise Refused(Reason.BAD_FORMAT, f"{key} does not take the operation {word!r}; lists alone are added to")
    if word == "remove":
        return [each for each in there if each not in by]
    made = list(there)
    made += [each for each in by if word == "append" or each not in there]
    return made


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
