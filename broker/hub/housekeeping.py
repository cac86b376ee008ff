"""What time takes away, once an hour: old tombstones, temporary conversations nobody speaks in, messages past their days.

A scan like any other, so it never holds others up; what it removes it removes by images, so a start finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from broker.hub.conversations import STEP, bury
from broker.hub.decision import Decision
from broker.hub.hub import handles, scans
from broker.hub.rows import decode_message
from broker.hub.tables import TOMBSTONE_MS
from protocol.commands import Command, Done, Rate, Reply
from protocol.ids import time_of
from protocol.records import Kind

DAY_MS = 86_400_000


class Housekeep(Command):
    """Issued by the dispatcher itself, for each app. Not part of the protocol."""

    rate: ClassVar[Rate] = Rate.FREE


class MoveFloor(Command):
    """Messages up to `seq` are past the app's `message_days`. Issued by `broker.retention`, which has asked the store."""

    rate: ClassVar[Rate] = Rate.FREE
    conversation: int
    seq: int


@scans(Housekeep)
def housekeep(d: Decision, c: Housekeep) -> Iterator[Reply | None]:
    tables = d.hub.tables
    seen = 0
    for user in list(tables.tombstones):
        for number, grave in list(tables.tombstones.get(user, {}).items()):
            seen += 1
            if not grave.blocked and 0 < grave.left_ms < d.now - TOMBSTONE_MS:
                d.delete("members", number, user)
                if number in tables.mentions.get(user, ()):
                    d.delete("mentions", user, number)
            if seen % STEP == 0:
                yield None
    for number, buried in list(tables.graves.items()):
        if buried.updated_ms < d.now - TOMBSTONE_MS:
            d.delete("heads", number)
            d.delete("conversations", number)
    days = d.hub.app.settings.temporary_days
    if days:
        for index, number in enumerate(list(tables.conversations)):
            if index % STEP == STEP - 1:
                yield None
            row = tables.conversations.get(number)
            if row is not None and row.kind == Kind.TEMPORARY and _silent_since(d, number) < d.now - days * DAY_MS:
                bury(d, row)
    yield Done(time_ms=d.now)


def _silent_since(d: Decision, number: int) -> int:
    """When a conversation was last spoken in, or made."""
    head = d.head(number)
    if not head.last:
        return time_of(number)
    return decode_message(head.last).time_ms


@handles(MoveFloor)
def move_floor(d: Decision, c: MoveFloor) -> Done:
    head = d.hub.tables.heads.get(c.conversation)
    if head is not None and head.floor < c.seq:
        floor = min(c.seq, head.last_seq)
        last = b"" if floor == head.last_seq else head.last
        d.put("heads", msgspec.structs.replace(head, floor=floor, last=last))
    return Done(time_ms=d.now)
