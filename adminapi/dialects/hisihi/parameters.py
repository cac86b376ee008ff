"""Reading what a request sends: each function takes one value and gives a plain one, or refuses (1000, 1006).

The law: numbers may be digits in quotes, since the seed puts some in paths and queries; ids of users hold no colon and no
space, as lists of them are joined with colons. Nothing else is guessed.
"""

from __future__ import annotations

import re
from typing import NoReturn

from adminapi.dialect import Ask
from adminapi.dialects.hisihi.codes import BAD_JSON, Failed
from protocol.codec import is_name
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST

Data = dict[str, object]

USER_MOST = 128
"""Characters of a user id."""
MEMBERS_MOST = 1_000
"""Users named in one request: a full group of the default level (HI-21)."""
NAME_MOST = 256
AVATAR_MOST = 1024
DESCRIPTION_MOST = 2000
"""Characters; together far below what a conversation's attributes may have."""
PAGE_MOST = 100_000
PER_PAGE, PER_PAGE_MOST = 20, 100
NEW_CLIENT_ID = re.compile(r"[a-z][0-9]{1,18}")
"""What a user is called whom a call makes: one letter and a number (`c565`, `o3`)."""


def bad(field: str, expected: str) -> NoReturn:
    raise Refused(Reason.BAD_FORMAT, f"{field} must be {expected}.")


def document(ask: Ask) -> Data:
    """The body as a JSON object, {} if there is none."""
    try:
        value = ask.json()
    except Refused as refused:
        raise Failed(BAD_JSON, refused.detail) from None
    if not isinstance(value, dict):
        bad("The body", "a JSON object")
    return value


def required(data: Data, field: str) -> object:
    value = data.get(field)
    if value is None:
        raise Refused(Reason.MISSING_FIELD, f"{field} is missing.")
    return value


def text(value: object, field: str, most: int, least: int = 0) -> str:
    """Text of so many characters, none of them a control character but line breaks and tabs."""
    if type(value) is not str or not least <= len(value) <= most:
        bad(field, f"text of {least} to {most} characters")
    visible = re.sub(r"[\n\r\t]", "", value)
    if visible and not is_name(visible, most):
        bad(field, "text without control characters")
    return value


def name(value: object, field: str, most: int) -> str:
    """One line of text, not empty."""
    if type(value) is not str or not is_name(value, most):
        bad(field, f"text of 1 to {most} characters without control characters")
    return value


def whole(value: object, field: str, least: int, most: int) -> int:
    """An integer, or its decimal digits."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}", value):
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        bad(field, f"an integer from {least} to {most}")
    return value


def number(value: object, field: str) -> int:
    """The id of an organisation or a class."""
    return whole(value, field, 1, LARGEST)


def client_id(value: object, field: str) -> str:
    """The id of a user, whoever made him. `NEW_CLIENT_ID` is checked where one is made."""
    return signable(value, field, "a client id, such as c565: ")


def signable(value: object, field: str, what: str = "") -> str:
    """A part of a text that is signed with colons between the parts."""
    if type(value) is not str or not is_name(value, USER_MOST) or not value.isprintable() or re.search(r"[\s:]", value):
        bad(field, f"{what}1 to {USER_MOST} characters without spaces and colons")
    return value


def uid(value: object, field: str) -> str:
    """A client id, or the number of one of the kind `c` (HI-08)."""
    found = client_id(value, field)
    return f"c{found}" if found.isascii() and found.isdigit() else found


def client_ids(value: object, field: str) -> tuple[str, ...]:
    """Client ids joined with colons, or a list of them (HI-05); each once, nobody if it is empty."""
    if isinstance(value, str):
        value = value.split(":") if value else []
    if not isinstance(value, list) or len(value) > MEMBERS_MOST:
        bad(field, f"at most {MEMBERS_MOST} client ids joined with colons, or a list of them")
    return tuple(dict.fromkeys(client_id(each, f"each of {field}") for each in value))


def paging(ask: Ask) -> tuple[int, int]:
    """`page` and `per_page`, of the body even on GET, else of the query (MUX-10)."""
    data = document(ask)
    found = []
    for field, default, most in (("page", 1, PAGE_MOST), ("per_page", PER_PAGE, PER_PAGE_MOST)):
        value = data.get(field)
        value = ask.query.get(field) if value is None else value
        found.append(default if value is None or value == "" else whole(value, field, 1, most))
    return found[0], found[1]


def group_id(ask: Ask, value: object) -> int:
    """The conversation behind a group_id or conversation_id, in any form of it (DESIGN 4). UNKNOWN_CONVERSATION."""
    found = ask.ids.conversation(str(value)) if type(value) in (str, int) else None
    if found is None:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no such group.")
    return found
