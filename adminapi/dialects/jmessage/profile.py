"""A user's profile: what JM-01 and JM-04 send, the attributes it is kept as, and the object JM-03 prints.

The law: the attributes have the profile's own names, so every dialect shows the same profile; others are left alone and
not shown. Limits are those of the vendor's later document, which the seed does not give.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from typing import cast

from adminapi.dialects.jmessage.parameters import DATE, Data, bad, text, time_text, whole
from adminapi.schemas import Schema, integer, obj
from adminapi.schemas import text as text_schema
from protocol.codec import read_json, write_json
from protocol.records import UserInfo

EXTRAS_BYTES = 4096
STAR_MOST = (1 << 53) - 1
"""What a JSON client reads exactly."""


def nickname(value: object, field: str) -> str:
    found = text(value, field, 64)
    if "\n" in found or "\r" in found:
        bad(field, "one line")
    return found


def birthday(value: object, field: str) -> str:
    """As JM-03 prints it; a date alone is taken too."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            found = datetime.datetime.strptime(text(value, field, 19), form)
        except ValueError:
            continue
        return found.isoformat(" ")
    bad(field, 'a date, "YYYY-MM-DD" or "YYYY-MM-DD HH:MM:SS"')


def extras(value: object, field: str) -> object:
    if type(value) is not dict or len(write_json(value)) > EXTRAS_BYTES:
        bad(field, f"a JSON object of at most {EXTRAS_BYTES} bytes")
    return value


FIELDS: dict[str, Callable[[object, str], object]] = {
    "nickname": nickname,
    "star": partial(whole, least=-STAR_MOST, most=STAR_MOST),
    "avatar": partial(text, most=1024),
    "birthday": birthday,
    "gender": partial(whole, least=0, most=2),
    "signature": partial(text, most=250),
    "region": partial(text, most=250),
    "address": partial(text, most=250),
    "extras": extras,
}
"""In the order of the seed's example: how each is read."""
SCHEMAS: dict[str, Schema] = {
    "nickname": text_schema("One line of at most 64 bytes.", most=64, example="hello"),
    "star": integer(least=-STAR_MOST, most=STAR_MOST),
    "avatar": text_schema("At most 1,024 bytes.", most=1024, example="/avatar/path"),
    "birthday": text_schema(
        "A date, with a time if need be.", pattern=r"^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?$", example="1990-01-24 00:00:00"
    ),
    "gender": integer("0 unknown, 1 male, 2 female.", least=0, most=2),
    "signature": text_schema("At most 250 bytes.", most=250),
    "region": text_schema("At most 250 bytes.", most=250),
    "address": text_schema("At most 250 bytes.", most=250),
    "extras": obj({}, about=f"At most {EXTRAS_BYTES} bytes.", rest=True),
}
"""What each is when it is sent."""
TYPES = {"string": str, "integer": int, "object": dict}
SHOWN = {field: {"type": schema["type"]} for field, schema in SCHEMAS.items()}
PROFILE = obj({"username": text_schema(), "mtime": DATE, "ctime": DATE}, SHOWN)
"""JM-03."""


def changes(data: Data) -> Data:
    """What `data` says of the profile, None for what it unsets."""
    found: Data = {}
    for field, read in FIELDS.items():
        if field in data:
            value = data[field]
            found[field] = None if value is None or value == "" else read(value, field)
    return found


def shape(user: UserInfo) -> Data:
    """JM-03: what was never set is left out, but for username, mtime and ctime; so is what another dialect has put there and
    no client of this one could read."""
    attributes = cast(Data, read_json(user.attributes))
    return {
        "username": user.user,
        **{field: attributes[field] for field in FIELDS if type(attributes.get(field)) is TYPES[SCHEMAS[field]["type"]]},
        "mtime": time_text(user.updated_ms or user.created_ms),
        "ctime": time_text(user.created_ms),
    }
