"""Delivered and read marks. They move forward only, never past the newest message, and count at once; the journal hears
of them within 2 s (DESIGN 2.3)."""

from __future__ import annotations

import msgspec

from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.receipts import unread
from broker.hub.rows import PositionRow
from protocol.commands import Acknowledge, Done, Read, ReadMark
from protocol.records import Kind


@handles(Acknowledge)
def acknowledge(d: Decision, c: Acknowledge) -> Done:
    before = _position(d, c.conversation)
    if before is not None:
        seq = min(c.seq, d.head(c.conversation).last_seq)
        if seq > before.delivered_seq:
            _move(d, before, msgspec.structs.replace(before, delivered_seq=seq))
    return Done(time_ms=d.now)


@handles(Read)
def read(d: Decision, c: Read) -> ReadMark:
    before = _position(d, c.conversation)
    if before is None:
        return ReadMark(unread=0)
    head = d.head(c.conversation)
    seq = min(c.seq, head.last_seq)
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
