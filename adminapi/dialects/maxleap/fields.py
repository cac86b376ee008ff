"""Reading a request of the MaxLeap API: ids in the path, lists of members, paging, attributes.

The law: a JSON body is the request, and parameters of the query count where it lacks them, for proxies drop the bodies of
DELETE (MUX-10). Lists of users are taken as the vendor's own clients write them, nested and with holes (`protocols.md`
4.4). Nothing else is guessed.
"""

from __future__ import annotations

import re

from adminapi.dialect import Ask
from protocol.codec import Unreadable, read_json
from protocol.commands import Condition
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST
from protocol.wires.native.fields import USER_ID_MOST, Data, as_name, bad, missing, whole

NEW_USER = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What the seed lets a user be called."""
NAME_MOST = 256
"""Characters of the name of a group or room."""
LIMIT, LIMIT_MOST = 20, 100
SKIP_MOST = 1_000_000
NOT_FILTERS = frozenset({"limit", "size", "skip", "sort", "detail"})
"""The JS guide's spellings, which no attribute of a filter can have; those with `_` before them are never one."""
MEMBERS_MOST = 10_000
"""In one request; how many there may be is the app's own setting."""
REMARK_MOST = 1024
PUSH_TEXT_MOST = 1024
"""Characters."""
PUSH_FIELDS: dict[str, type] = {
    "enable": bool,
    "sound": str,
    "prefix": str,
    "suffix": str,
    "overwrite": str,
    "badge": int,
    "contentAvailable": bool,
}
"""Of `push`, each with its type; others are ignored."""


def user_of(ask: Ask, name: str = "userId") -> str:
    """A user id of the path, perhaps of another dialect. UNKNOWN_USER if nobody can have it."""
    value = ask.path[name]
    try:
        return as_name(value, name, USER_ID_MOST)
    except Refused:
        raise Refused(Reason.UNKNOWN_USER, "There is no user of this id; ids have 1 to 128 characters.") from None


def user(data: Data, field: str) -> str:
    """A required user id of the body."""
    value = data.get(field)
    if value is None or value == "":
        missing(field)
    return as_name(value, field, USER_ID_MOST)


def members(ask: Ask) -> tuple[str, ...]:
    """`members`, required: a list of user ids of the body, or of the query as JSON, repeated, or with commas."""
    value = ask.json_object().get("members")
    if value is None:
        value = _of_query(ask)
    if value is None:
        missing("members")
    found = users(value)
    if not found:
        missing("members")
    return found


def users(value: object) -> tuple[str, ...]:
    """A list of user ids, each once; lists in it are part of it, empty ones and empty texts are nobody."""
    if not isinstance(value, list):
        bad("members", "a list of user ids")
    names: dict[str, None] = {}
    for each in value:
        for name in each if isinstance(each, list) else [each]:
            if name != "" and name is not None:
                names[as_name(name, "each of members", USER_ID_MOST)] = None
    if len(names) > MEMBERS_MOST:
        bad("members", f"a list of at most {MEMBERS_MOST} user ids")
    return tuple(names)


def _of_query(ask: Ask) -> object:
    texts = ask.query.all("members")
    if len(texts) == 1 and texts[0].lstrip().startswith("["):
        try:
            return read_json(texts[0].encode())
        except Unreadable:
            bad("members", "a list of user ids, or the JSON text of one")
    return [name for text in texts for name in text.split(",")] or None


def number(ask: Ask, names: tuple[str, ...], least: int, most: int, default: int) -> int:
    """An integer of the query, under the first of these names that is there."""
    for name in names:
        text = ask.query.get(name)
        if text:
            value = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else text
            return whole({name: value}, name, least, most)
    return default


def limit(ask: Ask) -> int:
    """At most 100: more asked for is 100, for that is what the vendor gave."""
    return min(number(ask, ("_limit", "limit", "size"), 0, SKIP_MOST, LIMIT), LIMIT_MOST)


def skip(ask: Ask) -> int:
    return number(ask, ("_skip", "skip"), 0, SKIP_MOST, 0)


def until(ask: Ask) -> int | None:
    """`ts`, Unix milliseconds; None for now, which clients also write as 0."""
    return number(ask, ("ts",), 0, LARGEST, 0) or None


def body(ask: Ask) -> Data:
    """A body that has to be there: one that was lost on the way must not pass for an empty object."""
    if not ask.body.strip():
        raise Refused(Reason.MISSING_FIELD, "The body is missing; send a JSON object.")
    return ask.json_object()


def attributes(ask: Ask, *, merge: bool) -> Data:
    """The body, which is free. Where it replaces what is there, null is nothing."""
    data = body(ask)
    return data if merge else {key: value for key, value in data.items() if value is not None}


def name_of(data: Data) -> str | None:
    """The name of a group or room that the attributes give it, "" for null; None if they say nothing of it."""
    if "name" not in data:
        return None
    name = data["name"]
    if name is None:
        return ""
    if not isinstance(name, str):
        bad("name", "text")
    if len(name) > NAME_MOST:
        raise Refused(Reason.TOO_LARGE, f"name has {len(name)} characters, {NAME_MOST} are allowed.")
    return name


def filters(ask: Ask, named: dict[str, str]) -> tuple[Condition, ...]:
    """The attributes of the query that must be equal. `named`: those that are a field of their own.

    A query has only text: a number or a truth value is looked for as what it reads as, and as the text."""
    conditions = []
    for name in ask.query.values:
        if name.startswith("_") or name in NOT_FILTERS:
            continue
        values: list[object] = list(ask.query.all(name))
        if name not in named:
            values += [value for text in ask.query.all(name) for value in _scalar(text)]
        conditions.append(Condition(named.get(name, "attributes." + name), "in", values))
    return tuple(conditions)


def _scalar(text: str) -> list[object]:
    try:
        value = read_json(text.encode())
    except Unreadable:
        return []
    return [value] if type(value) in (int, float, bool) else []


def sort(ask: Ask, named: dict[str, str]) -> tuple[str, ...]:
    """`_sort=a,-b`."""
    text = ask.query.get("_sort") or ask.query.get("sort") or ""
    found = []
    for part in text.split(","):
        name = part.strip().removeprefix("-")
        if name:
            found.append("-" * part.strip().startswith("-") + named.get(name, "attributes." + name))
    return tuple(found)
