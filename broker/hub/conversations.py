"""Making, finding, changing and deleting conversations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
import orjson

from broker.hub import attributes
from broker.hub.attributes import CONVERSATION_BYTES
from broker.hub.decision import Decision
from broker.hub.hub import handles, scans
from broker.hub.rows import ConversationRow, HeadRow, MemberRow, PositionRow, decode_message, encode_message
from broker.hub.where import MOST_ROWS, compile_sort, compile_where, fields_of, indexed, search
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
    WipeConversation,
)
from protocol.errors import Reason, Refused
from protocol.pushes import ConversationDeleted, ConversationJoined, ConversationUpdated
from protocol.records import ConversationInfo, Kind, Role

MOST_UPDATED = 1_000
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
    )


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
    if c.kind not in KINDS:
        raise Refused(Reason.BAD_KIND, f"conv_type {c.kind} is none of 1 direct, 2 temporary, 3 group, 4 room")
    creator = [d.actor().id] if d.caller.user or not d.caller.privileged else []
    members = d.users([*creator, *c.members])
    if c.kind == Kind.DIRECT and len(members) != 2:
        raise Refused(Reason.BAD_KIND, f"a direct conversation has two users, not {len(members)}")
    check_limit(d, c.kind, len(members))
    said = attributes.changed(b"{}", c.attributes, CONVERSATION_BYTES, merge=False)
    unique = c.unique or c.kind == Kind.DIRECT
    if unique:
        known = d.hub.tables.unique.get(unique_key(c.kind, members))
        # Members may have come and gone since; only a conversation of just these users is the one that is meant.
        if known is not None and d.hub.tables.members[known].keys() == set(members):
            return Created(conversation=info(d, d.conversation(known)), created=False)
    row = _make(d, Kind(c.kind), members, c.name, said, unique=unique)
    made = info(d, row)
    made.members = len(members)
    return Created(conversation=made, created=True)


def check_limit(d: Decision, kind: int, members: int) -> None:
    settings = d.hub.app.settings
    most = {
        Kind.TEMPORARY: settings.temporary_members,
        Kind.GROUP: settings.group_members,
        Kind.ROOM: settings.room_members,
    }.get(Kind(kind), 0)
    if most and members > most:
        raise Refused(Reason.FULL, f"this conversation may have {most} members, not {members}")


def _make(d: Decision, kind: Kind, members: list[str], name: str, attributes: bytes, *, unique: bool) -> ConversationRow:
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
    number = c.conversation
    if c.to:
        direct = known_direct(d, d.actor().id, d.user(c.to).id)
        if direct is None:
            raise Refused(Reason.UNKNOWN_CONVERSATION, f"{d.caller.user} and {c.to} have no direct conversation")
        number = direct
    row = d.conversation(number)
    found = info(d, row)
    if d.member(row.id, d.caller.user) is None and not d.caller.privileged:
        if row.kind != Kind.ROOM:
            d.own_member(row.id)
        # Whoever is not in a room sees that it is there, and how many are.
        found = ConversationInfo(row.id, row.kind, row.name, b"{}", "", "", found.members, row.created_ms, row.updated_ms)
    return ConversationFound(conversation=found)


@scans(ListConversations)
def list_conversations(d: Decision, c: ListConversations) -> Iterator[Reply | None]:
    fields = fields_of(d)
    tests, orders = compile_where(d, c.where, fields), compile_sort(c.sort, fields)
    size = min(max(c.size, 1), 1000)
    start = max(c.skip, 0) + (max(c.page, 1) - 1) * size
    if not d.caller.privileged:
        candidates: list[int] | None = sorted(d.hub.tables.memberships.get(d.actor().id, ()), reverse=True)
    else:
        candidates = indexed(d, c.where)
    if candidates is None and not tests and not orders:
        yield _newest(d, start, size)
        return
    alive = d.hub.tables.conversations
    rows: list[ConversationRow] = []
    yield from search(alive, list(reversed(alive)) if candidates is None else candidates, tests, orders, rows)
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


def _newest(d: Decision, start: int, size: int) -> ConversationPage:
    """Without conditions the count is known and the newest are at the end: no scan."""
    rows = d.hub.tables.conversations
    if start + size > MOST_ROWS:
        raise Refused(Reason.TOO_BROAD, f"only the newest {MOST_ROWS} conversations can be paged; add a condition")
    shown = [info(d, row) for row in islice(reversed(rows.values()), start, start + size)]
    return ConversationPage(conversations=shown, total=len(rows))


@handles(UpdateConversation)
def update(d: Decision, c: UpdateConversation) -> Done:
    row = d.conversation(c.conversation)
    d.need_role(row, Role.MANAGER)
    _change(d, row, c.name, c.attributes, merge=c.merge)
    return Done(time_ms=d.now)


def _change(d: Decision, row: ConversationRow, name: str | None, given: bytes | None, *, merge: bool) -> None:
    said = None if given is None else attributes.changed(row.attributes, given, CONVERSATION_BYTES, merge=merge)
    changed = msgspec.structs.replace(
        row,
        name=row.name if name is None else name,
        attributes=row.attributes if said is None else said,
        updated_ms=d.now,
        changed=d.commit,
    )
    d.put("conversations", changed)
    push = ConversationUpdated(app=d.hub.app.id, conversation=row.id, by=d.caller.user, name=name, attributes=said)
    d.post(d.hub.audience(row.id), push)


@scans(UpdateConversations)
def update_all(d: Decision, c: UpdateConversations) -> Iterator[Reply | None]:
    tests, candidates = compile_where(d, c.where, fields_of(d)), indexed(d, c.where)
    alive = d.hub.tables.conversations
    found: list[ConversationRow] = []
    for _ in search(alive, list(reversed(alive)) if candidates is None else candidates, tests, [], found):
        _check_few(found)
        yield None
    _check_few(found)
    # All are changed in this one step, on the rows as they are now.
    rows = [alive[row.id] for row in found if row.id in alive]
    if not rows:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "no conversation matches the condition")
    for row in rows:
        _change(d, row, None, c.attributes, merge=False)
    yield Done(time_ms=d.now)


def _check_few(found: list[ConversationRow]) -> None:
    if len(found) > MOST_UPDATED:
        raise Refused(Reason.TOO_BROAD, f"more than {MOST_UPDATED} conversations match; narrow the condition")


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
