"""Reading the fields of a request's `data`: each function takes one field and gives a plain value or refuses.

The law: a field that is absent or null is missing (4001, naming it) where it is required and its default where it is
not; a field of another type or form is refused (4406, naming it and what is expected); nothing is guessed. The seed
gives ids as JSON numbers in places (ZD-09), so an integer is taken for an id and turned to text.
"""

from __future__ import annotations

from typing import NoReturn, cast

from protocol.codec import Unreadable, is_name, read_json, write_json
from protocol.errors import Reason, Refused

Data = dict[str, object]
"""The `data` of one request, as the codec let it in."""

ID_MOST = 64
"""Characters of a request's `id` that is text."""
TYPE_LEAST, TYPE_MOST = -6, (1 << 31) - 1
"""Of a message's type: the kinds there are from -1 down, an app's own from 1 up."""
USER_ID_MOST = 128
DEVICE_MOST = 128
NAME_MOST = 256
CLIENT_MSG_ID_MOST = 64
"""Characters."""
USERS_MOST = 500
"""Users named in one request (`AddMembers`, `RemoveMembers`)."""
SECRET_MOST = 8192
"""Characters of a token or password; a frame before login is smaller anyway."""


def bad(field: str, expected: str) -> NoReturn:
    """4406, in a sentence."""
    raise Refused(Reason.BAD_FORMAT, f"{field} must be {expected}.")


def missing(field: str) -> NoReturn:
    """4001, in a sentence."""
    raise Refused(Reason.MISSING_FIELD, f"{field} is missing.")


def as_name(value: object, field: str, most: int) -> str:
    """The value as an id or name: text without control characters, or an integer turned to text."""
    if type(value) is int:
        return str(value)
    if type(value) is not str or not is_name(value, most):
        bad(field, f"text of 1 to {most} characters without control characters")
    return value


def name(data: Data, field: str, most: int = NAME_MOST) -> str:
    """A required id or name. Empty text counts as missing, as in the origin of this dialect."""
    value = data.get(field)
    if value is None or value == "":
        missing(field)
    return as_name(value, field, most)


def name_or(data: Data, field: str, most: int = NAME_MOST) -> str:
    """An optional id or name, "" if absent."""
    value = data.get(field)
    if value is None or value == "":
        return ""
    return as_name(value, field, most)


def text_or(data: Data, field: str, most: int = SECRET_MOST) -> str:
    """Optional free text of limited length, "" if absent."""
    value = data.get(field)
    if value is None:
        return ""
    if type(value) is not str or len(value) > most:
        bad(field, f"text of at most {most} characters")
    return value


def whole(data: Data, field: str, least: int, most: int, default: int | None = None) -> int:
    """An integer of least..most; required if there is no default."""
    value = data.get(field)
    if value is None:
        if default is None:
            missing(field)
        return default
    if type(value) is not int or not least <= value <= most:
        bad(field, f"an integer from {least} to {most}")
    return value


def flag(data: Data, field: str) -> bool:
    """0, 1, "0", "1", true or false; absent is false."""
    value = data.get(field)
    if value is None:
        return False
    kind = type(value)
    if (kind is int or kind is str or kind is bool) and value in FLAGS:
        return FLAGS[value]
    bad(field, "0 or 1")


FLAGS: dict[object, bool] = {0: False, 1: True, "0": False, "1": True}  # a bool equals its integer


def only_memory(data: Data) -> bool:
    """`durability` of a message: "memory" is answered before it is on disk, "disk" (or absent) afterwards."""
    value = data.get("durability")
    if value is None or value == "disk":
        return False
    if value == "memory":
        return True
    bad("durability", '"disk" (answered once the message is on disk) or "memory" (answered at once)')


def users(data: Data, field: str, most: int = USERS_MOST) -> tuple[str, ...]:
    """A required list of user ids, in order, each once."""
    value = data.get(field)
    if value is None:
        missing(field)
    return as_users(value, field, most)


def as_users(value: object, field: str, most: int = USERS_MOST) -> tuple[str, ...]:
    if type(value) is not list or len(value) > most:
        bad(field, f"a list of at most {most} user ids")
    return tuple(dict.fromkeys(as_name(user, field, USER_ID_MOST) for user in value))


def users_or_text(data: Data, field: str) -> tuple[str, ...]:
    """An optional list of user ids, or the JSON text of one, as ZD-09 calls it and ZD-10 prints it."""
    value = data.get(field)
    if value is None or value == "":
        return ()
    if type(value) is str:
        try:
            value = read_json(value.encode())
        except Unreadable:
            bad(field, "a list of user ids, or the JSON text of one")
        if value is None:
            return ()
    return as_users(value, field)


def object_or(data: Data, field: str) -> bytes | None:
    """An optional JSON object, as the bytes the hub keeps; None if absent."""
    value = data.get(field)
    if value is None:
        return None
    if type(value) is not dict:
        bad(field, "a JSON object")
    return write_json(value)


def extension_or(data: Data, field: str) -> tuple[str | None, bytes | None]:
    """Of an optional `conv_extend` the conversation's name, which is text under `name` (None if it says none), and the
    attributes, all else; None if absent. Its counterpart is `shapes.extension`."""
    said = data.get(field)
    attributes = object_or(data, field)
    if attributes is None:
        return None, None
    title = cast(Data, said).get("name")
    if not isinstance(title, str):
        return None, attributes
    if len(title) > NAME_MOST:
        bad(f"{field}.name", f"text of at most {NAME_MOST} characters")
    # Without text it is no name, and comes back as it was said.
    kept = {key: value for key, value in cast(Data, said).items() if key != "name" or not title}
    return title, write_json(kept)


def as_object(value: object, what: str) -> Data:
    if type(value) is not dict:
        bad(what, "an object")
    return cast(Data, value)
