"""The `where` of a query for conversations -> Conditions (LC-30).

The law: fields and operators come from the lists below, whatever else is asked is refused by its name; no value is ever
executed. The counterpart that evaluates them is the hub.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from protocol.codec import Unreadable, read_json
from protocol.commands import Condition
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.records import Kind
from protocol.wires.native.fields import Data, as_users, bad

OPERATORS = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">=", "$ne": "!=", "$in": "in"}
FIELDS = {"objectId": "id", "name": "name", "m": "member", "c": "creator", "createdAt": "created", "tr": "kind"}
NOT_SEARCHED = frozenset({"updatedAt", "lm", "mu", "sys", "unique", "uniqueId", "ACL"})
"""Built-in fields without a condition here: of times only the creation's moves as LeanCloud's does."""
MOST = 16
"""Conditions."""
IN_MOST = 200


def conditions(where: object, ids: IdForms) -> tuple[Condition, ...]:
    """Of a JSON object or the text of one; () if there is none."""
    if where is None or where == "":
        return ()
    if isinstance(where, str):
        try:
            where = read_json(where.encode())
        except Unreadable:
            bad("where", "a JSON object")
    if not isinstance(where, dict):
        bad("where", "a JSON object")
    found = [condition for field, test in where.items() for condition in _conditions(field, test, ids)]
    if len(found) > MOST:
        bad("where", f"of at most {MOST} conditions")
    return tuple(found)


def _conditions(field: str, test: object, ids: IdForms) -> list[Condition]:
    if field.startswith("$"):
        raise Refused(Reason.BAD_FORMAT, f"where: the operator {field[:64]} is not known.")
    if field in NOT_SEARCHED or "." in field or len(field) > 128:
        raise Refused(Reason.BAD_FORMAT, f"where: conversations cannot be searched by {field[:64]}.")
    ours = FIELDS.get(field) or "attributes." + field
    if not isinstance(test, dict) or not any(key.startswith("$") for key in test):
        return [_condition(field, ours, "=", test, ids)]
    for operator in test:
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise Refused(Reason.BAD_FORMAT, f"where: the operator {operator[:64]} is not known, only {known}.")
    return [_condition(field, ours, OPERATORS[operator], value, ids) for operator, value in test.items()]


def _condition(field: str, ours: str, operator: str, value: object, ids: IdForms) -> Condition:
    if operator == "in":
        if not isinstance(value, list) or len(value) > IN_MOST:
            bad("where", f"given a list of at most {IN_MOST} values for $in")
        return Condition(ours, operator, [_value(field, each, ids) for each in value])
    if field == "tr":
        return _room(operator, value)
    return Condition(ours, operator, _value(field, value, ids))


def _room(operator: str, value: object) -> Condition:
    if not isinstance(value, bool) or operator not in ("=", "!="):
        bad("where", "given true or false for tr")
    return Condition("kind", "=" if value == (operator == "=") else "!=", int(Kind.ROOM))


def _value(field: str, value: object, ids: IdForms) -> object:
    """As the hub compares it: ids as integers, users as text, times in ms."""
    if field == "objectId":
        if not isinstance(value, str):
            bad("where", "given text for objectId")
        return ids.conversation(value) or 0  # what is no id of this app equals no conversation
    if field in ("m", "c"):
        return as_users([value], "where")[0]
    if field == "createdAt":
        return _milliseconds(value)
    if field == "tr":
        bad("where", "given true or false for tr")
    return value


def _milliseconds(value: object) -> int:
    """An ISO time, bare or as `{"__type": "Date", "iso": ...}`."""
    text = cast(Data, value).get("iso") if isinstance(value, dict) and value.get("__type") == "Date" else value
    try:
        moment = datetime.strptime(cast(str, text), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except (ValueError, TypeError):
        bad("where", "given a Date for createdAt, as 2018-01-17T04:15:33.386Z")
    return round(moment.timestamp() * 1000)
