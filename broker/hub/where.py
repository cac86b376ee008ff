"""Searching conversations and users: a fixed list of fields and operators, compiled to plain tests, and the scan that
applies them. Nothing a client sends is ever SQL or a regular expression (DESIGN 2.2)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from broker.hub.decision import Decision
from broker.hub.rows import ConversationRow, UserRow
from protocol.commands import Condition
from protocol.errors import Reason, Refused


class Look:
    """A row being tested. Its attributes are read at most once, however many conditions ask for them."""

    __slots__ = ("_attributes", "read", "row")

    def __init__(self, row: Any) -> None:
        self.row = row
        """A ConversationRow or a UserRow, as the fields have it."""
        self.read = 0
        """Bytes of attributes read."""
        self._attributes: dict[str, Any] | None = None

    def attribute(self, key: str) -> Any:
        if self._attributes is None:
            self.read = len(self.row.attributes)
            self._attributes = orjson.loads(self.row.attributes)
        return self._attributes.get(key)


Test = Callable[[Look], bool]
Read = Callable[[Look], Any]
Fields = dict[str, tuple[type, Read]]
MOST_CONDITIONS = 20
MOST_VALUES = 200
MOST_ORDERS = 3
MOST_SORTED = 10_000
STEP = 500
"""Rows looked at between two checkpoints (DESIGN 2.2)."""
STEP_BYTES = 262_144
"""Of attributes read between two checkpoints: about 0.5 ms."""
MOST_ROWS = 200_000
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CONVERSATION: Fields = {
    "id": (int, lambda look: look.row.id),
    "kind": (int, lambda look: look.row.kind),
    "name": (str, lambda look: look.row.name),
    "owner": (str, lambda look: look.row.owner),
    "creator": (str, lambda look: look.row.creator),
    "created": (int, lambda look: look.row.created_ms),
    "updated": (int, lambda look: look.row.updated_ms),
}
USER: Fields = {
    "id": (str, lambda look: look.row.id),
    "created": (int, lambda look: look.row.created_ms),
    "updated": (int, lambda look: look.row.updated_ms or look.row.created_ms),
}


def fields_of(d: Decision) -> Fields:
    """Those of a conversation, with the number of its members."""
    members = d.hub.tables.members
    return {**CONVERSATION, "members": (int, lambda look: len(members.get(look.row.id, ())))}


def compile_where(d: Decision, where: tuple[Condition, ...], fields: Fields) -> list[Test]:
    """One test a condition. BAD_FORMAT names what is not understood."""
    if len(where) > MOST_CONDITIONS:
        raise Refused(Reason.BAD_FORMAT, f"where may have {MOST_CONDITIONS} conditions, not {len(where)}")
    return [_compile(d, condition, fields) for condition in where]


def _compile(d: Decision, condition: Condition, fields: Fields) -> Test:
    if condition.field == "member" and fields is not USER:
        members = d.hub.tables.members
        names = _operand(condition, str, ("=", "in"))
        wanted = names if isinstance(names, list) else [names]
        return lambda look: any(name in members.get(look.row.id, ()) for name in wanted)
    kind, read = _field(condition.field, fields, "where")
    return _test(condition, kind, read)


def _field(field: str, fields: Fields, where: str) -> tuple[type | None, Read]:
    """How to read it, and what it holds: None for an attribute, which may hold anything."""
    if field.startswith("attributes."):
        key = field.removeprefix("attributes.")
        return None, lambda look: look.attribute(key)
    if field not in fields:
        raise Refused(Reason.BAD_FORMAT, f"{where}: there is no field {field!r}")
    return fields[field]


class Order(NamedTuple):
    read: Read
    descending: bool

    def key(self, look: Look) -> tuple[int, Any]:
        """Values of different types stand in groups: none, booleans, numbers, texts, all else."""
        value = self.read(look)
        if isinstance(value, bool):
            return 1, value
        if isinstance(value, int | float):
            return 2, value
        if isinstance(value, str):
            return 3, value
        return (0, 0) if value is None else (4, 0)


def compile_sort(sort: tuple[str, ...], fields: Fields) -> list[Order]:
    """BAD_FORMAT names what is not understood."""
    if len(sort) > MOST_ORDERS:
        raise Refused(Reason.BAD_FORMAT, f"sort may have {MOST_ORDERS} fields, not {len(sort)}")
    return [Order(_field(field.removeprefix("-"), fields, "sort")[1], field.startswith("-")) for field in sort]


def search(
    rows: Mapping[Any, ConversationRow] | Mapping[str, UserRow],
    candidates: list[Any],
    tests: list[Test],
    orders: list[Order],
    found: list[Any],
) -> Iterator[None]:
    """Append to `found` the rows of the candidates that pass every test, sorted if there are orders. A step at a time, so
    that others get their turn; what changes meanwhile may or may not show. TOO_BROAD."""
    if len(candidates) > MOST_ROWS:
        raise Refused(Reason.TOO_BROAD, f"{len(candidates)} rows to look through, {MOST_ROWS} are allowed; narrow it")
    keys: list[tuple[tuple[int, Any], ...]] = []
    seen = read = 0
    for name in candidates:
        row = rows.get(name)
        if row is None:
            continue
        look = Look(row)
        if all(test(look) for test in tests):
            found.append(row)
            if orders:
                keys.append(tuple(order.key(look) for order in orders))
                if len(keys) > MOST_SORTED:
                    raise Refused(Reason.TOO_BROAD, f"more than {MOST_SORTED} to sort; add a condition")
        seen += 1
        read += look.read
        if seen >= STEP or read >= STEP_BYTES:
            seen = read = 0
            yield None
    places = list(range(len(keys)))
    for number, order in reversed(list(enumerate(orders))):
        yield None  # 10,000 take some 3 ms
        places.sort(key=lambda place, number=number: keys[place][number], reverse=order.descending)  # type: ignore[misc]
    if orders:
        found[:] = [found[place] for place in places]


def _test(condition: Condition, kind: type | None, read: Read) -> Test:
    op = condition.op
    value = _operand(condition, kind, ("=", "!=", "in", "like", *COMPARE))
    if op == "=":
        return lambda look: _same(read(look), value)
    if op == "!=":
        return lambda look: not _same(read(look), value)
    if op == "in" and all(isinstance(each, str) for each in value):  # 200 names against many rows: not one by one
        wanted = frozenset(value)
        return lambda look: isinstance(found := read(look), str) and found in wanted
    if op == "in":
        return lambda look: any(_same(read(look), each) for each in value)
    if op == "like":
        return _like(value, read)
    compare = COMPARE[op]

    def compared(look: Look) -> bool:
        found = read(look)
        return type(found) is type(value) and compare(found, value)

    return compared


def _same(found: object, value: object) -> bool:
    return found == value and isinstance(found, bool) == isinstance(value, bool)


def _operand(condition: Condition, kind: type | None, ops: tuple[str, ...]) -> Any:
    op, value = condition.op, condition.value
    if op not in ops:
        raise Refused(Reason.BAD_FORMAT, f"where: {condition.field} does not know the operator {op!r}")
    if op == "like":
        if kind not in (str, None) or not isinstance(value, str):
            raise Refused(Reason.BAD_FORMAT, f"where: like compares texts, {condition.field} is none or the value is not")
        return value
    values = value if op == "in" else [value]
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise Refused(Reason.BAD_FORMAT, f"where: in takes a list of at most {MOST_VALUES} values")
    for each in values:
        if type(each) is not (kind or type(each)) or (op in COMPARE and type(each) not in (int, float, str)):
            raise Refused(Reason.BAD_FORMAT, f"where: {condition.field} {op} does not take the value {each!r}")
    return value


def _like(pattern: str, read: Read) -> Test:
    """`%` stands for anything at the start or the end; elsewhere it is refused rather than misread."""
    start, end = pattern.startswith("%"), pattern.endswith("%") and len(pattern) > 1
    text = pattern[1 if start else 0 : -1 if end else None]
    if "%" in text:
        raise Refused(Reason.BAD_FORMAT, "where: like takes % at the start or the end of the text only")
    if start and end:
        return lambda look: isinstance(found := read(look), str) and text in found
    if start:
        return lambda look: isinstance(found := read(look), str) and found.endswith(text)
    if end:
        return lambda look: isinstance(found := read(look), str) and found.startswith(text)
    return lambda look: bool(read(look) == text)


def indexed(d: Decision, where: tuple[Condition, ...]) -> list[int] | None:
    """The only conversations that can match, newest first, if a condition says so by an index; else None."""
    for condition in where:
        if condition.field == "id" and condition.op in ("=", "in"):
            values = condition.value if isinstance(condition.value, list) else [condition.value]
            return sorted({value for value in values if isinstance(value, int)}, reverse=True)
        if condition.field == "member" and condition.op == "=" and isinstance(condition.value, str):
            return sorted(d.hub.tables.memberships.get(condition.value, ()), reverse=True)
    return None


def indexed_users(where: tuple[Condition, ...]) -> list[str] | None:
    """The only users who can match, in the order they are named; None if no condition names them."""
    for condition in where:
        if condition.field == "id" and condition.op in ("=", "in"):
            values = condition.value if isinstance(condition.value, list) else [condition.value]
            return list(dict.fromkeys(value for value in values if isinstance(value, str)))
    return None
