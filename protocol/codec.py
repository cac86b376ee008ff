"""The one door for foreign JSON and CBOR: bytes to plain values, plain values to bytes (DESIGN 2.6).

The law: what passes a reader is the JSON data model and nothing more, whichever the encoding, so every wire and dialect
can write it and read it back equal. That is: text keys, none twice; no byte strings, tags, undefined or simple values;
finite numbers; integers within signed 64 bits; at most 16 containers deep; valid UTF-8; no trailing bytes.

Neither library keeps that law alone, hence the walk behind each. orjson lets the last of two equal keys win and turns
integers beyond 64 bits into floats; both are seen by a sufficient test that costs almost nothing, and only a document
that fails it is read a second time by the slow parser of the standard library, which cannot be deceived.
"""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import Any, NoReturn

import cbor2
import orjson

DEEPEST = 16
"""Containers within each other, unless `allow_depth` has been told otherwise; a message needs three (DESIGN 2.6)."""
INT_MIN = -(1 << 63)
INT_MAX = (1 << 63) - 1
FLOAT_SUSPECT = float(1 << 63)
"""From here on a float may be an integer that orjson could not hold."""


_deepest = DEEPEST


def allow_depth(levels: int) -> None:
    """From now on this process takes documents so deep (`[sockets] nesting`)."""
    global _deepest
    _deepest = levels


class Unreadable(ValueError):
    """The bytes are not a document we take. The text is one short English sentence for a developer."""


def read_json(raw: bytes) -> object:
    """The value of one JSON document, or Unreadable."""
    try:
        value: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"This is not JSON: {error}.") from None
    keys, suspect = _walk(value)
    # Each key of the text has one colon outside of strings. So if every colon belongs to a key that survived, no key
    # was lost to a twin; if not, colons inside strings may explain it, unless a \u escape hides or imitates one.
    colons = raw.count(b":")
    if suspect or (colons != keys and (b"\\u" in raw or colons != keys + _colons(value))):
        _read_slowly(raw)
    return value


def read_cbor(raw: bytes) -> object:
    """The value of one CBOR item, or Unreadable."""
    file = BytesIO(raw)
    try:
        value: object = cbor2.CBORDecoder(
            file,
            max_depth=_deepest,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            semantic_decoders=_NO_TAGS,
            strict_hashable_types=True,
        ).decode()
    except cbor2.CBORDecodeError as error:
        cause = error.__cause__
        raise Unreadable(str(cause) if isinstance(cause, Unreadable) else f"This is not CBOR: {error}.") from None
    if file.tell() != len(raw):
        raise Unreadable("There are bytes behind the end of the CBOR item.")
    _walk(value, cbor=True)
    return value


write_json = orjson.dumps
"""Compact UTF-8 JSON of plain values (text keys). TypeError for anything that is not JSON, which is our bug."""


def write_cbor(value: object) -> bytes:
    """The CBOR of plain values."""
    return cbor2.dumps(value)


def is_name(text: str, most: int) -> bool:
    """Fit for an id or a name: 1 to `most` characters, none of them a control character or half a surrogate pair."""
    return 0 < len(text) <= most and (text.isprintable() or _CONTROL.search(text) is None)


# C0, DEL, C1, and lone surrogates, which no reader lets in but a vendor's own decoder may.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _walk(value: object, cbor: bool = False) -> tuple[int, bool]:
    """Check types, depth and numbers level by level (a loop, so that depth costs no stack).

    Returns the number of keys, and whether a float is so large that it may have been an integer.
    """
    keys = 0
    suspect = False
    depth = 1
    level: list[Any] = [value]
    if type(value) is not dict and type(value) is not list:
        depth, level = 0, [(value,)]
    while level:
        if depth > _deepest:
            raise Unreadable(f"The document is more than {_deepest} levels deep.")
        depth += 1
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                if cbor:
                    for key in container:
                        if type(key) is not str:
                            raise Unreadable("A map has a key that is not text.")
                container = container.values()
            for item in container:
                kind = type(item)
                if kind is str:  # by frequency: this is the loop of every frame
                    continue
                if kind is int:
                    if not INT_MIN <= item <= INT_MAX:
                        raise Unreadable("An integer does not fit in 64 bits.")
                elif kind is bool or item is None:
                    continue
                elif kind is dict or kind is list:
                    below.append(item)
                elif kind is float:
                    # The comparison is false for NaN, so NaN and both infinities fail it.
                    if not -FLOAT_SUSPECT < item < FLOAT_SUSPECT:
                        if item - item != 0.0:
                            raise Unreadable("A number is not finite.")
                        suspect = True
                else:
                    raise Unreadable(f"There is a value that JSON does not have ({kind.__name__}).")
        level = below
    return keys, suspect


def _colons(value: object) -> int:
    """Colons inside the strings of a document that `_walk` has passed, keys included."""
    found = 0
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is str:
            found += item.count(":")
        elif type(item) is dict:
            stack.extend(item)
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
    return found


def _read_slowly(raw: bytes) -> None:
    """Raise Unreadable for what orjson forgave. The document is known to be JSON."""
    try:
        json.loads(raw.decode(), object_pairs_hook=_unique, parse_int=_small)
    except RecursionError:  # only what a twin key replaced can be so deep, the walk has seen the rest
        raise Unreadable("An object has the same key twice.") from None


def _unique(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise Unreadable("An object has the same key twice.")


def _small(digits: str) -> int:
    # More than 20 characters cannot fit; int() of a long text would take time in the square of its length.
    if len(digits) > 20 or not INT_MIN <= int(digits) <= INT_MAX:
        raise Unreadable("An integer does not fit in 64 bits.")
    return 0


def _refuse_tag(*_: object) -> NoReturn:
    raise Unreadable("CBOR tags are not taken.")


# Every tag cbor2 6.2 gives a meaning, among them 28 and 29, with which an item can contain itself. All other tags come
# back as CBORTag, which the walk refuses; a test reads the list of built-in tags again from the library's behaviour.
_NO_TAGS = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)
