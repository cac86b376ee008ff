"""Delivered and read marks. They move forward only, never past the newest message, and count at once; the journal hears
of them within 2 s (DESIGN 2.3)."""

from __future__ import annotations

from itertools import islice

import msgspec

from broker.hub.conversations import OPEN
from broker.hub.decision import Decision
from broker.hub.history import seq_in_memory, times_of
from broker.hub.hub import handles
from broker.hub.receipts import MOST_MEMBERS, unread
from broker.hub.rows import PositionRow
from protocol.commands import Acknowledge, Done, Read, ReadMark, ReadTimes, ReadTimesList
from protocol.errors import Reason, Refused
from protocol.records import Kind


@handles(Acknowledge)
def acknowledge(d: Decision, c: Acknowledge) -> Done:
    before = _position(d, c.conversation)
    if before is not None:
        seq = min(_seq_of(d, c, before.delivered_seq), d.head(c.conversation).last_seq)
        if seq > before.delivered_seq:
            _move(d, before, msgspec.structs.replace(before, delivered_seq=seq))
    return Done(time_ms=d.now)


@handles(Read)
def read(d: Decision, c: Read) -> ReadMark:
    before = _position(d, c.conversation)
    if before is None:
        return ReadMark(unread=0)
    head = d.head(c.conversation)
    seq = min(_seq_of(d, c, before.read_seq), head.last_seq)
    after = before
    if seq > before.read_seq:
        # Own messages that follow the mark directly leave nothing unread between: the mark moves over them.
        own = tuple(each for each in before.own if each > seq)
        while own and own[0] == seq + 1:
            seq, own = own[0], own[1:]
        after = msgspec.structs.replace(before, read_seq=seq, own=own, changed=d.commit)
        _move(d, before, after)
        mentioned = d.hub.tables.mentions.get(d.caller.user, {}).get(c.conversation)
        if mentioned is not None and mentioned <= seq:
            d.delete("mentions", d.caller.user, c.conversation)
    return ReadMark(unread=unread(head.last_seq, head.floor, after))


def _seq_of(d: Decision, c: Acknowledge | Read, mark: int) -> int:
    """How far it goes; where only the store could tell, no further than the mark there is."""
    if c.older_than is None:
        return c.seq
    seq = seq_in_memory(d, c.conversation, c.older_than, mark + 1)
    return mark if seq is None else seq - 1


def _position(d: Decision, conversation: int) -> PositionRow | None:
    """The caller's, as a member; None in rooms, which keep none."""
    row = d.conversation(conversation)
    d.actor()
    d.own_member(row.id)
    if row.kind == Kind.ROOM or d.member(row.id, d.caller.user) is None:
        return None
    return d.position(row.id, d.caller.user)


def _move(d: Decision, before: PositionRow, after: PositionRow) -> None:
    d.mark(after)
    d.then(d.hub.receipts.moved, before, after, d.caller.connection)


@handles(ReadTimes)
def read_times(d: Decision, c: ReadTimes) -> ReadTimesList:
    row = d.conversation(c.conversation)
    d.own_member(row.id)
    if row.kind in OPEN:
        raise Refused(Reason.BAD_KIND, "rooms and system conversations tell nobody who has read")
    first = d.head(row.id).floor + 1
    members = list(islice(d.hub.tables.members.get(row.id, {}), MOST_MEMBERS))
    positions = [d.position(row.id, user) for user in members]
    marks = {seq for each in positions for seq in (each.read_seq, max(each.delivered_seq, each.read_seq))}
    times = times_of(d, row.id, [seq for seq in sorted(marks) if seq >= first])
    return ReadTimesList(
        times=[
            (each.user, times.get(max(each.delivered_seq, each.read_seq), 0), times.get(each.read_seq, 0))
            for each in positions
        ]
    )
