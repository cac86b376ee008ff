"""Many rows of a store into memory at once: what `Tables.apply` makes of them one by one, in a third of the time.

The law: afterwards memory is what `apply` would have made of the same rows in the same order, which a test compares. Only
the largest tables have a way of their own, and even there every row that is not the plain case goes through `apply`. Rows
come by key, so those of a conversation are together, and equal numbers of them become one object: a start is also when
memory is laid out for months.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from broker.hub.rows import ConversationRow, HeadRow, MemberRow, PositionRow, put
from broker.hub.tables import Tables


class Loading:
    """One app's start: `load` for each table in the order of `rows.TABLES`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._people: dict[str, tuple[str, dict[int, None]]] = {}
        """Users that are there: the one text of their name, and their memberships."""
        self._at_once: dict[str, Callable[[Sequence[Any]], None]] = {
            "conversations": self._conversations,
            "heads": self._heads,
            "members": self._members,
            "positions": self._positions,
        }

    def load(self, table: str, rows: Sequence[Any]) -> None:
        """Some rows of a table, in the order of its key; none of them is there yet."""
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
        conversations, heads = self._tables.conversations, self._tables.heads
        for row in rows:
            conversation = conversations.get(row.conversation)
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
        tables, people = self._tables, self._people
        number = joined_ms = changed = -1
        stirred_ms = 0
        here: dict[str, MemberRow] | None = None
        for row in rows:
            if row.conversation != number:
                self._stir(number, stirred_ms)
                number, stirred_ms, here = row.conversation, 0, None
                conversation = tables.conversations.get(number)
                if conversation is not None:
                    number = conversation.id
                    here = tables.members.setdefault(number, {})
            person = people.get(row.user) or self._person(row.user)
            if here is None or person is None or row.left_ms or row.quiet:
                tables.apply(put(tables.app, "members", row), 0)
                continue
            name, own = person
            row.conversation = number
            row.user = name
            if row.by:
                by = people.get(row.by) or self._person(row.by)
                if by is not None:
                    row.by = by[0]
            stirred_ms = max(stirred_ms, row.joined_ms, row.act_ms)
            if row.joined_ms == joined_ms:
                row.joined_ms = joined_ms
            else:
                joined_ms = row.joined_ms
            if row.changed == changed:
                row.changed = changed
            else:
                changed = row.changed
            here[name] = row
            own[number] = None
        self._stir(number, stirred_ms)

    def _stir(self, number: int, at_ms: int) -> None:
        """As `apply` notes it (`Tables.stirred`)."""
        if at_ms:
            stirred = self._tables.stirred
            stirred[number] = max(stirred.get(number, 0), at_ms)

    def _positions(self, rows: Sequence[PositionRow]) -> None:
        tables = self._tables
        number = -1
        members: dict[str, MemberRow] = {}
        here: dict[str, PositionRow] = {}
        for row in rows:
            if row.conversation != number:
                number = row.conversation
                members = tables.members.get(number, {})
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
