"""Retention: once an hour, the floors of apps with `message_days` move up to their oldest message still kept.

Which messages those are only the store knows, so this asks it, a conversation at a time and at nobody's cost; the floor
itself moves through the hub like any other change. What lies behind a floor the writer removes (DESIGN 2.3).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import trio

from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key, MessagesKey
from broker.persistence.store import StoreUnavailable
from protocol.ids import first_at
from protocol.records import Message

log = logging.getLogger("parley.retention")

HOUR_SECONDS = 3_600.0
DAY_MS = 86_400_000
SLICE = 100
"""Messages looked at in one fetch; a floor moves through older ones slice by slice."""

Fetch = Callable[[Hub, Sequence[Key]], Awaitable[list[FetchedRow]]]
Move = Callable[[Hub, int, int], Awaitable[None]]


async def keep_days(hubs: Callable[[], list[Hub]], fetch: Fetch, move: Move, now_ms: Callable[[], int]) -> None:
    """The task: a pass over all apps, then an hour of rest."""
    while True:
        for hub in hubs():
            days = hub.app.settings.message_days
            if days:
                try:
                    await expire(hub, first_at(now_ms() - days * DAY_MS), fetch, move)
                except StoreUnavailable as error:
                    log.warning("retention waits app=%s error=%s", hub.app.id, error)
        await trio.sleep(HOUR_SECONDS)


async def expire(hub: Hub, before: int, fetch: Fetch, move: Move) -> None:
    """Move the floor of every conversation past its messages with an id below `before`. StoreUnavailable."""
    for number in list(hub.tables.heads):
        floor = -1
        while (head := hub.tables.heads.get(number)) is not None and floor < head.floor < head.last_seq:
            floor = head.floor
            rows = await fetch(hub, [MessagesKey(number, floor + 1, floor + SLICE)])
            old = [row.seq for row in rows if isinstance(row, Message) and row.id < before]
            if old:
                await move(hub, number, max(old))
            if len(old) < SLICE:
                break
