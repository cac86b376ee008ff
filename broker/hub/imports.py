"""What another service has kept becomes ours, under its old ids and with its old times (DESIGN 4).

The law: a message's time is the time in its id and order is `seq`, so messages of a conversation are taken by time, oldest
first, and only behind what is there; how far they are here is a row (`AliasRow`) of the same commit as the messages
themselves, so after a crash the same import goes on where it was. Ids of one millisecond are dealt out in lanes, one an
app, and a place in the lane is taken only after it was seen to be free: nothing that is stored is ever written over.

Nobody is told of anything. Members count as having read what was imported once it is said to be `finished`.
"""

from __future__ import annotations

import zlib

import msgspec

from broker.hub import attributes
from broker.hub.conversations import unique_key
from broker.hub.decision import Decision, check_user_id
from broker.hub.hub import handles
from broker.hub.messages import BODY_BYTES
from broker.hub.recent import MessageKey, Need
from broker.hub.rows import AliasRow, ConversationRow, HeadRow, MemberRow, PositionRow, decode_message, encode_message
from broker.hub.tables import LANE_KIND
from protocol.codec import is_name
from protocol.commands import ImportConversations, Imported, ImportedConversation, ImportedMessage, ImportMessages, Left
from protocol.commands.imports import BATCH
from protocol.errors import Reason, Refused
from protocol.ids import EPOCH_MS, IMPORTED, LANE, LANES, OLD_ID_MOST, first_at, time_of
from protocol.records import CONVERSATION_BYTES, Kind, Message, Role, Status

LEANCLOUD = "leancloud"
NAME_MOST = 256
MEMBERS_MOST = 10_000
AHEAD = 8
"""Places asked about at once where one was taken; again and again, three times as many as are known already."""
WALK_MOST = 1_000
"""Places looked at for one message: so many of one moment an app may have."""


class Apart(Exception):
    """One item cannot be taken; the sentence says why."""


def check_size(count: int) -> None:
    if count > BATCH:
        raise Refused(Reason.TOO_LARGE, f"{BATCH} can be imported at once, not {count}")


@handles(ImportConversations)
def import_conversations(d: Decision, c: ImportConversations) -> Imported:
    check_size(len(c.conversations))
    made, known, left = 0, 0, list[Left]()
    seen: set[str] = set()
    taken: set[str] = set()
    for each in c.conversations:
        number = d.hub.tables.forms.alias(each.alias)
        row = None if number is None else d.hub.tables.aliases.get(number)
        if each.alias in seen or (row is not None and row.target in d.hub.tables.conversations):
            known += 1
            continue
        seen.add(each.alias)
        try:
            if row is not None:
                raise Apart("it was imported before and has been deleted here since")
            if number is None or each.alias != each.alias.lower() or d.hub.tables.forms.parse(each.alias) is not None:
                raise Apart("its objectId is not the 24 hex digits (lower case) of an id of LeanCloud's")
            _take(d, each, taken)
            made += 1
        except Apart as apart:
            left.append(Left(each.alias, str(apart)))
    return Imported(made=made, known=known, left=left)


def _take(d: Decision, c: ImportedConversation, taken: set[str]) -> None:
    """Everything is checked before anything is noted."""
    try:
        said = attributes.changed(b"{}", c.attributes, CONVERSATION_BYTES, merge=False)
        members = list(dict.fromkeys(c.members))
        for name in filter(None, (*members, c.creator)):
            check_user_id(name)
    except Refused as refused:
        raise Apart(refused.detail) from None
    deleted = [name for name in members if (user := d.hub.tables.users.get(name)) is not None and user.deleted]
    if deleted:
        raise Apart(f"user {deleted[0]} was deleted here; an id is not given out again")
    if len(members) > MEMBERS_MOST:
        raise Apart(f"it has {len(members)} members; {MEMBERS_MOST} can be imported")
    if len(c.name) > NAME_MOST:
        raise Apart(f"its name is longer than {NAME_MOST} characters")
    kind = Kind.SYSTEM if c.service else Kind.ROOM if c.room else Kind.GROUP
    key = unique_key(kind, members) if c.unique else ""
    if key in d.hub.tables.unique or key in taken:
        key = ""  # there is one for these members, which stays the one
    taken.add(key)
    number = d.hub.mint.next(d.now)
    owner = c.creator if c.creator in members and kind != Kind.SYSTEM else ""
    row = ConversationRow(
        number, int(kind), c.creator, owner, c.created_ms, c.name, said, key, c.updated_ms, changed=d.commit
    )
    d.put("conversations", row)
    d.put("heads", HeadRow(number, changed=d.commit, said_ms=min(c.said_ms, d.now)))
    d.put("aliases", AliasRow(LEANCLOUD, c.alias, number))
    for name in members:
        if name not in d.hub.tables.users:
            d.make(name)
        role = Role.OWNER if name == owner else Role.MEMBER
        quiet = name in c.quiet
        d.put("members", MemberRow(number, name, c.created_ms, int(role), changed=d.commit, quiet=quiet))


@handles(ImportMessages)
def import_messages(d: Decision, c: ImportMessages) -> Imported:
    check_size(len(c.messages))
    lane = _lane(d)
    rows: dict[str, AliasRow] = {}
    heads: dict[int, HeadRow] = {}
    wanted: list[ImportedMessage] = []
    made, known, left = 0, 0, list[Left]()
    for each in sorted(c.messages, key=lambda message: (message.conversation, message.time_ms, message.id)):
        try:
            row = rows.get(each.conversation) or _alias(d, each.conversation)
            _check(d, each)
            if (each.time_ms, each.id) <= (row.until_ms, row.until_id):
                known += 1
                continue
            _check_newer(d, row, each)
        except Apart as apart:
            left.append(Left(each.id, str(apart)))
            continue
        wanted.append(each)
        rows[each.conversation] = AliasRow(row.kind, row.text, row.target, each.time_ms, each.id, row.until_seq)
    for each, number in zip(wanted, _numbers(d, wanted, lane), strict=True):
        if not number:
            left.append(Left(each.id, f"this app has more than {WALK_MOST} messages of that moment"))
            continue
        made += 1
        d.hub.mint.pass_by(number)
        row = rows[each.conversation]
        head = heads.get(row.target) or d.head(row.target)
        heads[row.target] = _say(d, each, number, head)
        row.until_seq = head.last_seq + 1
    for head in heads.values():
        d.put("heads", head)
    for row in rows.values():
        d.put("aliases", row)
    for text in dict.fromkeys(c.finished):
        try:
            _have_read(d, rows.get(text) or _alias(d, text))
        except Apart:
            continue  # its messages have said so
    return Imported(made=made, known=known, left=left)


def _alias(d: Decision, text: str) -> AliasRow:
    row = d.hub.tables.aliases.get(d.hub.tables.forms.alias(text) or 0)
    if row is None:
        raise Apart("its conversation has not been imported")
    if row.target not in d.hub.tables.conversations:
        raise Apart("its conversation has been deleted here")
    if d.hub.tables.conversations[row.target].kind == Kind.SYSTEM:
        raise Apart("it may have been for one subscriber alone, and here it would be for all")
    return row


def _check(d: Decision, message: ImportedMessage) -> None:
    if not is_name(message.id, OLD_ID_MOST):
        raise Apart(f"its msg-id is not 1 to {OLD_ID_MOST} printable characters")
    if not is_name(message.sender, OLD_ID_MOST):
        raise Apart(f"its sender is not 1 to {OLD_ID_MOST} printable characters")
    if not EPOCH_MS <= message.time_ms <= d.now:
        raise Apart("its time is before 2015 or still to come")
    if len(message.body) > BODY_BYTES:
        raise Apart(f"it has {len(message.body)} bytes, {BODY_BYTES} are allowed")


def _check_newer(d: Decision, row: AliasRow, message: ImportedMessage) -> None:
    head = d.head(row.target)
    if head.last_seq > row.until_seq and message.time_ms < decode_message(head.last).time_ms:
        raise Apart("its conversation has newer messages here already, and it cannot be put before those")


def _lane(d: Decision) -> int:
    """The app's share of every millisecond, given to it at its first import."""
    lanes = d.hub.mint.lanes
    lane = lanes.get(d.hub.app.id)
    if lane is None:
        free = sorted(set(range(LANES)) - set(lanes.values()))
        if not free:
            detail = f"{LANES} apps of this broker have imported messages, and it has room for no more of them."
            raise Refused(Reason.FULL, f"{detail} Nothing was done; import into an app of another broker.")
        lane = free[0]
        d.put("aliases", AliasRow(LANE_KIND, LANE_KIND, lane))
    return lane


def _numbers(d: Decision, messages: list[ImportedMessage], lane: int) -> list[int]:
    """An id for each, of its own millisecond (or, if that is full, the next), growing within a conversation and free; 0
    where none was found. Need asks about all of them at once."""
    made: list[int] = []
    given: set[int] = set()
    unknown: dict[MessageKey, None] = {}
    last: dict[str, int] = {}
    ahead = max(AHEAD, 3 * len(d.found) // len(messages)) if d.found else 1
    for message in messages:
        place = zlib.crc32(f"{message.conversation} {message.id}".encode()) % (LANE // 2)
        number = first_at(message.time_ms) + IMPORTED + lane * LANE + place
        before = last.get(message.conversation)
        if before is None:
            alias = d.hub.tables.aliases[d.hub.tables.forms.alias(message.conversation) or 0]
            newest = d.head(alias.target).last
            before = decode_message(newest).id if newest else 0
        number = max(number, _behind(before, lane))
        for _ in range(WALK_MOST):
            if number not in given and not _taken(d, number, lane, unknown, ahead):
                last[message.conversation] = number
                given.add(number)
                break
            number = _behind(number, lane)
        else:
            number = 0
        made.append(number)
    if unknown:
        raise Need(*unknown)
    return made


def _behind(number: int, lane: int) -> int:
    """The next place of the lane."""
    start = first_at(time_of(number)) + IMPORTED + lane * LANE
    if number < start:
        return start
    return number + 1 if number + 1 < start + LANE else first_at(time_of(number) + 1) + IMPORTED + lane * LANE


def _taken(d: Decision, number: int, lane: int, unknown: dict[MessageKey, None], ahead: int) -> bool:
    """Whether a message has this id; where that is not known yet it is noted down, with the places behind it."""
    if d.hub.tables.tail.message(number) is not None:
        return True
    found = d.found.get(MessageKey(number))
    if found is None and MessageKey(number) not in unknown:
        for _ in range(ahead):
            unknown[MessageKey(number)] = None
            number = _behind(number, lane)
    return bool(found)


def _say(d: Decision, c: ImportedMessage, number: int, head: HeadRow) -> HeadRow:
    status = Status.RECALLED if c.recalled else Status.NORMAL
    body = b"{}" if c.recalled else c.body
    message = Message(
        number,
        head.conversation,
        head.last_seq + 1,
        c.sender,
        c.type,
        body,
        int(status),
        edited_ms=c.edited_ms,
        mention_all=c.mention_all,
        mentions=c.mentions,
        # An id that would be read as one of ours is of no use: the message then has ours alone.
        old_id=c.id if d.hub.tables.forms.parse(c.id) is None else "",
    )
    d.put("messages", message)
    return msgspec.structs.replace(head, last_seq=message.seq, changed=d.commit, last=encode_message(message))


def _have_read(d: Decision, row: AliasRow) -> None:
    if d.conversation(row.target).kind == Kind.ROOM:
        return
    seq = row.until_seq
    for user in d.hub.tables.members.get(row.target, {}):
        here = d.position(row.target, user)
        if here.read_seq < seq:
            own = tuple(each for each in here.own if each > seq)
            reached = PositionRow(row.target, user, seq, max(here.delivered_seq, seq), own, here.receipt_seq, d.commit)
            d.put("positions", reached)
