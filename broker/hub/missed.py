"""What happened to a user and in his conversations while he was away, for clients that ask for it by time (LeanCloud's;
ours have `sync`).

The law: it is read from rows that are there anyway, so it survives a start and takes no log of its own: of each member the
newest coming, going, act and block is told, the net of what happened. What the user did himself is not: the client that did
it knows, and a late echo would put members back that it has put out since. Rooms tell nobody who comes and goes, system
conversations only him whom it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from broker.hub import aliases
from broker.hub.decision import Decision
from broker.hub.hub import scans
from broker.hub.rows import Act, ConversationRow, MemberRow
from broker.hub.tables import TOMBSTONE_MS
from broker.hub.where import MOST_ROWS, STEP
from protocol import pushes as p
from protocol.commands import ListMissed, Missed, Reply
from protocol.commands.members import Event
from protocol.errors import Reason, Refused
from protocol.records import Kind

MOST_LISTED = 500
CAME, CAME_IN, BARRED, WENT, WENT_OUT, TREATED, CHANGED = range(7)
"""The order of what happened in one millisecond, as a live push of it would have had; IN and OUT: told to the others."""


class Place(NamedTuple):
    """When, in which order there, in which conversation, and by whom: what happened to several at once is one event."""

    at_ms: int
    order: int
    number: int
    by: str
    act: int = 0
    user: str = ""


Places = dict[Place, list[str]]
"""Each with the users it is about."""


@scans(ListMissed)
def list_missed(d: Decision, c: ListMissed) -> Iterator[Reply | None]:
    user, tables = d.actor().id, d.hub.tables
    since = max(c.since_ms, d.now - TOMBSTONE_MS)
    found: Places = {}
    looked = 0
    for number in list(tables.memberships.get(user, ())):
        looked += 1
        if looked % STEP == 0:
            yield None
        row = tables.conversations.get(number)
        if row is None or row.kind == Kind.ROOM:
            continue
        if row.updated_ms > since and row.updated_by != user:
            found[Place(row.updated_ms, CHANGED, number, row.updated_by)] = []
        if tables.stirred.get(number, 0) <= since:
            continue
        others = row.kind != Kind.SYSTEM
        for look, rows in ((_stayed, tables.members), (_gone, tables.departed)):
            here = rows.get(number, {})
            for member in list(here.values()) if others else [here[user]] if user in here else []:
                looked += 1
                if looked % STEP == 0:
                    yield None
                own = tables.members.get(number, {}).get(user)
                if own is not None:
                    look(found, since, own, row, member)
        if looked > MOST_ROWS:
            raise Refused(Reason.TOO_BROAD, f"more than {MOST_ROWS} members would have to be looked at")
    for number, grave in list(tables.tombstones.get(user, {}).items()):
        looked += 1
        if looked % STEP == 0:
            yield None
        row = tables.conversations.get(number)
        if row is not None and row.kind != Kind.ROOM:
            _own_end(found, since, grave)
    size = min(max(c.limit, 1), MOST_LISTED)
    events: list[Event] = []
    more = False
    for place in sorted(found):
        more = len(events) >= size and place.at_ms != events[-1].at_ms
        if more:
            break
        events += _events(d, user, place, tuple(found[place]))
    yield Missed(events=events, more=more)


def _stayed(found: Places, since: int, own: MemberRow, row: ConversationRow, member: MemberRow) -> None:
    number = member.conversation
    if member.joined_ms > since and member.by != own.user:
        if member is own:
            found[Place(own.joined_ms, CAME, number, own.by)] = []
        # Of those who came with him he is told where the conversation began with them, as live.
        began = member.joined_ms == own.joined_ms == row.created_ms and row.kind != Kind.SYSTEM
        if member.joined_ms > own.joined_ms or began:
            found.setdefault(Place(member.joined_ms, CAME_IN, number, member.by), []).append(member.user)
    _acts(found, max(since, own.joined_ms), own.user, member)


def _gone(found: Places, since: int, own: MemberRow, row: ConversationRow, grave: MemberRow) -> None:
    since = max(since, own.joined_ms)
    if grave.left_ms > since and grave.by != own.user and was_member(grave):
        found.setdefault(Place(grave.left_ms, WENT_OUT, grave.conversation, grave.by), []).append(grave.user)
    _acts(found, since, own.user, grave)


def _own_end(found: Places, since: int, grave: MemberRow) -> None:
    if grave.left_ms > since and grave.by != grave.user and was_member(grave):
        found[Place(grave.left_ms, WENT, grave.conversation, grave.by)] = []
    _acts(found, since, grave.user, grave)


def _acts(found: Places, since: int, user: str, member: MemberRow) -> None:
    """Blocks are told of several at once, the rest each alone."""
    if member.act_ms > since and member.act_by != user:
        order = BARRED if member.act == Act.BLOCK else TREATED
        about = "" if member.act in (Act.BLOCK, Act.UNBLOCK) else member.user
        place = Place(member.act_ms, order, member.conversation, member.act_by, member.act, about)
        found.setdefault(place, []).append(member.user)


def was_member(grave: MemberRow) -> bool:
    """Whoever was never in is blocked by a tombstone that begins where it ends."""
    return grave.left_ms > grave.joined_ms


def _events(d: Decision, user: str, place: Place, about: tuple[str, ...]) -> list[Event]:
    """As it would have been pushed, where what it is about is still there."""
    row = d.hub.tables.conversations.get(place.number)
    if row is None:
        return []
    said: dict[str, Any] = {"app": d.hub.app.id, "conversation": row.id, "by": place.by, "kind": row.kind}
    events: list[Event]
    if place.order == CAME:
        events = [p.ConversationJoined(**said)]
    elif place.order == WENT:
        events = [p.ConversationLeft(**said)]
    elif place.order == CAME_IN:
        events = [p.MembersJoined(users=about, **said)]
    elif place.order == WENT_OUT:
        events = [p.MembersLeft(users=about, **said)]
    elif place.act in (Act.BLOCK, Act.UNBLOCK):
        events = [p.MembersBlocked(users=about, blocked=place.act == Act.BLOCK, own=user in about, **said)]
    elif place.order == CHANGED:
        name, attributes = row.name, row.attributes
        events = [p.ConversationUpdated(name=name, attributes=attributes, time_ms=place.at_ms, called=name, **said)]
    else:
        events = _treated(d, user, place, said)
    for event in events:
        event.at_ms = place.at_ms
        aliases.name(d.hub.tables, event)
    return events


def _treated(d: Decision, user: str, place: Place, said: dict[str, Any]) -> list[Event]:
    """Of a mute that is over by itself nobody is told."""
    member = d.member(place.number, place.user)
    if member is None or member.act != place.act:
        return []
    if place.act == Act.ROLE:
        return [p.RoleChanged(user=place.user, role=member.role, **said)]
    own = [p.OwnMute(muted=place.act == Act.MUTE, **said)] if place.user == user else []
    if place.act == Act.UNMUTE:
        return [p.MemberUnmuted(user=place.user, **said), *own]
    if not member.is_muted(d.now):
        return []
    return [p.MemberMuted(user=place.user, until_ms=max(member.muted_until_ms, 0), **said), *own]
