"""Reading what a request sends: each function takes one value and gives a plain one, or refuses (899003 and its kin).

The law: lengths are bytes of UTF-8, as the vendor counts them; a number may stand where the vendor's SDKs send one for a
text, and text for a number; truth may be written `true`, `True` or 1 (`protocols.md` 5.3). Nothing else is guessed.
"""

from __future__ import annotations

import datetime
import re
from typing import NoReturn

from adminapi.dialect import Ask
from adminapi.schemas import USER_ID, Schema, array, integer, obj
from adminapi.schemas import text as text_schema
from protocol.codec import is_name
from protocol.errors import Reason, Refused

Data = dict[str, object]

NAME_BYTES = 128
USERS_MOST = 500
"""Of one list of members to add or remove, as `AddMembers` takes; of one page of users or groups too."""
START_MOST = 1_000_000_000
COUNT = 100
"""Of a page, where none is asked for."""
ZONE = datetime.timezone(datetime.timedelta(hours=8))
NEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
"""JM-41, but for its least length: the seed's own groups are of users called tom."""
USERNAME = text_schema(
    "Of an existing user, perhaps made by another dialect.", least=1, most=NAME_BYTES, pattern=USER_ID, example="tom"
)
GID = integer("The group's id.", least=1, example=13579)
DATE = text_schema("In the zone +08:00.", pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", example="2015-01-01 00:00:00")
PAGING = obj(
    {},
    {
        "start": integer("How many to skip.", least=0, most=START_MOST, default=0),
        "count": integer("How many to list.", least=1, most=USERS_MOST, default=COUNT),
    },
)
TRUTHS: dict[object, bool] = {0: False, 1: True, "0": False, "1": True, "false": False, "true": True, "": False}


def bad(field: str, expected: str) -> NoReturn:
    raise Refused(Reason.BAD_FORMAT, f"{field} must be {expected}.")


def missing(field: str) -> NoReturn:
    raise Refused(Reason.MISSING_FIELD, f"{field} is missing.")


def page_of(field: str, item: Schema) -> Schema:
    """The answer of JM-06 and JM-13."""
    numbers = {"total": integer(least=0), "start": integer(least=0), "count": integer(least=1)}
    return obj({**numbers, field: array(item)})


def either(data: Data, *fields: str) -> tuple[object, str]:
    """The value under the first of these names that is there, and that name; the first name if none is."""
    for field in fields:
        if data.get(field) is not None:
            return data[field], field
    return None, fields[0]


def text(value: object, field: str, most: int) -> str:
    """Text of at most so many bytes; empty is allowed."""
    if type(value) is not str or len(value.encode()) > most:
        bad(field, f"text of at most {most} bytes")
    return value


def whole(value: object, field: str, least: int, most: int) -> int:
    """An integer, or its decimal digits."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        bad(field, f"an integer from {least} to {most}")
    return value


def flag(data: Data, field: str) -> bool:
    """Absent is false."""
    value = data.get(field)
    if value is None:
        return False
    if type(value) is str:
        value = value.lower()
    if type(value) in (int, str, bool) and value in TRUTHS:
        return TRUTHS[value]
    bad(field, "true or false")


def username(value: object, field: str) -> str:
    """The name of a user who exists, perhaps made by another dialect. BAD_USER_ID if no user can have it."""
    if value is None or value == "":
        missing(field)
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        bad(field, "a username")
    if not is_name(value, NAME_BYTES) or not value.isprintable() or any(map(str.isspace, value)):
        raise Refused(Reason.BAD_USER_ID, f"{field} is no name a user can have.")
    return value


def usernames(value: object, field: str, most: int = USERS_MOST) -> tuple[str, ...]:
    """A list of them, each once; nobody if absent."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > most:
        bad(field, f"a list of at most {most} usernames")
    return tuple(dict.fromkeys(username(each, f"each of {field}") for each in value))


def paging(ask: Ask) -> tuple[int, int]:
    """`start` and `count` of the query (JM-06, JM-13)."""
    return (
        whole(ask.query.get("start") or "0", "start", 0, START_MOST),
        whole(ask.query.get("count") or str(COUNT), "count", 1, USERS_MOST),
    )


def group_id(ask: Ask, value: object) -> int:
    """The conversation behind a gid, in any form of it (DESIGN 4). UNKNOWN_CONVERSATION."""
    number = ask.ids.conversation(str(value)) if type(value) in (str, int) else None
    if number is None:
        raise Refused(Reason.UNKNOWN_CONVERSATION)
    return number


def time_text(ms: int) -> str:
    return datetime.datetime.fromtimestamp(ms / 1000, ZONE).strftime("%Y-%m-%d %H:%M:%S")
