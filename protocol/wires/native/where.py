"""The `where` of ZD-05 and ZD-06: a JSON array of `[field, operator, value]` -> Conditions. The REST dialect shares it.

The law: fields and operators come from the two lists below, anything else is refused 4406; no value is ever executed.
The counterpart that evaluates them is the hub. Names the seed and its origin use stand beside ours, "creater" included.
"""

from __future__ import annotations

from datetime import UTC, datetime

from protocol.codec import Unreadable, read_json
from protocol.commands import Condition
from protocol.ids import LARGEST
from protocol.wires.native.fields import as_users, bad
from protocol.wires.native.ids import AppIds

FIELDS = {
    "conv_id": "id",
    "conv_type": "kind",
    "conv_creater_id": "creator",
    "user_id": "member",
    "client_id": "member",
    "client_num": "members",
    "ctime": "created",
    "mtime": "updated",
    "name": "name",
    "owner": "owner",
}
EXTENSION = "conv_extend."
OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "in", "like"})
CONDITIONS_MOST = 16
IN_MOST = 200
_USERS = frozenset({"creator", "member", "owner"})
_TIMES = frozenset({"created", "updated"})


def conditions(where: object, ids: AppIds) -> tuple[Condition, ...]:
    """Conditions of a list of triples, or of the JSON text of one (REST carries it in the query); () for null or []."""
    if type(where) is str:
        try:
            where = read_json(where.encode())
        except (Unreadable, UnicodeEncodeError):
            bad("where", "a list of [field, operator, value], or the JSON text of one")
    if where is None:
        return ()
    if type(where) is not list or len(where) > CONDITIONS_MOST:
        bad("where", f"a list of at most {CONDITIONS_MOST} [field, operator, value]")
    return tuple(condition for triple in where for condition in _conditions(triple, ids))


def _conditions(triple: object, ids: AppIds) -> list[Condition]:
    if type(triple) is not list or len(triple) != 3:
        bad("where", "a list of [field, operator, value]")
    name, operator, value = triple
    if type(name) is not str or not (name in FIELDS or (name.startswith(EXTENSION) and len(name) <= 128)):
        bad("where", f"about one of {', '.join(FIELDS)}, or {EXTENSION}<key>")
    if type(operator) is not str or operator not in OPERATORS:
        bad("where", f"made with one of the operators {' '.join(sorted(OPERATORS))}")
    field = FIELDS.get(name) or _extension(name[len(EXTENSION) :], value)
    if operator == "in":
        if type(value) is not list or len(value) > IN_MOST:
            bad("where", f"given a list of at most {IN_MOST} values for the operator in")
        if field in _TIMES and any(type(item) is str for item in value):
            bad("where", "given milliseconds for the operator in")
        return [Condition(field=field, op=operator, value=[_value(field, item, ids) for item in value])]
    read = _value(field, value, ids)
    if field in _TIMES and type(value) is str and type(read) is int:
        return _within_second(field, operator, read)
    return [Condition(field=field, op=operator, value=read)]


def _extension(key: str, value: object) -> str:
    """`name` of it, where it is text, is the conversation's (`shapes`)."""
    values = value if type(value) is list else [value]
    return "name" if key == "name" and all(type(each) is str and each for each in values) else "attributes." + key


def _within_second(field: str, operator: str, start: int) -> list[Condition]:
    """A time as text means the whole second that the answers print, not its first millisecond."""
    end = start + 1000
    bounds: dict[str, tuple[tuple[str, int], ...]] = {
        "=": ((">=", start), ("<", end)),
        "<": (("<", start),),
        "<=": (("<", end),),
        ">": ((">=", end),),
        ">=": ((">=", start),),
    }
    if operator not in bounds:
        bad("where", f"given milliseconds for the operator {operator}")
    return [Condition(field=field, op=each, value=value) for each, value in bounds[operator]]


def _value(field: str, value: object, ids: AppIds) -> object:
    """The value as the hub compares it: ids as integers, users as text, times in ms."""
    if field == "id":
        if type(value) is int:
            value = str(value)
        # What is not an id of this app equals no conversation: 0 is never one.
        return (ids.conversation_number(value) or 0) if type(value) is str else bad("where", "given text for conv_id")
    if field in _USERS:
        return as_users([value], "where")[0]
    if field in _TIMES and type(value) is str:
        try:
            return int(datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1000
        except ValueError:
            bad("where", "given milliseconds or YYYY-MM-DD HH:MM:SS for a time")
    if field in _TIMES and (type(value) is not int or not 0 <= value <= LARGEST):
        bad("where", "given milliseconds or YYYY-MM-DD HH:MM:SS for a time")
    return value
