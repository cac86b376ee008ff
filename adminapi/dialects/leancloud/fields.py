"""Reading a request of the LeanCloud API: JSON body, or the query string where `curl -G` has put things (MUX-10, MUX-11).

The law: a JSON body is the request. Where there is none, a query string that is itself a JSON object is taken for it, and
plain `key=value` pairs count as fields; so every curl line the seed prints works, whatever `-G` makes of it. A value from
pairs is text, hence numbers, flags and lists are also read from their text.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote, unquote_plus

from adminapi.dialect import Ask
from protocol.codec import Unreadable, read_json, write_json
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST
from protocol.wires.leancloud import names
from protocol.wires.native.fields import Data, as_users, bad, missing, name, whole
from protocol.wires.native.ids import app_ids

USER_MOST = 128
"""Characters of a user id; LeanCloud's own end at 64, but users of other dialects are addressed here too."""
NO_BODY = (b"", b"null")
"""The vendor's JavaScript sends null where it has nothing to say, on GET too."""
_FLAGS: dict[object, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False, "": False}


def document(ask: Ask) -> Data:
    """The request as one JSON object, of the body or of the whole query string; {} if there is neither."""
    if ask.body.strip() not in NO_BODY:
        return ask.json_object()
    found = _from_query(ask.query.raw.strip())
    return {} if found is None else found


def request(ask: Ask) -> Data:
    """`document`, with pairs of the query string for what it lacks."""
    said = {key: value for key, value in document(ask).items() if value is not None}
    if ask.query.raw.lstrip().startswith(("{", "%7B", "%7b")):
        return said
    pairs: Data = {key: ask.query.get(key) for key in ask.query.values}
    return {**pairs, **said}


def _from_query(raw: str) -> Data | None:
    if not unquote(raw[:3]).startswith("{"):
        return None
    # curl sends it as it is, other clients escape some or all of it; "+" is a space only for those that escape all.
    for text in dict.fromkeys((raw, unquote(raw), unquote_plus(raw))):
        try:
            value = read_json(text.encode())
        except Unreadable:
            continue
        if isinstance(value, dict):
            return cast(Data, value)
    raise Refused(Reason.BAD_FORMAT, "The query string begins like a JSON object but is none.")


def conversation(ask: Ask, text: str) -> int:
    """A conversation's id; 4303 if this app has none such."""
    return names.conversation_of(text, app_ids(ask.app.id))


def conversation_of(ask: Ask) -> int:
    """The conversation in the path."""
    return conversation(ask, ask.path["conv_id"])


def where(data: Data) -> Data:
    """The conditions of a search: a JSON object or the text of one; {} if there is none."""
    value = data.get("where")
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = read_json(value.encode())
        except Unreadable:
            bad("where", "a JSON object")
    if not isinstance(value, dict):
        bad("where", "a JSON object")
    return cast(Data, value)


def user(data: Data, *fields: str) -> str:
    """A required user id, under the first of these names that is there; the first is the one to complain about."""
    found = next((field for field in fields if data.get(field) not in (None, "")), fields[0])
    return name(data, found, USER_MOST)


def users(ask: Ask, data: Data, field: str, most: int = 500) -> tuple[str, ...]:
    """A required list of user ids: of the body, as JSON text in the query, or as a pair that is repeated."""
    value = data.get(field)
    if value is None or value == "":
        missing(field)
    if isinstance(value, str):
        value = _list(field, value) if value.lstrip().startswith("[") else list(ask.query.all(field) or [value])
    return as_users(value, field, most)


def _list(field: str, text: str) -> object:
    try:
        return read_json(text.encode())
    except Unreadable:
        bad(field, "a list of user ids, or the JSON text of one")


def flag(data: Data, field: str) -> bool:
    """A JSON boolean, its text, 1 or 0; absent is false."""
    value = data.get(field)
    if value is None:
        return False
    if not isinstance(value, str | int) or (key := value.lower() if isinstance(value, str) else value) not in _FLAGS:
        bad(field, "true or false")
    return _FLAGS[key]


def integer(data: Data, field: str, least: int, most: int, default: int | None = None) -> int:
    """An integer, or its decimal text; required if there is no default."""
    value = data.get(field)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        data = {field: int(value)}
    elif value == "":
        data = {}
    return whole(data, field, least, most, default)


def milliseconds(data: Data, field: str, default: int | None = None) -> int:
    """A message's time."""
    return integer(data, field, 0, LARGEST, default)


def message_string(ask: Ask, data: Data) -> str:
    """The required `message`: any string of at most the app's `text_bytes` (5 KB), or an object, kept as its compact
    JSON (LC-10)."""
    value = data.get("message")
    if value is None:
        missing("message")
    if isinstance(value, dict):
        value = write_json(value).decode()
    if not isinstance(value, str):
        bad("message", "text, or a JSON object")
    size, most = len(value.encode()), ask.app.settings.text_bytes
    if size > most:
        raise Refused(Reason.TOO_LARGE, f"The message has {size} bytes, {most} are allowed.")
    return value
