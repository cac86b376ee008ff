"""What a user missed. The cursor is the data epoch and a commit number: whatever changed in that commit or later is told
again, so nothing falls between an answer and the pushes that continue it (SOCKET.md `sync`)."""

from __future__ import annotations

from typing import NamedTuple

from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.messages import readable_from
from broker.hub.receipts import unread
from broker.hub.recent import Need, PatchesKey
from broker.hub.rows import decode_message
from broker.hub.session import Session
from broker.hub.tables import TOMBSTONE_MS
from protocol.commands import Sync, SyncState
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST
from protocol.records import ConversationState, Kind

PAGE = 200
"""Conversations an answer."""
PATCHES = 500
"""Patches of one conversation an answer; whoever missed more reads its history again."""
BURST = 20
PER_SECOND = 2.0
DAY_MS = 86_400_000
KEPT_DAYS = TOMBSTONE_MS // DAY_MS - 1


class Cursor(NamedTuple):
    """Told so far: everything up to (`commit`, `conversation`). Patches are told from `base`, where the first page began.
    `day` is when it was made, in days since 1970."""

    base: int
    commit: int
    conversation: int
    day: int


START = Cursor(-1, -1, 0, 0)


@handles(Sync)
def sync(d: Decision, c: Sync) -> SyncState:
    if d.caller.session is not None:
        _take_turn(d, d.caller.session)
    tables, user = d.hub.tables, d.actor().id
    cursor = _read_cursor(d, c.cursor)
    done = (cursor.commit, cursor.conversation)
    changed: list[tuple[int, int, bool]] = []
    for number in tables.memberships.get(user, ()):
        row, member = tables.conversations[number], tables.members[number][user]
        head = tables.heads.get(number)
        position = tables.positions.get(number, {}).get(user)
        newest = max(
            row.changed,
            member.changed,
            max(head.changed, head.patched) if head else 0,
            position.changed if position else 0,
        )
        if (newest, number) > done:
            changed.append((newest, number, True))
    for number, grave in tables.tombstones.get(user, {}).items():
        if (grave.changed, number) > done:
            changed.append((grave.changed, number, False))
    changed.sort()
    page, more = changed[:PAGE], len(changed) > PAGE
    here = [number for _, number, member in page if member]
    wanted = [
        PatchesKey(number, cursor.base, PATCHES)
        for number in here
        if cursor.base >= 0 and d.head(number).patched > cursor.base
    ]
    missing = [key for key in wanted if key not in d.found]
    if missing:
        raise Need(*missing)
    if more:
        end = Cursor(cursor.base, page[-1][0], page[-1][1], d.now // DAY_MS)
    else:  # all that came before the open commit has been told
        end = Cursor(d.commit - 1, d.commit - 1, LARGEST, d.now // DAY_MS)
    return SyncState(
        conversations=[_state(d, number, user) for number in here],
        left=[number for _, number, member in page if not member and cursor.base >= 0],
        patches=[patch for key in wanted for patch in d.patches(key.conversation, key.since, key.limit)],
        cursor=f"{d.hub.epoch}.{end.base}.{end.commit}.{end.conversation}.{end.day}",
        more=more,
        reset=bool(c.cursor) and cursor == START,
    )


def _state(d: Decision, number: int, user: str) -> ConversationState:
    row, head = d.conversation(number), d.head(number)
    member, position = d.member(number, user), d.position(number, user)
    first = readable_from(d, row, member)
    mention = max(d.hub.tables.mentions.get(user, {}).get(number, 0), head.mention_all_seq)
    return ConversationState(
        id=number,
        kind=row.kind,
        name=row.name,
        first_seq=first,
        last_seq=head.last_seq,
        read_seq=position.read_seq,
        unread=0 if row.kind == Kind.ROOM else unread(head.last_seq, first - 1, position),
        mentioned=mention > max(position.read_seq, first - 1) and mention not in position.own,
        last_message=decode_message(head.last) if head.last and head.last_seq >= first else None,
    )


def _read_cursor(d: Decision, text: str) -> Cursor:
    """A cursor of another epoch, or older than tombstones are kept, starts from nothing."""
    if not text:
        return START
    epoch, *rest = text.split(".")
    if len(rest) != 4 or len(text) > 120 or not all(part.isascii() and part.isdigit() for part in rest):
        raise Refused(Reason.BAD_FORMAT, "cursor must be what the last sync answered, or absent")
    cursor = Cursor(*map(int, rest))
    known = epoch == d.hub.epoch and cursor.commit < d.commit and cursor.day >= d.now // DAY_MS - KEPT_DAYS
    return cursor if known else START


def _take_turn(d: Decision, session: Session) -> None:
    """A sync looks at all conversations of a user, so a session may ask 20 times at once and twice a second after."""
    if session.synced_at_ms:
        session.sync_tokens = min(BURST, session.sync_tokens + (d.now - session.synced_at_ms) / 1000 * PER_SECOND)
    else:
        session.sync_tokens = BURST
    session.synced_at_ms = d.now
    if session.sync_tokens < 1:
        wait = int((1 - session.sync_tokens) / PER_SECOND * 1000) + 1
        raise Refused(Reason.TOO_FAST, f"too many sync calls; wait {wait} ms", retry_after_ms=wait)
    session.sync_tokens -= 1
