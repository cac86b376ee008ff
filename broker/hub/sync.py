"""What a user missed. The cursor is the data epoch and a commit number: whatever changed in that commit or later is told
again, so nothing falls between an answer and the pushes that continue it (SOCKET.md `sync`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from broker.hub.conversations import readable_from
from broker.hub.decision import Decision
from broker.hub.hub import scans
from broker.hub.messages import ANSWER_BYTES, MESSAGE_BYTES
from broker.hub.receipts import unread
from broker.hub.recent import Need, PatchesKey
from broker.hub.rows import decode_message
from broker.hub.session import Session
from broker.hub.tables import TOMBSTONE_MS
from broker.hub.where import STEP
from protocol.commands import Reply, Sync, SyncState
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST
from protocol.records import ConversationState, Kind, PatchRecord

PAGE = 200
"""Conversations an answer."""
PATCHES = 500
"""Patches of one conversation that are told one by one. Whoever missed more, or more than fits into an answer, starts from
nothing."""
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
START_AGAIN = "again"
"""In place of a cursor: from nothing, and say so."""


@scans(Sync)
def sync(d: Decision, c: Sync) -> Iterator[Reply | None]:
    if d.caller.session is not None and not d.found:
        _take_turn(d, d.caller.session)
    user = d.actor().id
    cursor = _read_cursor(d, c.cursor)
    # What changes while this looks around is told again by the next sync, or was pushed.
    began = d.commit
    changed: list[tuple[int, int, bool]] = []
    for found in _changed(d, user, cursor):
        if found is None:
            yield None
        else:
            changed.append(found)
    changed.sort()
    page = changed[:PAGE]
    tables = d.hub.tables
    here = [number for _, number, member in page if member and number in tables.memberships.get(user, ())]
    keys = [
        PatchesKey(number, cursor.base, PATCHES + 1)
        for number in here
        if cursor.base >= 0 and d.head(number).patched > cursor.base
    ]
    missing = [key for key in keys if key not in d.found]
    if missing:
        raise Need(*missing)
    patches: list[PatchRecord] = []
    for key in keys:
        rows = d.patches(key.conversation, key.since, key.limit)
        if len(rows) > PATCHES:  # too many to tell one by one: the client starts from nothing
            yield from sync(d, Sync(cursor=START_AGAIN))
            return
        first = readable_from(d, d.conversation(key.conversation), d.member(key.conversation, user))
        patches += [row for row in rows if row.seq >= first]
    if sum(len(patch.body) for patch in patches) > ANSWER_BYTES:
        yield from sync(d, Sync(cursor=START_AGAIN))
        return
    states = within_bytes(d, user, here)
    told = page if len(states) == len(here) else page[: _place(page, here[len(states)])]
    base = cursor.base if cursor.base >= 0 else began - 1
    if len(told) < len(changed):
        end = Cursor(base, told[-1][0], told[-1][1], d.now // DAY_MS)
    else:  # all that came before the open commit has been told
        end = Cursor(began - 1, began - 1, LARGEST, d.now // DAY_MS)
    numbers = {number for _, number, _ in told}
    yield SyncState(
        conversations=states,
        left=[number for _, number, member in told if not member and cursor.base >= 0],
        patches=[patch for patch in patches if patch.conversation in numbers],
        cursor=f"{d.hub.epoch}.{end.base}.{end.commit}.{end.conversation}.{end.day}",
        more=len(told) < len(changed),
        reset=bool(c.cursor) and cursor == START,
    )


def _changed(d: Decision, user: str, cursor: Cursor) -> Iterator[tuple[int, int, bool] | None]:
    """(newest change, conversation, still a member) of all that changed behind the cursor; None after each step."""
    tables, told = d.hub.tables, (cursor.commit, cursor.conversation)
    for count, number in enumerate(list(tables.memberships.get(user, ()))):
        if count % STEP == STEP - 1:
            yield None
        member = tables.members.get(number, {}).get(user)
        if member is None or tables.conversations[number].is_over(d.now):
            continue
        head = tables.heads.get(number)
        position = tables.positions.get(number, {}).get(user)
        newest = max(
            tables.conversations[number].changed,
            member.changed,
            max(head.changed, head.patched) if head else 0,
            position.changed if position else 0,
        )
        if (newest, number) > told:
            yield newest, number, True
    for number, grave in list(tables.tombstones.get(user, {}).items()):
        if (grave.changed, number) > told:
            yield grave.changed, number, False


def within_bytes(d: Decision, user: str, numbers: list[int]) -> list[ConversationState]:
    """The states of as many of the first as fit into one answer, at least one."""
    states: list[ConversationState] = []
    size = 0
    for number in numbers:
        state = _state(d, number, user)
        size += MESSAGE_BYTES + (len(state.last_message.body) if state.last_message else 0)
        if size > ANSWER_BYTES and states:
            break
        states.append(state)
    return states


def _place(page: list[tuple[int, int, bool]], number: int) -> int:
    return next(place for place, entry in enumerate(page) if entry[1] == number)


def _state(d: Decision, number: int, user: str) -> ConversationState:
    row, head = d.conversation(number), d.head(number)
    member, position = d.member(number, user), d.position(number, user)
    first = readable_from(d, row, member)
    mentions = (d.hub.tables.mentions.get(user, {}).get(number, 0), head.mention_all_seq)
    read = max(position.read_seq, first - 1)
    return ConversationState(
        id=number,
        kind=row.kind,
        name=row.name,
        first_seq=first,
        last_seq=head.last_seq,
        read_seq=position.read_seq,
        unread=0 if row.kind == Kind.ROOM else unread(head.last_seq, first - 1, position),
        mentioned=any(seq > read and seq not in position.own for seq in mentions),
        last_message=decode_message(head.last) if head.last and head.last_seq >= first else None,
        alias=d.hub.tables.alias_of.get(number, ""),
    )


def _read_cursor(d: Decision, text: str) -> Cursor:
    """A cursor of another epoch, or older than tombstones are kept, starts from nothing."""
    if not text or text == START_AGAIN:
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
