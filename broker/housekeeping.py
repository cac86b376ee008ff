"""Once an hour: old tombstones, rows of deleted users, silent temporary conversations, sends nobody will repeat and messages
past their days go.

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
    MoveFloors,
    is_aged,
    is_old_grave,
    is_old_tombstone,
    is_outlived,
    is_silent,
)
from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key, MessagesKey
from broker.hub.tables import TOMBSTONE_MS
from broker.persistence.store import StoreUnavailable
from protocol.ids import first_at
from protocol.records import Message

log = logging.getLogger("parley.housekeeping")

HOUR_SECONDS = 3_600.0
SLICE = 100
"""Messages looked at in one fetch; a floor moves through older ones slice by slice."""
ASKED, FIRST = 50, 4
"""Conversations asked of in one fetch, and how many messages of each are looked at first."""
CHUNK = 500
"""Rows looked at before others get a turn, and changed at most by one command."""

Fetch = Callable[[Hub, Sequence[Key]], Awaitable[list[FetchedRow]]]
Issue = Callable[[Hub, Housekeeping], Awaitable[None]]
Item = TypeVar("Item")


async def keep_house(
    hubs: Callable[[], list[Hub]],
    fetch: Fetch,
    issue: Issue,
    now_ms: Callable[[], int],
    forget_sends: Callable[[int], None],
) -> None:
    """The task: an hour of rest, then a pass over all apps. `forget_sends` has the stores remove what is remembered of
    sends whose message has an id below that: a device that repeats one asks within as long as `sync` answers it too."""
    while True:
        await trio.sleep(HOUR_SECONDS)
        forget_sends(first_at(now_ms() - TOMBSTONE_MS))
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
    """Move the floor of every conversation past its messages with an id below `before`. StoreUnavailable.

    The store is asked of those only that can have such messages and newer ones too, and of FIRST messages of some at a
    time: it mostly has nothing to say of all of them but that they are young."""
    async for numbers in chunks(list(hub.tables.heads)):
        aged = [number for number in numbers if is_aged(hub, number, before)]
        over = [number for number in aged if is_outlived(hub, number, before)]
        if over:
            await issue(hub, MoveFloors(floors=tuple((number, hub.tables.heads[number].last_seq) for number in over)))
        rest = iter([number for number in aged if number not in set(over)])
        while some := list(islice(rest, ASKED)):
            for number in await move_some(hub, some, FIRST, before, fetch, issue):
                while await move_some(hub, [number], SLICE, before, fetch, issue):
                    pass


async def move_some(hub: Hub, numbers: Sequence[int], count: int, before: int, fetch: Fetch, issue: Issue) -> list[int]:
    """Look at so many of their oldest messages. The conversations that may have more to move past than was looked at."""
    heads = hub.tables.heads
    places = {number: heads[number].floor for number in numbers if number in heads}
    rows = await fetch(hub, [MessagesKey(number, floor + 1, floor + count) for number, floor in places.items()])
    messages = [row for row in rows if isinstance(row, Message)]
    old = [row for row in messages if row.id < before]
    floors: dict[int, int] = {}
    for row in old:
        floors[row.conversation] = max(row.seq, floors.get(row.conversation, 0))
    if floors:
        await issue(hub, MoveFloors(floors=tuple(floors.items())))
    young = {row.conversation for row in messages if row.id >= before}
    full = [number for number in floors if number not in young and number in heads]
    return [number for number in full if heads[number].floor >= places[number] + count]
