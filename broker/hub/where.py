"""Conditions on conversations and on users: a fixed list of fields and operators, compiled to plain tests, and the scan
that tries them. Nothing a client sends is ever SQL or a regular expression (DESIGN 2.2)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import orjson

from broker.hub.decision import Decision
from protocol.commands import Condition
from protocol.errors import Reason, Refused

STEP = 500
"""Rows looked at between two checkpoints (DESIGN 2.2)."""
STEP_BYTES = 262_144
"""Of attributes read between two checkpoints: about 0.5 ms."""
MOST_ROWS = 200_000


class Searched(Protocol):
    """A row of conversations or of users."""

    @property
    def attributes(self) -> bytes: ...


class Look:
    """A row being tested. Its attributes are read at most once, however many conditions ask for them."""

    __slots__ = ("_attributes", "read", "row")

    def __init__(self, row: Any) -> None:
        self.row = row
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
MOST_CONDITIONS = 20
MOST_VALUES = 200
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Fields = Mapping[str, tuple[type, Read]]
CONVERSATION: Fields = {
    "id": (int, lambda look: look.row.id),
    "kind": (int, lambda look: look.row.kind),
    "name": (str, lambda look: look.row.name),
    "owner": (str, lambda look: look.row.owner),
    "creator": (str, lambda look: look.row.creator),
    "created": (int, lambda look: look.row.created_ms),
    "updated": (int, lambda look: look.row.updated_ms),
}
USER: Fields = {"id": (str, lambda look: look.row.id)}


def compile_where(d: Decision, where: tuple[Condition, ...]) -> list[Test]:
    """One test of a conversation for each condition. BAD_FORMAT names what is not understood."""
    check_count(where)
    return [_of_members(d, condition) or _of_row(condition, CONVERSATION) for condition in where]


def compile_user_where(where: tuple[Condition, ...]) -> list[Test]:
    """As `compile_where`, of users."""
    check_count(where)
    return [_of_row(condition, USER) for condition in where]


def check_count(where: tuple[Condition, ...]) -> None:
    if len(where) > MOST_CONDITIONS:
        raise Refused(Reason.BAD_FORMAT, f"where may have {MOST_CONDITIONS} conditions, not {len(where)}")


def _of_members(d: Decision, condition: Condition) -> Test | None:
    """The test of a condition on who is in a conversation; None if it is another."""
    members = d.hub.tables.members
    if condition.field == "member":
        names = _operand(condition, str, ("=", "in"))
        wanted = names if isinstance(names, list) else [names]
        return lambda look: any(name in members.get(look.row.id, ()) for name in wanted)
    if condition.field == "members":
        return _test(condition, int, lambda look: len(members.get(look.row.id, ())))
    return None


def _of_row(condition: Condition, fields: Fields) -> Test:
    field, value = condition.field, condition.value
    if field.startswith("attributes."):
        key = field.removeprefix("attributes.")
        kind = type(value[0]) if isinstance(value, list) and value else type(value)
        return _test(condition, kind, lambda look: look.attribute(key))
    if field not in fields:
        raise Refused(Reason.BAD_FORMAT, f"where: there is no field {field!r}")
    kind, read = fields[field]
    return _test(condition, kind, read)


def _test(condition: Condition, kind: type, read: Read) -> Test:
    op = condition.op
    value = _operand(condition, kind, ("=", "!=", "in", "like", *COMPARE))
    if op == "=":
        return lambda look: _same(read(look), value)
    if op == "!=":
        return lambda look: not _same(read(look), value)
    if op == "in" and kind is str:  # names, up to 200 against as many rows: not one by one
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


def _operand(condition: Condition, kind: type, ops: tuple[str, ...]) -> Any:
    op, value = condition.op, condition.value
    if op not in ops:
        raise Refused(Reason.BAD_FORMAT, f"where: {condition.field} does not know the operator {op!r}")
    if op == "like":
        if kind is not str or not isinstance(value, str):
            raise Refused(Reason.BAD_FORMAT, f"where: like compares texts, {condition.field} is none or the value is not")
        return value
    values = value if op == "in" else [value]
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise Refused(Reason.BAD_FORMAT, f"where: in takes a list of at most {MOST_VALUES} values")
    for each in values:
        if type(each) is not kind or (op in COMPARE and kind not in (int, float, str)):
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


Key = TypeVar("Key", int, str)
Found = TypeVar("Found", bound=Searched)


def matching(rows: Mapping[Key, Found], candidates: Sequence[Key], tests: list[Test], what: str) -> Iterator[Found | None]:
    """The rows that pass, in the order of the candidates; None after each step, so that others get their turn. What changes
    meanwhile may or may not show. `what` names the candidates in TOO_BROAD."""
    if len(candidates) > MOST_ROWS:
        raise Refused(Reason.TOO_BROAD, f"{len(candidates)} {what} to look through, {MOST_ROWS} are allowed; narrow it")
    seen = read = 0
    for key in candidates:
        row = rows.get(key)
        if row is None:
            continue
        look = Look(row)
        if all(test(look) for test in tests):
            yield row
        seen += 1
        read += look.read
        if seen >= STEP or read >= STEP_BYTES:
            seen = read = 0
            yield None
