"""The `where` and `sort` of a query for conversations -> Conditions (`protocols.md` 2.5).

The law: fields and operators come from the lists below, whatever else is asked is refused by its name; no value is ever
executed. The counterpart that evaluates them is the hub.

Readings: of what one is not in, rooms and service conversations alone are found, by id, `tr` or `sys`, unless the app has
`open_query`. A regular expression is what the SDK makes of starts-with, ends-with and contains: `^`, `\\Q..\\E`, `$`, and
text without special characters; other expressions are refused, as are options other than i and m. A Date of a custom
attribute is compared by its `iso`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

from protocol.codec import is_name
from protocol.commands import Condition
from protocol.errors import Reason, Refused
from protocol.records import Kind
from protocol.wires.leancloud.names import number_of
from protocol.wires.native.fields import Data, bad
from protocol.wires.native.ids import AppIds

FIELDS = {
    "objectId": "id",
    "name": "name",
    "m": "member",
    "mu": "quiet",
    "c": "creator",
    "createdAt": "created",
    "updatedAt": "changed",
    "lm": "last",
    "tr": "kind",
    "sys": "kind",
    "unique": "unique",
}
OPERATORS = {
    "$lt": "<",
    "$lte": "<=",
    "$gt": ">",
    "$gte": ">=",
    "$ne": "!=",
    "$in": "in",
    "$nin": "not-in",
    "$all": "all",
    "$size": "size",
    "$exists": "exists",
}
ALWAYS = frozenset({"objectId", "m", "createdAt", "updatedAt", "tr", "sys", "unique", "c", "name"})
"""What every conversation has, for `$exists`."""
KINDS = {"tr": Kind.ROOM, "sys": Kind.SYSTEM}
UNSORTED = frozenset({"m", "mu", "tr", "sys"})
TIMES = frozenset({"createdAt", "updatedAt", "lm"})
DEPTH = 4
"""Of `$and` and `$or` in each other."""
LIST_MOST = 200
ATTRIBUTE_MOST = 128
_QUOTED = re.compile(r"\\Q(.*?)\\E", re.DOTALL)
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
Triple = list[object]


def conditions(where: Data, ids: AppIds) -> tuple[Condition, ...]:
    return tuple(Condition(*each) for each in _triples(where, ids, DEPTH))  # type: ignore[arg-type]  # made below


def sort_of(text: str) -> tuple[str, ...]:
    """ "a,-b" in the hub's fields. Ids grow with time, and are the order conversations are kept in."""
    orders = []
    for each in text.split(","):
        name = each.strip().lstrip("-+").strip()
        if name and name not in UNSORTED:
            field = "id" if name == "createdAt" else _field(name)
            orders.append("-" + field if each.strip().startswith("-") else field)
    return tuple(orders)


def _field(name: str) -> str:
    if name.startswith("$") or not is_name(name, ATTRIBUTE_MOST):
        raise Refused(Reason.BAD_FORMAT, f"where: conversations cannot be searched by {name[:64]!r}.")
    return FIELDS.get(name) or "attributes." + name


def _triples(where: Data, ids: AppIds, depth: int) -> list[Triple]:
    found: list[Triple] = []
    for name, test in where.items():
        if name in ("$and", "$or"):
            found += _several(name, test, ids, depth)
        else:
            found += _of_field(name, test, ids)
    return found


def _several(name: str, test: object, ids: AppIds, depth: int) -> list[Triple]:
    if not depth or not isinstance(test, list) or not all(isinstance(each, dict) for each in test):
        bad("where", f"given a list of conditions for {name}, at most {DEPTH} deep")
    ways = [_triples(cast(Data, each), ids, depth - 1) for each in test]
    return [triple for way in ways for triple in way] if name == "$and" else [["", "any", ways]]


def _of_field(name: str, test: object, ids: AppIds) -> list[Triple]:
    _field(name)
    if not isinstance(test, dict) or not any(key.startswith("$") for key in test):
        return _tested(name, "=", test, ids)
    found: list[Triple] = []
    for operator, value in test.items():
        if operator == "$regex":
            found.append([_field(name), *_matched(value, test.get("$options", ""))])
        elif operator == "$options" and "$regex" in test:
            continue
        elif operator in OPERATORS:
            found += _tested(name, OPERATORS[operator], value, ids)
        else:
            known = ", ".join((*OPERATORS, "$regex", "$and", "$or"))
            raise Refused(Reason.BAD_FORMAT, f"where: the operator {operator[:64]} is not known, only {known}.")
    return found


def _tested(name: str, op: str, value: object, ids: AppIds) -> list[Triple]:
    field = _field(name)
    if op in ("in", "not-in", "all"):
        if not isinstance(value, list) or len(value) > LIST_MOST:
            bad("where", f"given a list of at most {LIST_MOST} values for {name}")
        if name in KINDS or name == "unique":
            bad("where", f"given true or false for {name}")
        return [[_place(field, value), op, [_value(name, each, ids) for each in value]]]
    if op == "exists":
        value = value is True or value == 1
        if name in ALWAYS:  # an id is never 0
            return [["id", "!=" if value else "=", 0]]
        return [[field, op, value]]
    if op == "size":
        if type(value) is not int:
            bad("where", f"given a number for the $size of {name}")
        return [_sized(name, value)]
    if name in KINDS:
        if not isinstance(value, bool) or op not in ("=", "!="):
            bad("where", f"given true or false for {name}")
        return [[field, "=" if value == (op == "=") else "!=", int(KINDS[name])]]
    if name in ("m", "mu") and isinstance(value, list):  # exactly these
        return [[field, "all", [_value(name, each, ids) for each in value]], _sized(name, len(value))]
    return [[_place(field, [value]), op, _value(name, value, ids)]]


def _sized(name: str, size: int) -> Triple:
    """Of members the hub keeps the number, which more may know than who they are."""
    return ["members", "=", size] if name == "m" else [_field(name), "size", size]


def _place(field: str, values: Iterable[object]) -> str:
    """Dates in attributes are objects; their `iso` sorts as they do."""
    dates = field.startswith("attributes.") and all(isinstance(each, dict) and "iso" in each for each in values)
    return field + ".iso" if dates else field


def _value(name: str, value: object, ids: AppIds) -> object:
    """As the hub compares it: ids as integers, times in ms."""
    if name == "objectId":
        if not isinstance(value, str):
            bad("where", "given text for objectId")
        # What is no id of this app equals no conversation.
        return number_of(value, ids) or 0
    if name in ("m", "mu", "c"):
        if not isinstance(value, str):
            bad("where", f"given client ids for {name}")
        return value
    if name in TIMES:
        return _milliseconds(name, value)
    if isinstance(value, dict) and value.get("__type") == "Date" and isinstance(value.get("iso"), str):
        return value["iso"]
    return value


def _milliseconds(name: str, value: object) -> int:
    """A Date, or an ISO time alone."""
    text = value.get("iso") if isinstance(value, dict) else value
    if isinstance(text, str):
        for form in ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ"):
            try:
                return round(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() * 1000)
            except ValueError:
                continue
    bad("where", f"given a Date for {name}, as 2018-01-17T04:15:33.386Z")


def _matched(pattern: object, options: object) -> tuple[str, str]:
    """(operator, text) of a pattern of which nothing but the ends is special."""
    if not isinstance(pattern, str) or not isinstance(options, str) or options.strip("im"):
        bad("where", "given a pattern as text, with no options but i and m")
    start = pattern.startswith("^")
    end = pattern.endswith("$") and not pattern.endswith("\\$")
    inner = pattern[1 if start else 0 : -1 if end else None]
    text = ""
    while inner:
        quoted = _QUOTED.match(inner)
        if quoted is not None:
            text, inner = text + quoted[1], inner[quoted.end() :]
        elif inner.startswith("\\") and _SPECIAL.match(inner[1:2] or "x"):
            text, inner = text + inner[1], inner[2:]
        elif _SPECIAL.match(inner) is None:
            text, inner = text + inner[0], inner[1:]
        else:
            bad("where", r"given a $regex of ^, quoted text as \Q..\E, and $; nothing else of a pattern is carried out")
    word = "is" if start and end else "starts" if start else "ends" if end else "contains"
    return word + ("~" if "i" in options else ""), text
