"""Making, finding, changing and deleting conversations."""

from __future__ import annotations

import msgspec
import orjson

from broker.hub import attributes
from broker.hub.decision import Decision
from broker.hub.hub import Hub, handles
from broker.hub.newcomers import ensure_all
from broker.hub.rows import ConversationRow, HeadRow, MemberRow, PositionRow, decode_message, encode_message, said_ms
from broker.hub.session import LEANCLOUD
from broker.hub.signed import check_conversation
from protocol.commands import (
    ConversationFound,
    CreateConversation,
    Created,
    DeleteConversation,
    Done,
    GetConversation,
    UpdateConversation,
    Updated,
    WipeConversation,
)
from protocol.errors import Reason, Refused
from protocol.pushes import ConversationDeleted, ConversationJoined, ConversationUpdated, MembersJoined
from protocol.records import CONVERSATION_BYTES, ConversationInfo, Kind, Role
from protocol.signatures import Action

DAY_MS = 86_400_000
KINDS = frozenset({Kind.DIRECT, Kind.TEMPORARY, Kind.GROUP, Kind.ROOM})
"""What anybody makes; a system conversation is made by a back office."""
OPEN = frozenset({Kind.ROOM, Kind.SYSTEM})
"""Anybody may know of them and join, and their members are not listed with them."""


def info(d: Decision, row: ConversationRow) -> ConversationInfo:
    """As the caller may see it."""
    head = d.head(row.id)
    own = d.member(row.id, d.caller.user)
    first = readable_from(d, row, None if d.caller.privileged else own)
    return ConversationInfo(
        id=row.id,
        kind=row.kind,
        name=row.name,
        attributes=row.attributes,
        owner=row.owner,
        creator=row.creator,
        members=len(d.hub.tables.members.get(row.id, ())),
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        last_seq=head.last_seq,
        first_seq=first,
        last_message=decode_message(head.last) if head.last and head.last_seq >= first else None,
        most=most_members(d, row.kind, row.most),
        unique=bool(row.unique_key),
        ttl_seconds=ttl_seconds(d, row),
        alias=d.hub.tables.alias_of.get(row.id, ""),
        said_ms=said_ms(head) if head.last_seq >= first or not head.last_seq else 0,
        joined_ms=own.joined_ms if own is not None else 0,
    )


def ttl_seconds(d: Decision, row: ConversationRow) -> int:
    """Until its time is over or it has been silent for so long that it is deleted, at least 1; 0: neither will be."""
    ends = ends_ms(d.hub, row) if row.kind == Kind.TEMPORARY else 0
    return max((ends - d.now) // 1000, 1) if ends else 0


def ends_ms(hub: Hub, row: ConversationRow) -> int:
    """When a temporary conversation ends if nobody speaks any more; 0: never."""
    days, head = hub.app.settings.temporary_days, hub.tables.heads.get(row.id)
    spoken_ms = decode_message(head.last).time_ms if head is not None and head.last else row.created_ms
    ends = [row.created_ms + row.ttl_seconds * 1000] if row.ttl_seconds else []
    return min([*ends, spoken_ms + days * DAY_MS] if days else ends, default=0)


def readable_from(d: Decision, row: ConversationRow, member: MemberRow | None) -> int:
    """The first seq the caller may read."""
    floor = d.head(row.id).floor
    if member is not None and d.hub.app.settings.history_from_join:
        floor = max(floor, member.joined_seq)
    return floor + 1


def unique_key(kind: int, members: list[str]) -> str:
    return orjson.dumps([kind, *sorted(members)]).decode()


def direct_between(d: Decision, one: str, other: str) -> tuple[ConversationRow, bool]:
    """The direct conversation of two users, and whether it is made by this very decision."""
    if one == other:
        raise Refused(Reason.BAD_KIND, "a direct conversation has two different users")
    d.user(other)
    known = known_direct(d, one, other)
    if known is not None:
        return d.conversation(known), False
    return _make(d, Kind.DIRECT, [one, other], "", b"{}", unique=True), True


def known_direct(d: Decision, one: str, other: str) -> int | None:
    return d.hub.tables.unique.get(unique_key(Kind.DIRECT, [one, other]))


@handles(CreateConversation)
def create(d: Decision, c: CreateConversation) -> Created:
    if c.kind not in KINDS and not (c.kind == Kind.SYSTEM and d.caller.privileged):
        raise Refused(Reason.BAD_KIND, f"conv_type {c.kind} is none of 1 direct, 2 temporary, 3 group, 4 room")
    creator = [d.actor().id] if d.caller.user or not d.caller.privileged else []
    check_conversation(d, c.signature, Action.CONVERSATION, 0, c.members)
    members = (ensure_all if c.newcomers else Decision.users)(d, [*creator, *c.members])
    if c.kind == Kind.DIRECT and len(members) != 2:
        raise Refused(Reason.BAD_KIND, f"a direct conversation has two users, not {len(members)}")
    check_most(d, c.most)
    check_limit(d, c.kind, c.most, len(members))
    said = attributes.changed(b"{}", c.attributes, CONVERSATION_BYTES, merge=False)
    unique = c.unique or c.kind == Kind.DIRECT
    if unique:
        known = d.hub.tables.unique.get(unique_key(c.kind, members))
        # Members may have come and gone since; only a conversation of just these users is the one that is meant.
        row = d.hub.tables.conversations.get(known or 0)
        alike = row is not None and d.hub.tables.members.get(row.id, {}).keys() == set(members)
        if row is not None and alike and not row.is_over(d.now):
            if c.rename and c.name not in ("", row.name) and may_change(d, row):
                row = change(d, row, c.name, None, merge=True)
            return Created(conversation=info(d, row), created=False)
    row = _make(d, Kind(c.kind), members, c.name, said, unique=unique, most=c.most, ttl_seconds=c.ttl_seconds)
    made = info(d, row)
    made.members = len(members)
    return Created(conversation=made, created=True)


def most_members(d: Decision, kind: int, own: int) -> int:
    """A conversation's own limit, else the app's for its kind; 0: there is none."""
    settings = d.hub.app.settings
    most = {
        Kind.TEMPORARY: settings.temporary_members,
        Kind.GROUP: settings.group_members,
        Kind.ROOM: settings.room_members,
    }
    return own or most.get(Kind(kind), 0)


def check_most(d: Decision, most: int) -> None:
    """The app's own limit may be passed, so only a back office says this."""
    if most and not d.caller.privileged:
        raise Refused(Reason.NOT_ALLOWED, "only the app's back office says how many members a conversation may have")
    if most < 0:
        raise Refused(Reason.BAD_FORMAT, f"the most members of a conversation are 0 (the app's limit) or more, not {most}")


def check_limit(d: Decision, kind: int, own: int, members: int) -> None:
    """FULL if a conversation of that kind, with that limit of its own, cannot have so many members."""
    most = most_members(d, kind, own)
    if most and members > most:
        raise Refused(Reason.FULL, f"this conversation may have {most} members, not {members}")


def _make(
    d: Decision,
    kind: Kind,
    members: list[str],
    name: str,
    attributes: bytes,
    *,
    unique: bool,
    most: int = 0,
    ttl_seconds: int = 0,
) -> ConversationRow:
    """`members` begins with the creator, if there is one. A group or a room has an owner, the others have equals."""
    creator = d.caller.user
    owner = creator if kind in (Kind.GROUP, Kind.ROOM) else ""
    number = d.hub.mint.next(d.now)
    row = ConversationRow(
        number,
        int(kind),
        creator,
        owner,
        d.now,
        name,
        attributes,
        unique_key(kind, members) if unique else "",
        changed=d.commit,
        most=most,
        ttl_seconds=ttl_seconds if kind == Kind.TEMPORARY else 0,
    )
    d.put("conversations", row)
    d.put("heads", HeadRow(number, changed=d.commit))
    for user in members:
        role = Role.OWNER if user == owner else Role.MEMBER
        d.put("members", MemberRow(number, user, d.now, int(role), changed=d.commit, by=creator))
    sessions = [session for user in members for session in d.hub.sessions_of(user)]
    d.post(sessions, ConversationJoined(app=d.hub.app.id, conversation=number, by=creator, kind=int(kind)))
    if kind != Kind.SYSTEM:  # LeanCloud's clients expect to hear of the others, too
        joined = MembersJoined(app=d.hub.app.id, conversation=number, users=tuple(members), by=creator, kind=int(kind))
        d.post(d.hub.on_wire(sessions, LEANCLOUD), joined)
    return row


@handles(GetConversation)
def get(d: Decision, c: GetConversation) -> ConversationFound:
    number = c.conversation
    if c.to:
        direct = known_direct(d, d.actor().id, d.user(c.to).id)
        if direct is None:
            raise Refused(Reason.UNKNOWN_CONVERSATION, f"{d.caller.user} and {c.to} have no direct conversation")
        number = direct
    row = d.conversation(number)
    if d.member(row.id, d.caller.user) is None and not d.caller.privileged:
        if row.kind not in OPEN:
            d.own_member(row.id)
        found = from_outside(d, row)
    else:
        found = info(d, row)
    if c.count_online and row.kind == Kind.ROOM:
        found.online = d.hub.presence.count_among(d.hub.tables.members.get(row.id, {}))
    return ConversationFound(conversation=found)


def from_outside(d: Decision, row: ConversationRow) -> ConversationInfo:
    """A room or a system conversation as one who is not in it sees it: that it is there, and how many are."""
    members = len(d.hub.tables.members.get(row.id, ()))
    alias = d.hub.tables.alias_of.get(row.id, "")
    return ConversationInfo(row.id, row.kind, row.name, b"{}", "", "", members, row.created_ms, row.updated_ms, alias=alias)


@handles(UpdateConversation)
def update(d: Decision, c: UpdateConversation) -> Updated:
    row = d.conversation(c.conversation)
    need_to_change(d, row)
    if c.most is not None:
        check_most(d, c.most)
        row = msgspec.structs.replace(row, most=c.most)
    given = c.attributes
    places = given if c.merge and c.paths and not c.operations else None
    if given is not None and c.paths:
        given = attributes.with_paths(row.attributes, given)
    if c.operations:
        given = attributes.operated(row.attributes, given or b"{}", c.operations)
    changed = change(d, row, c.name, given, merge=c.merge, places=places)
    return Updated(time_ms=d.now, attributes=changed.attributes)


def need_to_change(d: Decision, row: ConversationRow) -> None:
    """NOT_ALLOWED unless the caller may add members and change what is said about a conversation."""
    is_group = row.kind == Kind.GROUP
    least = Role.MEMBER if is_group and d.hub.app.settings.members_invite else Role.MANAGER
    d.need_role(row, least, ", or any member where the app has members_invite set" if is_group else "")


def may_change(d: Decision, row: ConversationRow) -> bool:
    try:
        need_to_change(d, row)
    except Refused:
        return False
    return True


def change(
    d: Decision, row: ConversationRow, name: str | None, given: bytes | None, *, merge: bool, places: bytes | None = None
) -> ConversationRow:
    """The row as it is then. `places`: what was said where it changes places inside the attributes."""
    said = None if given is None else attributes.changed(row.attributes, given, CONVERSATION_BYTES, merge=merge)
    changed = msgspec.structs.replace(
        row,
        name=row.name if name is None else name,
        attributes=row.attributes if said is None else said,
        updated_ms=d.now,
        changed=d.commit,
        updated_by=d.caller.user,
    )
    d.put("conversations", changed)
    if said is not None and name == row.name:
        name = None  # who says all of it anew says the name too, which is no news
    if name is not None or said is not None:
        push = ConversationUpdated(
            app=d.hub.app.id,
            conversation=row.id,
            by=d.caller.user,
            name=name,
            attributes=said,
            kind=row.kind,
            time_ms=d.now,
            changed=places if said is None or places is not None else attributes.difference(row.attributes, said),
            called=changed.name,
        )
        d.post(d.hub.audience(row.id), push)
    return changed


@handles(DeleteConversation)
def delete(d: Decision, c: DeleteConversation) -> Done:
    row = d.conversation(c.conversation)
    d.need_role(row, Role.OWNER)
    bury(d, row)
    return Done(time_ms=d.now)


def bury(d: Decision, row: ConversationRow) -> None:
    """One image: readers stop at once, the writer clears what lies behind (DESIGN 2.3)."""
    push = ConversationDeleted(app=d.hub.app.id, conversation=row.id, by=d.caller.user, kind=row.kind)
    d.post(d.hub.audience(row.id), push)
    d.put(
        "conversations",
        msgspec.structs.replace(row, deleted=True, attributes=b"{}", name="", updated_ms=d.now, changed=d.commit),
    )


@handles(WipeConversation)
def wipe(d: Decision, c: WipeConversation) -> Done:
    number = d.conversation(c.conversation).id
    raise_floor(d, number, d.head(number).last_seq)
    return Done(time_ms=d.now)


def raise_floor(d: Decision, number: int, seq: int) -> None:
    """Messages up to `seq` are gone, as `bury` takes a conversation: one image."""
    head = d.head(number)
    floor = min(seq, head.last_seq)
    if floor <= head.floor:
        return
    last = head.last
    if floor == head.last_seq and last:  # of the newest message only its time stays
        last = encode_message(msgspec.structs.replace(decode_message(last), body=b"{}", push_data=b"", sender=""))
    d.put("heads", msgspec.structs.replace(head, floor=floor, last=last, changed=d.commit))


def joined_position(d: Decision, conversation: int, user: str) -> PositionRow:
    """Whoever joins has nothing unread."""
    return PositionRow(conversation, user, d.head(conversation).last_seq, changed=d.commit)
