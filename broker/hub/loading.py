"""Many rows of a store into memory at once: what `Tables.apply` makes of them one by one, in less than a third of the time.

The law: afterwards memory is what `apply` would have made of the same rows in the same order, which a test compares. Only
the largest tables have a way of their own, and even there every row that is not the plain case goes through `apply`. Rows
come by key, so those of a conversation are together, and equal numbers of them become one object: a start is also when
memory is laid out for months.

Half of it is waiting for memory that is in no cache: rows come by conversation, so each is of another user. A processor
waits for several places at once if few steps lie between them. So what a piece needs is looked up for all its rows first,
by the shortest loops there are, and used in a second one (two million memberships: 4.6 s of CPU in one, 4.1 so).
Tried without gain: pieces of 100, 250 or 500 rows instead of 1,000; users in the order of their names instead of that of
their first membership (looking up took 1.4 s instead of 1.0, though rows that come in no order at all may not notice); huge
pages wherever the kernel gives them (`transparent_hugepage` at `always`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import itemgetter, not_
from typing import Any, Generic, TypeVar

from broker.hub.rows import ConversationRow, HeadRow, MemberRow, PositionRow, put
from broker.hub.tables import NOBODY, Tables

Value = TypeVar("Value")
Person = tuple[str, dict[int, None]]
"""The one text of a user's name, and his memberships."""


class Walk(Generic[Value]):
    """Finds what belongs to numbers that ascend, as those of a table do, by going through a mapping that ascends beside it:
    looked up one by one, each would be a wait for memory that is in no cache (a fifth of a start). Nothing may be put into
    the mapping meanwhile."""

    def __init__(self, mapping: dict[int, Value]) -> None:
        self._mapping = mapping
        self._rest = iter(mapping.items())
        self._at = -1
        self._value: Value | None = None

    def find(self, numbers: Iterable[int]) -> list[Any]:
        """The value of each, None if there is none."""
        found: list[Value | None] = []
        at, value = self._at, self._value
        for number in numbers:
            while at < number and (item := next(self._rest, None)) is not None:
                at, value = item
            # Rows from quarantine come last, in an order of their own.
            found.append(value if at == number else self._mapping.get(number))
        self._at, self._value = at, value
        return found


class Loading:
    """One app's start: `load` for each table in the order of `rows.TABLES`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._people: dict[str, Person] = {}
        """Users that are there."""
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
        many = self._at_once.get(table, self._apply)
        many(rows)

    def _apply(self, rows: Iterable[Any]) -> None:
        tables = self._tables
        for row in rows:
            tables.apply(put(tables.app, self._table, row), 0)

    def _conversations(self, rows: Sequence[ConversationRow]) -> None:
        tables = self._tables
        conversations, unique = tables.conversations, tables.unique
        for row in rows:
            if row.deleted:
                self._apply([row])
                continue
            conversations[row.id] = row
            if row.unique_key:
                unique[row.unique_key] = row.id

    def _heads(self, rows: Sequence[HeadRow]) -> None:
        heads = self._tables.heads
        for row, conversation in zip(rows, self._conversation.find([row.conversation for row in rows]), strict=True):
            if conversation is not None:
                number = row.conversation = conversation.id
                heads[number] = row

    def _who(self, names: Sequence[str]) -> Sequence[Person | None]:
        try:
            if len(names) > 1:  # of one name an itemgetter gives no tuple
                known: tuple[Person, ...] = itemgetter(*names)(self._people)
                return known
        except KeyError:
            pass
        return [self._people.get(name) or self._person(name) for name in names]

    def _person(self, name: str) -> Person | None:
        user = self._tables.users.get(name)
        if user is None or user.deleted:
            return None
        person = self._people[user.id] = user.id, self._tables.memberships.setdefault(user.id, {})
        return person

    def _members(self, rows: Sequence[MemberRow]) -> None:
        conversations = self._conversation.find([row.conversation for row in rows])
        people = self._who([row.user for row in rows])
        if not all(conversations) or not all(people) or any([row.left_ms for row in rows]):
            plain = [bool(at and who and not row.left_ms) for row, at, who in zip(rows, conversations, people, strict=True)]
            self._apply(compress(rows, map(not_, plain)))
            rows, conversations, people = (list(compress(each, plain)) for each in (rows, conversations, people))
        if rows:
            self._stay(rows, conversations, *zip(*people, strict=True))

    def _stay(
        self,
        rows: Sequence[MemberRow],
        conversations: Sequence[ConversationRow],
        names: Sequence[str],
        owns: Sequence[dict[int, None]],
    ) -> None:
        """Members who are there, of conversations that are, with the one text of their names and their memberships."""
        tables, people = self._tables, self._people
        numbers = [conversation.id for conversation in conversations]
        for row, number, name, own in zip(rows, numbers, names, owns, strict=True):
            row.conversation = number
            row.user = name
            own[number] = None
        at = joined_ms = changed = -1
        stirred_ms = 0
        here: dict[str, MemberRow] = {}
        for row, number, name in zip(rows, numbers, names, strict=True):
            if number is not at:
                self._stir(at, stirred_ms)
                at, stirred_ms = number, 0
                here = tables.members.setdefault(number, {})
            here[name] = row
            if row.quiet:
                tables.quiet.setdefault(number, {})[name] = None
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
        self._stir(at, stirred_ms)

    def _stir(self, number: int, at_ms: int) -> None:
        """As `apply` notes it (`Tables.stirred`)."""
        if at_ms:
            stirred = self._tables.stirred
            stirred[number] = max(stirred.get(number, 0), at_ms)

    def _positions(self, rows: Sequence[PositionRow]) -> None:
        positions = self._tables.positions
        there = [members or NOBODY for members in self._here.find([row.conversation for row in rows])]
        found = list(map(dict.get, there, [row.user for row in rows]))
        before: dict[str, MemberRow] | None = None
        here: dict[str, PositionRow] = {}
        for row, member, members in zip(rows, found, there, strict=True):
            if member is None:  # he has left, or is deleted
                self._apply([row])
                continue
            number = row.conversation = member.conversation
            row.user = name = member.user
            if members is not before:
                before = members
                here = positions.setdefault(number, {})
            here[name] = row
