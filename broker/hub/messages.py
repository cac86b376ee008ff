"""Sending, and reading what was sent.

A send gives its message the next `seq` of the conversation, so seqs have no gaps; the head, the message and the
remembered send are images of one commit, so a crash keeps all three or none.
"""

from __future__ import annotations

import msgspec
import orjson

from broker.hub.conversations import OPEN, direct_between, readable_from
from broker.hub.decision import Decision
from broker.hub.hub import Hub, handles
from broker.hub.rows import ConversationRow, HeadRow, Image, MemberRow, MentionRow, PositionRow, SendRow, encode_message
from broker.hub.session import LEANCLOUD
from broker.hub.tables import REMEMBERED_SENDS, Sends
from protocol.commands import (
    Done,
    ListMessages,
    MessagePage,
    Readers,
    ReadersList,
    Refuse,
    SendMessage,
    SendSystem,
    Sent,
)
from protocol.errors import Reason, Refused
from protocol.ids import time_of
from protocol.pushes import MessageNew, SystemNew
from protocol.records import ROOM, SYSTEM, Message

BODY_BYTES = 65_536
"""Largest body with its attributes; the text in it has the app's own, smaller limit."""
MOST_OWN = 64
"""Own messages a position remembers one by one."""
MOST_MENTIONS = 20
MOST_ONLY = 20
"""Users a message in a system conversation is for alone."""
MOST_TOLD = 1_000
"""Users one system message names."""
REMEMBER_MS = 86_400_000
BACK_OFFICE = "\x01"
"""In place of a device for sends over REST; no device is called so, for names have no control characters."""
OFFICE_SENDERS = 256
"""Of an app, whose sends over REST are remembered in memory; many more than it may have calls in flight. They must be: of
two that fetched what is stored at the same time, the later would not know of the earlier one, and take its place."""
PAGE_MOST = 100
ANSWER_BYTES = 262_144
"""Of bodies in one answer to a socket: a quarter of an outbox."""
MESSAGE_BYTES = 400
"""Of a message in an answer besides its body."""


@handles(SendMessage)
def send(d: Decision, c: SendMessage) -> Sent:
    tables = d.hub.tables
    user = d.actor()
    session = d.caller.session
    fresh: Sends | None = None
    sends: Sends | None = None
    device = session.device if session is not None else BACK_OFFICE
    if c.client_msg_id and not c.transient:
        sends = tables.sends.get((user.id, device))
        if sends is None:
            sends = fresh = Sends()
            for known in sorted(d.sends(user.id, device), key=lambda known: known.n):
                fresh.add(known)
            d.then(_remember, d.hub, user.id, device, fresh)
        earlier = sends.by_id.get(c.client_msg_id)
        # Whatever has happened since: what was sent was sent, and a retry is told so.
        if earlier is not None and d.now - time_of(earlier.message) < REMEMBER_MS:
            return Sent(
                message=earlier.message,
                conversation=earlier.conversation,
                seq=earlier.seq,
                time_ms=time_of(earlier.message),
                memory=c.memory,
            )
    if c.to:
        row, new = direct_between(d, user.id, c.to)
        member = None if new else d.own_member(row.id)
    else:
        row, new = d.conversation(c.conversation), False
        member = d.own_member(row.id)
    if new and not d.when.storage:
        raise Refused(Reason.STORAGE_UNAVAILABLE, "no disk space for a new conversation; nothing was done")
    if member is not None and not d.caller.privileged:
        check_mute(member, d.now)
    if row.kind == SYSTEM or c.everyone or c.only:
        _check_system(d, row, c)
    check_size(d, c.body)
    if len(c.mentions) > MOST_MENTIONS:
        raise Refused(Reason.TOO_LARGE, f"a message may mention {MOST_MENTIONS} users, not {len(c.mentions)}")

    if c.will:
        return _leave_will(d, c, row.id)
    head = d.head(row.id)
    number = d.hub.mint.next(d.now)
    seq = 0 if c.transient else head.last_seq + 1
    message = Message(
        number,
        row.id,
        seq,
        user.id,
        c.type,
        c.body,
        mention_all=c.mention_all,
        mentions=c.mentions,
        receipt=c.receipt,
        no_sync=c.no_sync,
        priority=c.priority,
        push_data=c.push_data,
        client_msg_id=c.client_msg_id,
        numeric_sender=d.caller.numeric,
        everyone=c.everyone,
    )
    if not c.transient:
        mention_all_seq = seq if c.mention_all else head.mention_all_seq
        last = encode_message(message)
        head = HeadRow(row.id, seq, head.floor, head.patch, mention_all_seq, d.commit, head.patched, last, head.patched_ms)
        # As `put` would, which works a key out of its row.
        d.images += (Image(d.app, "messages", (number,), message), Image(d.app, "heads", (row.id,), head))
        if sends is not None:
            n = sends.n + 1
            kept = SendRow(user.id, device, n % REMEMBERED_SENDS, n, c.client_msg_id, number, row.id, seq)
            d.images.append(Image(d.app, "sends", (kept.user, kept.device, kept.slot), kept))
            if fresh is not None:
                d.then(fresh.add, kept)
        if row.kind != ROOM:
            if c.mentions:
                members = tables.members.get(row.id, {})
                for mentioned in dict.fromkeys(message.mentions):
                    if mentioned in members and mentioned != user.id:
                        d.put("mentions", MentionRow(mentioned, row.id, seq))
            if member is not None or new:
                d.mark(own_sent(d.position(row.id, user.id), seq, c.receipt))
                if c.receipt and session is not None and session.wire == LEANCLOUD:
                    d.then(d.hub.receipts.asked, row.id, seq, number, user.id)
    push = MessageNew(app=d.hub.app.id, message=message, kind=row.kind)
    if new or c.only:
        named = dict.fromkeys((user.id, *c.only, *([c.to] if c.to else [])))
        receivers = tuple(session for name in named for session in d.hub.sessions_of(name))
    else:
        receivers = heard_by(d, message)
    if c.no_sync:
        own = set(d.hub.sessions_of(user.id))
        receivers = tuple(number for number in receivers if number not in own)
    d.post(receivers, push)
    return Sent(message=number, conversation=row.id, seq=seq, time_ms=time_of(number), memory=c.memory)


def _leave_will(d: Decision, c: SendMessage, conversation: int) -> Sent:
    """It could be said now; whether it still can be is found out when it has to be."""
    if d.caller.session is None:
        raise Refused(Reason.NOT_ALLOWED, "only a session can leave a message for the time it is lost")
    d.then(setattr, d.caller.session, "will", msgspec.structs.replace(c, will=False, transient=True, client_msg_id=""))
    number = d.hub.mint.next(d.now)
    return Sent(message=number, conversation=conversation, seq=0, time_ms=time_of(number))


def _check_system(d: Decision, row: ConversationRow, c: SendMessage) -> None:
    if not d.caller.privileged:
        raise Refused(Reason.NOT_ALLOWED, "nobody but the app's back office speaks in a system conversation")
    if row.kind != SYSTEM:
        raise Refused(Reason.BAD_KIND, "only in a system conversation is something said to everyone or to some alone")
    if len(c.only) > MOST_ONLY:
        raise Refused(Reason.TOO_LARGE, f"a message is for {MOST_ONLY} users alone at most, not {len(c.only)}")
    if c.only and not c.transient:
        raise Refused(Reason.BAD_FORMAT, "what is for some users alone is not kept; it must be transient")
    d.users(c.only)


def heard_by(d: Decision, message: Message) -> tuple[int, ...]:
    """The sessions a message, or a change of it, is for."""
    return tuple(d.hub.sessions) if message.everyone else d.hub.audience(message.conversation)


def _remember(hub: Hub, user: str, device: str, sends: Sends) -> None:
    """Keep what was fetched, unless another session of the same device came first; rows decided since are added. The back
    office has no session with whose end they could be forgotten: the oldest are, beyond OFFICE_SENDERS."""
    known = hub.tables.sends.setdefault((user, device), sends)
    if known is not sends:
        for row in sends.by_id.values():
            if row.n > known.n:
                known.add(row)
    elif device == BACK_OFFICE:
        senders = hub.tables.office_senders
        senders.append(user)
        if len(senders) > OFFICE_SENDERS:
            del hub.tables.sends[senders.popleft(), BACK_OFFICE]


def own_sent(position: PositionRow, seq: int, receipt: bool) -> PositionRow:
    """The sender's position after his own message: read as far as before, one own message more."""
    read, own = position.read_seq, position.own
    if not own and read == seq - 1:
        read = seq
    else:
        own = (*own, seq)
        if len(own) > MOST_OWN:
            read, own = max(read, own[0]), own[1:]
    return PositionRow(
        position.conversation,
        position.user,
        read,
        position.delivered_seq,
        own,
        seq if receipt else position.receipt_seq,
        position.changed,
    )


def check_mute(member: MemberRow, now_ms: int) -> None:
    until = member.muted_until_ms
    if not until:
        return
    if until < 0:
        raise Refused(Reason.MUTED, "you are muted in this conversation")
    if until > now_ms:
        raise Refused(
            Reason.MUTED,
            f"you are muted in this conversation for another {(until - now_ms + 999) // 1000} s",
            retry_after_ms=until - now_ms,
        )


def check_size(d: Decision, body: bytes) -> None:
    """TOO_LARGE over the app's text limit or over the limit of a body."""
    most = d.hub.app.settings.text_bytes
    if len(body) > BODY_BYTES:
        raise Refused(Reason.TOO_LARGE, f"the message has {len(body)} bytes, {BODY_BYTES} are allowed")
    if most and len(body) > most:
        text = orjson.loads(body).get("text")
        size = len(text.encode()) if isinstance(text, str) else 0
        if size > most:
            raise Refused(Reason.TOO_LARGE, f"the text has {size} bytes, {most} are allowed")


def within_bytes(messages: list[Message]) -> list[Message]:
    """As many of the first as fit into one answer, at least one: it has to fit into an outbox, with room to spare."""
    size = 0
    for count, message in enumerate(messages):
        size += MESSAGE_BYTES + len(message.body)
        if size > ANSWER_BYTES and count:
            return messages[:count]
    return messages


@handles(ListMessages)
def list_messages(d: Decision, c: ListMessages) -> MessagePage:
    row = d.conversation(c.conversation)
    first = readable_from(d, row, d.own_member(row.id))
    last = d.head(row.id).last_seq
    size = min(max(c.size, 1), 1000)
    hi = last - (c.page - 1) * size
    lo = max(first, hi - size + 1)
    return MessagePage(messages=d.messages(row.id, lo, hi)[::-1], total=max(last - first + 1, 0))


@handles(Readers)
def readers(d: Decision, c: Readers) -> ReadersList:
    row = d.conversation(c.conversation)
    member = d.own_member(row.id)
    if row.kind in OPEN:
        raise Refused(Reason.BAD_KIND, "rooms and system conversations tell nobody who has read")
    message = d.message(row.id, c.message)
    if message.seq < readable_from(d, row, member):
        raise Refused(Reason.UNKNOWN_MESSAGE, "there is no such message in this conversation")
    read: list[str] = []
    unread: list[str] = []
    for user, each in d.hub.tables.members.get(row.id, {}).items():
        if user != message.sender and each.joined_seq < message.seq:
            (read if d.position(row.id, user).read_seq >= message.seq else unread).append(user)
    return ReadersList(read=read, unread=unread)


@handles(Refuse)
def refuse(d: Decision, c: Refuse) -> Done:
    raise Refused(c.reason, c.detail)


@handles(SendSystem)
def send_system(d: Decision, c: SendSystem) -> Done:
    if c.users:
        if len(c.users) > MOST_TOLD:
            raise Refused(Reason.TOO_LARGE, f"a system message goes to {MOST_TOLD} users at once, not {len(c.users)}")
        sessions = [session for user in d.users(c.users) for session in d.hub.sessions_of(user)]
    elif c.conversation:
        sessions = list(d.hub.audience(d.conversation(c.conversation).id))
    else:
        sessions = list(d.hub.sessions)
    d.post(sessions, SystemNew(app=d.hub.app.id, content=c.content, sender=d.caller.user, time_ms=d.now), skip=0)
    return Done(time_ms=d.now)
