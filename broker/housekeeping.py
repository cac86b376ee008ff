"""Once an hour: old tombstones, rows of deleted users, silent temporary conversations and messages past their days go.

Candidates are looked for a few hundred at a time, each time in a turn of its own, so nobody waits for it; what is done
with them is decided by the hub when it is done (`broker.hub.housekeeping`). Which messages are past their days only the
store knows; what lies behind a floor the writer removes (DESIGN 2.3).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

import trio

from broker.hub.conversations import DAY_MS
from broker.hub.housekeeping import (
    EndSilent,
    ForgetGraves,
    ForgetLeftovers,
    ForgetTombstones,
    Housekeeping,
    MoveFloor,
    is_old_grave,
    is_old_tombstone,
    is_silent,
)
from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key, MessagesKey
from broker.persistence.store import StoreUnavailable
from protocol.ids import first_at
from protocol.records import Message

log = logging.getLogger("parley.housekeeping")

HOUR_SECONDS = 3_600.0
SLICE = 100
"""Messages looked at in one fetch; a floor moves through older ones slice by slice."""
CHUNK = 500
"""Rows looked at before others get a turn, and changed at most by one command."""

Fetch = Callable[[Hub, Sequence[Key]], Awaitable[list[FetchedRow]]]
Issue = Callable[[Hub, Housekeeping], Awaitable[None]]
Item = TypeVar("Item")


async def keep_house(hubs: Callable[[], list[Hub]], fetch: Fetch, issue: Issue, now_ms: Callable[[], int]) -> None:
    """The task: an hour of rest, then a pass over all apps."""
    while True:
        await trio.sleep(HOUR_SECONDS)
        for hub in hubs():
            await tidy(hub, issue, now_ms)
            days = hub.app.settings.message_days
            if days:
                try:
                    await expire(hub, first_at(now_ms() - days * DAY_MS), fetch, issue)
                except StoreUnavailable as error:
                    log.warning("retention waits app=%s error=%s", hub.app.id, error)


async def tidy(hub: Hub, issue: Issue, now_ms: Callable[[], int]) -> None:
    """Everything but messages."""
    tables = hub.tables
    async for places in chunks([(user, number) for user, graves in tables.tombstones.items() for number in graves]):
        old = tuple(place for place in places if is_old_tombstone(hub, *place, now_ms()))
        if old:
            await issue(hub, ForgetTombstones(places=old))
    async for numbers in chunks(list(tables.graves)):
        gone = tuple(number for number in numbers if is_old_grave(hub, number, now_ms()))
        if gone:
            await issue(hub, ForgetGraves(conversations=gone))
    async for rows in chunks(list(tables.leftovers)):
        await issue(hub, ForgetLeftovers(rows=tuple(rows)))
    async for numbers in chunks(list(tables.conversations)):
        silent = tuple(number for number in numbers if is_silent(hub, number, now_ms()))
        if silent:
            await issue(hub, EndSilent(conversations=silent))


async def chunks(items: Iterable[Item]) -> AsyncIterator[list[Item]]:
    """Some of the items at a time, with a checkpoint before each."""
    source = iter(items)
    while chunk := list(islice(source, CHUNK)):
        await trio.lowlevel.checkpoint()
        yield chunk


async def expire(hub: Hub, before: int, fetch: Fetch, issue: Issue) -> None:
    """Move the floor of every conversation past its messages with an id below `before`. StoreUnavailable."""
    for number in list(hub.tables.heads):
        floor = -1
        while (head := hub.tables.heads.get(number)) is not None and floor < head.floor < head.last_seq:
            floor = head.floor
            rows = await fetch(hub, [MessagesKey(number, floor + 1, floor + SLICE)])
            old = [row.seq for row in rows if isinstance(row, Message) and row.id < before]
            if old:
                await issue(hub, MoveFloor(conversation=number, seq=max(old)))
            if len(old) < SLICE:
                break
