"""A start in large pieces makes of stored rows what `apply` makes of them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.hub.loading import Loading
from broker.hub.rows import (
    TABLES,
    AliasRow,
    ConversationRow,
    FriendRow,
    HeadRow,
    JoinRequestRow,
    MemberRow,
    MentionRow,
    PositionRow,
    UserRow,
    put,
)
from broker.hub.tables import Tables
from protocol.records import Kind
from tests.broker.hub.script import MemoryTail

BIG = 1 << 50
"""Numbers so large that each reading of them makes another object."""


def rows() -> dict[str, list[Any]]:
    """As a store gives them, by key: people who are there, were deleted, left, were blocked, or are in no table."""
    group = int(Kind.GROUP)
    return {
        "users": [UserRow("ann", 1), UserRow("gone", 1, deleted=True), UserRow("tom", 1), UserRow("vis", 1, visitor=True)],
        "friends": [FriendRow("ann", "gone", 5), FriendRow("ann", "tom", 6)],
        "conversations": [
            ConversationRow(BIG + 1, group, "tom", "tom", 1),
            ConversationRow(BIG + 2, group, "tom", "tom", 1, deleted=True, updated_ms=9, changed=4),
            ConversationRow(BIG + 3, group, "ann", "ann", 1, unique_key="k"),
        ],
        "heads": [HeadRow(BIG + n, 7 + n, changed=3) for n in (1, 2, 3, 4)],
        "members": [
            MemberRow(BIG + 1, "ann", BIG, changed=BIG),
            MemberRow(BIG + 1, "gone", BIG, changed=BIG),
            MemberRow(BIG + 1, "nobody", BIG, changed=BIG),
            MemberRow(BIG + 1, "tom", BIG, 2, changed=BIG),
            MemberRow(BIG + 2, "ann", BIG),
            MemberRow(BIG + 2, "tom", BIG, left_ms=8),
            MemberRow(BIG + 3, "ann", BIG, left_ms=8, blocked=True),
            MemberRow(BIG + 3, "tom", BIG, muted_until_ms=-1, quiet=True),
            MemberRow(BIG + 3, "vis", BIG),
            MemberRow(BIG + 4, "tom", BIG),
        ],
        "positions": [
            PositionRow(BIG + 1, "ann", 3, 4, (5, 6)),
            PositionRow(BIG + 1, "gone", 3),
            PositionRow(BIG + 1, "nobody", 3),
            PositionRow(BIG + 1, "tom", 7),
            PositionRow(BIG + 2, "ann", 1),
            PositionRow(BIG + 3, "ann", 2),
            PositionRow(BIG + 3, "vis", 1),
            PositionRow(BIG + 4, "tom", 1),
        ],
        "mentions": [MentionRow("ann", BIG + 1, 3)],
        "join_requests": [JoinRequestRow(BIG + 1, "vis", 3)],
        "aliases": [AliasRow("leancloud", "5" * 24, BIG + 1)],
    }


def state(tables: Tables) -> dict[str, Any]:
    """Everything durable; of a mapping of mappings those with something in them."""
    names = [name for name in vars(tables) if name not in ("app", "tail", "forms")]
    return {name: filled(getattr(tables, name)) for name in names}


def filled(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()):
        return {key: each for key, each in value.items() if each}
    return value


def pieces(found: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_loading_many_rows_is_applying_each(size: int) -> None:
    one_by_one, at_once = Tables("a", MemoryTail()), Tables("a", MemoryTail())
    for table, found in rows().items():
        for row in found:
            one_by_one.apply(put("a", table, row), 0)
    loading = Loading(at_once)
    for table, found in rows().items():
        for piece in pieces(found, size):
            loading.load(table, piece)
    assert state(at_once) == state(one_by_one)
    assert list(at_once.members[BIG + 3]) == ["tom", "vis"]
    assert list(rows()) == [table for table in TABLES if table in rows()]  # in the order of a start


def test_memberships_share_numbers_and_names() -> None:
    """What keeps a membership below its 350 bytes (DESIGN 8)."""
    tables = Tables("a", MemoryTail())
    loading = Loading(tables)
    for table, found in rows().items():
        loading.load(table, found)
    ann, tom = (tables.members[BIG + 1][name] for name in ("ann", "tom"))
    conversation = tables.conversations[BIG + 1].id
    for number in (ann.conversation, tom.conversation, tables.positions[BIG + 1]["tom"].conversation):
        assert number is conversation
    assert tables.heads[BIG + 1].conversation is conversation
    assert next(iter(tables.memberships["tom"])) is conversation
    assert (ann.joined_ms, ann.changed) == (BIG, BIG)
    assert tom.joined_ms is ann.joined_ms
    assert tom.changed is ann.changed
    assert tables.positions[BIG + 1]["ann"].user is tables.users["ann"].id
