"""Many rows of a store into memory at once: what `Tables.apply` makes of them one by one, in a third of the time.

The law: afterwards memory is what `apply` would have made of the same rows in the same order, which a test compares. Only
the largest tables have a way of their own, and even there every row that is not the plain case goes through `apply`. Rows
come by key, so those of a conversation are together, and equal numbers of them become one object: a start is also when
memory is laid out for months.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from broker.hub.rows import ConversationRow, HeadRow, MemberRow, PositionRow, put
from broker.hub.tables import Tables

Value = TypeVar("Value")


class Walk(Generic[Value]):
    """Finds what belongs to numbers that ascend, as those of a table do, by going through a mapping that ascends beside it:
    looked up one by one, each would be a wait for memory that is in no cache (a fifth of a start). Nothing may be put into
    the mapping meanwhile."""

    def __init__(self, mapping: dict[int, Value]) -> None:
        self._mapping = mapping
        self._rest = iter(mapping.items())
        self._at = -1
        self._value: Value | None = None

    def find(self, number: int) -> Value | None:
        if self._at < number:
            for at, value in self._rest:
                if at >= number:
                    self._at, self._value = at, value
                    break
        # Rows from quarantine come last, in an order of their own.
        return self._value if self._at == number else self._mapping.get(number)


class Loading:
    """One app's start: `load` for each table in the order of `rows.TABLES`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._people: dict[str, tuple[str, dict[int, None]]] = {}
        """Users that are there: the one text of their name, and their memberships."""
        self._table = ""
        self._conversation = Walk(tables.conversations)
        self._here = Walk(tables.members)
        """For the table that is being loaded; it is read from its beginning to its end."""
        self._at_once: dict[str, Callable[[Sequence[Any]], None]] = {
            "conversations": self._conversations,
            "heads": self._heads,
            "members": self._members,
            "positions": self._positions,
        }

    def load(self, table: str, rows: Sequence[Any]) -> None:
        """Some rows of a table, in the order of its key; none of them is there yet."""
        if table != self._table:
            self._table = table
            self._conversation, self._here = Walk(self._tables.conversations), Walk(self._tables.members)
        many = self._at_once.get(table)
        if many is not None:
            many(rows)
            return
        tables = self._tables
        for row in rows:
            tables.apply(put(tables.app, table, row), 0)

    def _conversations(self, rows: Sequence[ConversationRow]) -> None:
        tables = self._tables
        conversations, unique = tables.conversations, tables.unique
        for row in rows:
            if row.deleted:
                tables.apply(put(tables.app, "conversations", row), 0)
                continue
            conversations[row.id] = row
            if row.unique_key:
                unique[row.unique_key] = row.id

    def _heads(self, rows: Sequence[HeadRow]) -> None:
        find, heads = self._conversation.find, self._tables.heads
        for row in rows:
            conversation = find(row.conversation)
            if conversation is not None:
                number = row.conversation = conversation.id
                heads[number] = row

    def _person(self, name: str) -> tuple[str, dict[int, None]] | None:
        user = self._tables.users.get(name)
        if user is None or user.deleted:
            return None
        person = self._people[user.id] = user.id, self._tables.memberships.setdefault(user.id, {})
        return person

    def _members(self, rows: Sequence[MemberRow]) -> None:
        tables, people, find = self._tables, self._people, self._conversation.find
        number = joined_ms = changed = -1
        stirred_ms = 0
        here: dict[str, MemberRow] | None = None
        # All at once: each is a wait for memory that is in no cache, and so some of them are waited for together.
        found = list(map(people.get, [row.user for row in rows]))
        for row, person in zip(rows, found, strict=True):
            if row.conversation != number:
                self._stir(number, stirred_ms)
                number, stirred_ms, here = row.conversation, 0, None
                conversation = find(number)
                if conversation is not None:
                    number = conversation.id
                    here = tables.members.setdefault(number, {})
            person = person or self._person(row.user)
            if here is None or person is None or row.left_ms or row.quiet:
                tables.apply(put(tables.app, "members", row), 0)
                continue
            name, own = person
            row.conversation = number
            row.user = name
            here[name] = row
            own[number] = None
            if row.by:
                by = people.get(row.by) or self._person(row.by)
                if by is not None:
                    row.by = by[0]
            if row.act_ms > stirred_ms:
                stirred_ms = row.act_ms
            if row.joined_ms > stirred_ms:
                stirred_ms = row.joined_ms
            if row.joined_ms == joined_ms:
                row.joined_ms = joined_ms
            else:
                joined_ms = row.joined_ms
            if row.changed == changed:
                row.changed = changed
            else:
                changed = row.changed
        self._stir(number, stirred_ms)

    def _stir(self, number: int, at_ms: int) -> None:
        """As `apply` notes it (`Tables.stirred`)."""
        if at_ms:
            stirred = self._tables.stirred
            stirred[number] = max(stirred.get(number, 0), at_ms)

    def _positions(self, rows: Sequence[PositionRow]) -> None:
        tables = self._tables
        find = self._here.find
        number = -1
        members: dict[str, MemberRow] = {}
        here: dict[str, PositionRow] = {}
        for row in rows:
            if row.conversation != number:
                number = row.conversation
                members = find(number) or {}
                here = {}
            member = members.get(row.user)
            if member is None:  # he has left, or is deleted
                tables.apply(put(tables.app, "positions", row), 0)
                continue
            number = row.conversation = member.conversation
            row.user = name = member.user
            if not here:
                here = tables.positions.setdefault(number, {})
            here[name] = row
