"""A user's profile: what JM-01 and JM-04 send, the attributes it is kept as, and the object JM-03 prints.

The law: the attributes have the profile's own names, so every dialect shows the same profile; others are left alone and
not shown. Limits are those of the vendor's later document, which the seed does not give.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from typing import cast

from adminapi.dialects.jmessage.parameters import Data, bad, text, time_text, whole
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


def changes(data: Data) -> Data:
    """What `data` says of the profile, None for what it unsets."""
    found: Data = {}
    for field, read in FIELDS.items():
        if field in data:
            value = data[field]
            found[field] = None if value is None or value == "" else read(value, field)
    return found


def shape(user: UserInfo) -> Data:
    """JM-03: what was never set is left out, but for username, mtime and ctime."""
    attributes = cast(Data, read_json(user.attributes))
    return {
        "username": user.user,
        **{field: attributes[field] for field in FIELDS if attributes.get(field) is not None},
        "mtime": time_text(user.updated_ms or user.created_ms),
        "ctime": time_text(user.created_ms),
    }
