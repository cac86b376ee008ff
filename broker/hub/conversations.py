"""Making, finding, changing and deleting conversations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
import orjson

from broker.hub.decision import Decision
from broker.hub.hub import handles, scans
from broker.hub.rows import ConversationRow, HeadRow, MemberRow, PositionRow, decode_message
from broker.hub.where import MOST_ROWS, Test, compile_where, indexed, matching
from protocol.commands import (
    ConversationFound,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    Done,
    GetConversation,
    ListConversations,
    Reply,
    UpdateConversation,
    UpdateConversations,
)
from protocol.errors import Reason, Refused
from protocol.pushes import ConversationDeleted, ConversationJoined, ConversationUpdated
from protocol.records import ConversationInfo, Kind, Role

MOST_UPDATED = 1_000
ATTRIBUTE_BYTES = 16_384
LIST_BYTES = 262_144
"""Of attributes and last messages in one page for a socket: a quarter of an outbox."""
KINDS = frozenset({Kind.DIRECT, Kind.TEMPORARY, Kind.GROUP, Kind.ROOM})


def info(d: Decision, row: ConversationRow) -> ConversationInfo:
    """As the caller may see it."""
    head = d.head(row.id)
    first = readable_from(d, row, None if d.caller.privileged else d.member(row.id, d.caller.user))
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
    )


def readable_from(d: Decision, row: ConversationRow, member: MemberRow | None) -> int:
    """The first seq the caller may read."""
    floor = d.head(row.id).floor
    if member is not None and d.hub.app.settings.history_from_join:
        floor = max(floor, member.joined_seq)
    return floor + 1


def check_attributes(attributes: bytes) -> None:
    """TOO_LARGE beyond what a list of conversations can carry and a search can look through."""
    if len(attributes) > ATTRIBUTE_BYTES:
        raise Refused(
            Reason.TOO_LARGE, f"a conversation's attributes may have {ATTRIBUTE_BYTES} bytes, not {len(attributes)}"
        )


def unique_key(kind: int, members: list[str]) -> str:
    return orjson.dumps([kind, *sorted(members)]).decode()


def direct_between(d: Decision, one: str, other: str) -> tuple[ConversationRow, bool]:
    """The direct conversation of two users, and whether it is made by this very decision."""
    if one == other:
        raise Refused(Reason.BAD_KIND, "a direct conversation has two different users")
    d.user(other)
    known = d.hub.tables.unique.get(unique_key(Kind.DIRECT, [one, other]))
    if known is not None:
        return d.conversation(known), False
    return _make(d, Kind.DIRECT, [one, other], "", b"{}", unique=True), True


@handles(CreateConversation)
def create(d: Decision, c: CreateConversation) -> Created:
    if c.kind not in KINDS:
        raise Refused(Reason.BAD_KIND, f"conv_type {c.kind} is none of 1 direct, 2 temporary, 3 group, 4 room")
    creator = [d.actor().id] if d.caller.user or not d.caller.privileged else []
    members = d.users([*creator, *c.members])
    if c.kind == Kind.DIRECT and len(members) != 2:
        raise Refused(Reason.BAD_KIND, f"a direct conversation has two users, not {len(members)}")
    check_most(c.most)
    check_limit(d, c.kind, c.most, len(members))
    check_attributes(c.attributes)
    unique = c.unique or c.kind == Kind.DIRECT
    if unique:
        known = d.hub.tables.unique.get(unique_key(c.kind, members))
        # Members may have come and gone since; only a conversation of just these users is the one that is meant.
        if known is not None and d.hub.tables.members[known].keys() == set(members):
            return Created(conversation=info(d, d.conversation(known)), created=False)
    row = _make(d, Kind(c.kind), members, c.name, c.attributes, unique=unique, most=c.most)
    made = info(d, row)
    made.members = len(members)
    return Created(conversation=made, created=True)


def most_members(d: Decision, kind: int, own: int) -> int:
    """The smaller of a conversation's own limit and the app's for its kind; 0: there is none."""
    settings = d.hub.app.settings
    most = {
        Kind.TEMPORARY: settings.temporary_members,
        Kind.GROUP: settings.group_members,
        Kind.ROOM: settings.room_members,
    }.get(Kind(kind), 0)
    return min(own or most, most) if most else own


def check_most(most: int) -> None:
    if most < 0:
        raise Refused(Reason.BAD_FORMAT, f"the most members of a conversation are 0 (the app's limit) or more, not {most}")


def check_limit(d: Decision, kind: int, own: int, members: int) -> None:
    """FULL if a conversation of that kind, with that limit of its own, cannot have so many members."""
    most = most_members(d, kind, own)
    if most and members > most:
        raise Refused(Reason.FULL, f"this conversation may have {most} members, not {members}")


def _make(
    d: Decision, kind: Kind, members: list[str], name: str, attributes: bytes, *, unique: bool, most: int = 0
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
    )
    d.put("conversations", row)
    d.put("heads", HeadRow(number, changed=d.commit))
    for user in members:
        role = Role.OWNER if user == owner else Role.MEMBER
        d.put("members", MemberRow(number, user, d.now, int(role), changed=d.commit))
    sessions = [session for user in members for session in d.hub.sessions_of(user)]
    d.post(sessions, ConversationJoined(app=d.hub.app.id, conversation=number, by=creator))
    return row


@handles(GetConversation)
def get(d: Decision, c: GetConversation) -> ConversationFound:
    row = d.conversation(c.conversation)
    found = info(d, row)
    if d.member(row.id, d.caller.user) is None and not d.caller.privileged:
        if row.kind != Kind.ROOM:
            d.own_member(row.id)
        # Whoever is not in a room sees that it is there, and how many are.
        found = ConversationInfo(row.id, row.kind, row.name, b"{}", "", "", found.members, row.created_ms, row.updated_ms)
    return ConversationFound(conversation=found)


@scans(ListConversations)
def list_conversations(d: Decision, c: ListConversations) -> Iterator[Reply | None]:
    tests = compile_where(d, c.where)
    page, size = max(c.page, 1), min(max(c.size, 1), 1000)
    if not d.caller.privileged:
        candidates: list[int] | None = sorted(d.hub.tables.memberships.get(d.actor().id, ()), reverse=True)
    else:
        candidates = indexed(d, c.where)
    if candidates is None and not tests:
        yield _all(d, page, size, oldest_first=c.oldest_first)
        return
    rows: list[ConversationRow] = []
    for found in _matching(d, candidates, tests, oldest_first=c.oldest_first):
        if found is None:
            yield None
        else:
            rows.append(found)
    start = (page - 1) * size
    alive = d.hub.tables.conversations
    shown = [info(d, alive[row.id]) for row in rows[start : start + size] if row.id in alive]
    if not d.caller.privileged:
        _fit(shown)
    yield ConversationPage(conversations=shown, total=len(rows))


def _fit(shown: list[ConversationInfo]) -> None:
    """A page has to fit into an outbox: last messages beyond it are left out, attributes are asked for in smaller pages."""
    size = sum(len(each.attributes) for each in shown)
    if size > LIST_BYTES and len(shown) > 1:
        raise Refused(Reason.TOO_BROAD, f"this page has {size} bytes of attributes; ask for a smaller size")
    for each in shown:
        if each.last_message is not None:
            size += len(each.last_message.body)
            if size > LIST_BYTES:
                each.last_message = None


def _all(d: Decision, page: int, size: int, *, oldest_first: bool) -> ConversationPage:
    """Without conditions the count is known and the newest are at the end: no scan."""
    rows = d.hub.tables.conversations
    start = (page - 1) * size
    if start + size > MOST_ROWS:
        raise Refused(Reason.TOO_BROAD, f"only the first {MOST_ROWS} conversations can be paged; add a condition")
    ordered = rows.values() if oldest_first else reversed(rows.values())
    shown = [info(d, row) for row in islice(ordered, start, start + size)]
    return ConversationPage(conversations=shown, total=len(rows))


def _matching(
    d: Decision, candidates: list[int] | None, tests: list[Test], *, oldest_first: bool = False
) -> Iterator[ConversationRow | None]:
    """The conversations that pass, newest first; of all of them if there are no candidates."""
    rows = d.hub.tables.conversations
    if candidates is None:
        candidates = list(reversed(rows))
    if oldest_first:
        candidates.reverse()
    return matching(rows, candidates, tests, "conversations")


@handles(UpdateConversation)
def update(d: Decision, c: UpdateConversation) -> Done:
    row = d.conversation(c.conversation)
    d.need_role(row, Role.MANAGER if c.most is None and c.owner is None else Role.OWNER)
    if c.most is not None:
        check_most(c.most)
        row = msgspec.structs.replace(row, most=c.most)
    if c.owner is not None:
        row = _hand_over(d, row, c.owner)
    _change(d, row, c.name, c.attributes, merge=c.merge)
    return Done(time_ms=d.now)


def _hand_over(d: Decision, row: ConversationRow, owner: str) -> ConversationRow:
    """The conversation with that owner; who was it becomes a plain member."""
    if row.kind not in (Kind.GROUP, Kind.ROOM):
        raise Refused(Reason.BAD_KIND, "only groups and rooms have an owner")
    for user, role in ((row.owner, Role.MEMBER), (owner, Role.OWNER)):
        member = d.member(row.id, user)
        if member is not None:
            d.put("members", msgspec.structs.replace(member, role=int(role), changed=d.commit))
        elif user == owner:
            raise Refused(Reason.NOT_A_MEMBER, f"user {d.user(owner).id} is not a member of this conversation")
    return msgspec.structs.replace(row, owner=owner)


def _change(d: Decision, row: ConversationRow, name: str | None, attributes: bytes | None, *, merge: bool) -> None:
    if merge and attributes is not None:
        attributes = orjson.dumps({**orjson.loads(row.attributes), **orjson.loads(attributes)})
    check_attributes(attributes or b"")
    changed = msgspec.structs.replace(
        row,
        name=row.name if name is None else name,
        attributes=row.attributes if attributes is None else attributes,
        updated_ms=d.now,
        changed=d.commit,
    )
    d.put("conversations", changed)
    if name is not None or attributes is not None:
        by = d.caller.user
        push = ConversationUpdated(app=d.hub.app.id, conversation=row.id, by=by, name=name, attributes=attributes)
        d.post(d.hub.audience(row.id), push)


@scans(UpdateConversations)
def update_all(d: Decision, c: UpdateConversations) -> Iterator[Reply | None]:
    tests = compile_where(d, c.where)
    found: list[int] = []
    for row in _matching(d, indexed(d, c.where), tests):
        if row is None:
            yield None
            continue
        found.append(row.id)
        if len(found) > MOST_UPDATED:
            raise Refused(Reason.TOO_BROAD, f"more than {MOST_UPDATED} conversations match; narrow the condition")
    # All are changed in this one step, on the rows as they are now.
    rows = [row for row in map(d.hub.tables.conversations.get, found) if row is not None]
    if not rows:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "no conversation matches the condition")
    for row in rows:
        _change(d, row, None, c.attributes, merge=False)
    yield Done(time_ms=d.now)


@handles(DeleteConversation)
def delete(d: Decision, c: DeleteConversation) -> Done:
    row = d.conversation(c.conversation)
    d.need_role(row, Role.OWNER)
    bury(d, row)
    return Done(time_ms=d.now)


def bury(d: Decision, row: ConversationRow) -> None:
    """One image: readers stop at once, the writer clears what lies behind (DESIGN 2.3)."""
    d.post(d.hub.audience(row.id), ConversationDeleted(app=d.hub.app.id, conversation=row.id, by=d.caller.user))
    d.put(
        "conversations",
        msgspec.structs.replace(row, deleted=True, attributes=b"{}", name="", updated_ms=d.now, changed=d.commit),
    )


def joined_position(d: Decision, conversation: int, user: str) -> PositionRow:
    """Whoever joins has nothing unread."""
    return PositionRow(conversation, user, d.head(conversation).last_seq, changed=d.commit)
