"""What time takes away: old tombstones, rows of deleted users, temporary conversations whose time is over, messages past
their days. `broker.housekeeping` finds candidates and issues these commands for some at a time; each looks again at the
rows as they are when it is carried out, for a member may have come back and somebody may have spoken since.
"""

from __future__ import annotations

from typing import Any, ClassVar

from broker.hub.conversations import bury, ends_ms, raise_floor
from broker.hub.decision import Decision
from broker.hub.hub import Hub, handles
from broker.hub.rows import decode_message
from broker.hub.tables import TOMBSTONE_MS
from protocol.commands import Command, Done, Rate
from protocol.records import Kind


class Housekeeping(Command):
    """Base of commands the broker gives itself; not part of the protocol."""

    rate: ClassVar[Rate] = Rate.FREE
    management: ClassVar[bool] = True


class ForgetTombstones(Housekeeping):
    """(user, conversation) of those who left more than 30 days ago."""

    places: tuple[tuple[str, int], ...]


class ForgetGraves(Housekeeping):
    """Conversations deleted more than 30 days ago."""

    conversations: tuple[int, ...]


class ForgetLeftovers(Housekeeping):
    """(table, key) of rows of deleted users."""

    rows: tuple[tuple[str, tuple[Any, ...]], ...]


class EndSilent(Housekeeping):
    """Temporary conversations whose time is over, or in which nobody has spoken for the app's `temporary_days`."""

    conversations: tuple[int, ...]


class MoveFloors(Housekeeping):
    """(conversation, seq): messages up to that seq are past the app's `message_days`."""

    floors: tuple[tuple[int, int], ...]


def is_old_tombstone(hub: Hub, user: str, number: int, now_ms: int) -> bool:
    grave = hub.tables.tombstones.get(user, {}).get(number)
    return grave is not None and not grave.blocked and grave.left_ms < now_ms - TOMBSTONE_MS


def is_old_grave(hub: Hub, number: int, now_ms: int) -> bool:
    row = hub.tables.graves.get(number)
    return row is not None and row.updated_ms < now_ms - TOMBSTONE_MS


def is_silent(hub: Hub, number: int, now_ms: int) -> bool:
    row = hub.tables.conversations.get(number)
    return row is not None and row.kind == Kind.TEMPORARY and 0 < ends_ms(hub, row) <= now_ms


def is_aged(hub: Hub, number: int, before: int) -> bool:
    """Whether a conversation can have messages with an id below `before`: some are there, and it was begun before that, or
    imported with what was said in it earlier."""
    tables = hub.tables
    head = tables.heads.get(number)
    return head is not None and head.floor < head.last_seq and (number < before or number in tables.alias_of)


def is_outlived(hub: Hub, number: int, before: int) -> bool:
    """Whether even its newest message is that old."""
    head = hub.tables.heads.get(number)
    return head is not None and bool(head.last) and decode_message(head.last).id < before


@handles(ForgetTombstones)
def forget_tombstones(d: Decision, c: ForgetTombstones) -> Done:
    for user, number in c.places:
        if is_old_tombstone(d.hub, user, number, d.now):
            d.delete("members", number, user)
            if number in d.hub.tables.mentions.get(user, ()):
                d.delete("mentions", user, number)
    return Done(time_ms=d.now)


@handles(ForgetGraves)
def forget_graves(d: Decision, c: ForgetGraves) -> Done:
    for number in c.conversations:
        if is_old_grave(d.hub, number, d.now):
            d.delete("heads", number)
            d.delete("conversations", number)
    return Done(time_ms=d.now)


@handles(ForgetLeftovers)
def forget_leftovers(d: Decision, c: ForgetLeftovers) -> Done:
    for table, key in c.rows:
        if (table, key) in d.hub.tables.leftovers:
            d.delete(table, *key)
    return Done(time_ms=d.now)


@handles(EndSilent)
def end_silent(d: Decision, c: EndSilent) -> Done:
    for number in c.conversations:
        if is_silent(d.hub, number, d.now):
            bury(d, d.hub.tables.conversations[number])
    return Done(time_ms=d.now)


@handles(MoveFloors)
def move_floors(d: Decision, c: MoveFloors) -> Done:
    for number, seq in c.floors:
        if number in d.hub.tables.heads:
            raise_floor(d, number, seq)
    return Done(time_ms=d.now)
