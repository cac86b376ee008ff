"""Searching conversations and users: a fixed list of fields and operators, compiled to plain tests, and the scan that
applies them. Nothing a client sends is ever SQL or a regular expression (DESIGN 2.2)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from broker.hub.decision import Decision
from broker.hub.rows import ConversationRow, UserRow, said_ms
from protocol.commands import Condition
from protocol.errors import Reason, Refused
from protocol.records import Kind


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
        found = self._attributes.get(key)
        return _deeper(self._attributes, key) if found is None and "." in key else found


def _deeper(place: Any, path: str) -> Any:
    for key in path.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return place


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
LISTS = ("in", "not-in", "all")
"""Operators that take a list."""
WORDS: dict[str, Callable[[str, str], bool]] = {
    "starts": str.startswith,
    "ends": str.endswith,
    "contains": operator.contains,
    "is": operator.eq,
}
"""Tests of text; with `~` behind in any case."""
MATCHES = (*WORDS, *(word + "~" for word in WORDS))
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
    "changed": (int, lambda look: look.row.updated_ms or look.row.created_ms),
    "unique": (bool, lambda look: bool(look.row.unique_key)),
}
USER: Fields = {
    "id": (str, lambda look: look.row.id),
    "created": (int, lambda look: look.row.created_ms),
    "updated": (int, lambda look: look.row.updated_ms or look.row.created_ms),
}


def fields_of(d: Decision) -> Fields:
    """Those of a conversation, with the number of its members and the time somebody spoke last; None where nobody has."""
    members, heads = d.hub.tables.members, d.hub.tables.heads

    def last(look: Look) -> int | None:
        head = heads.get(look.row.id)
        return (said_ms(head) or None) if head is not None else None

    return {**CONVERSATION, "members": (int, lambda look: len(members.get(look.row.id, ()))), "last": (int, last)}


def compile_where(d: Decision, where: tuple[Condition, ...], fields: Fields) -> list[Test]:
    """One test a condition. BAD_FORMAT names what is not understood."""
    if (count := sum(_count(condition) for condition in where)) > MOST_CONDITIONS:
        raise Refused(Reason.BAD_FORMAT, f"where may have {MOST_CONDITIONS} conditions, not {count}")
    return [_compile(d, condition, fields) for condition in where]


def _count(condition: Condition) -> int:
    if condition.op != "any" or condition.field:
        return 1
    return sum(_count(each) for alternative in _alternatives(condition) for each in alternative)


def _alternatives(condition: Condition) -> list[list[Condition]]:
    """Of an `any`: a list of lists of [field, op, value], or of Conditions."""
    try:
        # `value` is typed as anything: what cannot be taken apart so raises TypeError, which is the check.
        return [[each if type(each) is Condition else Condition(*each) for each in one] for one in condition.value]  # type: ignore[attr-defined]
    except TypeError:
        raise Refused(Reason.BAD_FORMAT, "where: any takes lists of [field, operator, value]") from None


def _compile(d: Decision, condition: Condition, fields: Fields) -> Test:
    if condition.op == "any" and not condition.field:
        ways = [[_compile(d, each, fields) for each in one] for one in _alternatives(condition)]
        return lambda look: any(all(test(look) for test in way) for way in ways)
    if condition.field in ("member", "quiet") and fields is not USER:
        return _member(d, condition)
    kind, read = _field(condition.field, fields, "where")
    return _test(condition, kind, read)


def _member(d: Decision, condition: Condition) -> Test:
    """Of those who are in, or of those of them who want no notifications (`quiet`)."""
    among, op = (_quiet if condition.field == "quiet" else _inside)(d), condition.op
    names = _operand(condition, str, ("=", "!=", "size", "exists", *LISTS))
    if op == "size":
        return lambda look: len(among(look)) == names
    if op == "exists":
        return lambda look: bool(among(look)) is names
    wanted = names if isinstance(names, list) else [names]
    if op == "all":
        return lambda look: all(name in there for there in (among(look),) for name in wanted)
    if op in ("=", "in"):
        return lambda look: any(name in there for there in (among(look),) for name in wanted)
    return lambda look: not any(name in there for there in (among(look),) for name in wanted)


def _inside(d: Decision) -> Callable[[Look], Collection[str]]:
    members, everything, own = d.hub.tables.members, d.caller.privileged, d.caller.user

    def among(look: Look) -> Collection[str]:
        """Of a system conversation's members one knows oneself."""
        found = members.get(look.row.id, {})
        if everything or look.row.kind != Kind.SYSTEM:
            return found
        return (own,) if own in found else ()

    return among


def _quiet(d: Decision) -> Callable[[Look], Collection[str]]:
    quiet, everything, own = d.hub.tables.quiet, d.caller.privileged, d.caller.user

    def among(look: Look) -> Collection[str]:
        """Shown with the members: of a room and of a system conversation one knows oneself."""
        found = quiet.get(look.row.id, ())
        if everything or look.row.kind not in (Kind.ROOM, Kind.SYSTEM):
            return found
        return (own,) if own in found else ()

    return among


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
        """Values of different types stand in groups: none, booleans, numbers, texts, all else by its JSON, so that dates
        that are objects stand in their order."""
        value = self.read(look)
        if isinstance(value, bool):
            return 1, value
        if isinstance(value, int | float):
            return 2, value
        if isinstance(value, str):
            return 3, value
        return (0, 0) if value is None else (4, orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


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
        # The default binds the loop's number, which mypy cannot type in a lambda.
        places.sort(key=lambda place, number=number: keys[place][number], reverse=order.descending)  # type: ignore[misc]
    if orders:
        found[:] = [found[place] for place in places]


def _test(condition: Condition, kind: type | None, read: Read) -> Test:
    op = condition.op
    value = _operand(condition, kind, ("=", "!=", "like", "size", "exists", *LISTS, *MATCHES, *COMPARE))
    if op == "=":
        return lambda look: _same(read(look), value)
    if op == "!=":
        return lambda look: not _same(read(look), value)
    if op in ("in", "not-in"):
        among, wanted = _among(value), op == "in"
        return lambda look: among(read(look)) is wanted
    if op == "all":
        return lambda look: isinstance(found := read(look), list) and all(_same(found, each) for each in value)
    if op == "size":
        return lambda look: isinstance(found := read(look), list) and len(found) == value
    if op == "exists":
        return lambda look: (read(look) is not None) is value
    if op == "like":
        return _like(value, read)
    if op in MATCHES:
        return _match(op, value, read)
    compare = COMPARE[op]

    def compared(look: Look) -> bool:
        found = read(look)
        return type(found) is type(value) and compare(found, value)

    return compared


def _among(values: list[Any]) -> Callable[[Any], bool]:
    if all(isinstance(each, str) for each in values):  # 200 names against many rows: not one by one
        wanted = frozenset(values)
        return lambda found: found in wanted if isinstance(found, str) else any(_same(found, each) for each in wanted)
    return lambda found: any(_same(found, each) for each in values)


def _match(op: str, text: str, read: Read) -> Test:
    test = WORDS[op.removesuffix("~")]
    if op.endswith("~"):
        folded = text.casefold()
        return lambda look: isinstance(found := read(look), str) and test(found.casefold(), folded)
    return lambda look: isinstance(found := read(look), str) and test(found, text)


def _same(found: object, value: object) -> bool:
    if isinstance(found, list) and not isinstance(value, list):
        return any(_same(each, value) for each in found)
    return found == value and isinstance(found, bool) == isinstance(value, bool)


def _operand(condition: Condition, kind: type | None, ops: tuple[str, ...]) -> Any:
    op, value = condition.op, condition.value
    if op not in ops:
        raise Refused(Reason.BAD_FORMAT, f"where: {condition.field} does not know the operator {op!r}")
    if op == "like" or op in MATCHES:
        if kind not in (str, None) or not isinstance(value, str):
            raise Refused(Reason.BAD_FORMAT, f"where: {op} compares texts, {condition.field} is none or the value is not")
        return value
    if op in ("size", "exists"):
        if type(value) is not (int if op == "size" else bool):
            raise Refused(Reason.BAD_FORMAT, f"where: {op} does not take the value {value!r}")
        return value
    values = value if op in LISTS else [value]
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise Refused(Reason.BAD_FORMAT, f"where: {op} takes a list of at most {MOST_VALUES} values")
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
        if condition.field == "member" and condition.op == "all" and isinstance(condition.value, list) and condition.value:
            first = condition.value[0]
            return sorted(d.hub.tables.memberships.get(first, ()), reverse=True) if isinstance(first, str) else []
    return None


def indexed_users(where: tuple[Condition, ...]) -> list[str] | None:
    """The only users who can match, in the order they are named; None if no condition names them."""
    for condition in where:
        if condition.field == "id" and condition.op in ("=", "in"):
            values = condition.value if isinstance(condition.value, list) else [condition.value]
            return list(dict.fromkeys(value for value in values if isinstance(value, str)))
    return None
