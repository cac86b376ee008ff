"""Changing what was said: edit, recall, delete. Each is a patch with its own number in the conversation, so that whoever
was away learns of it by `sync`, and a history read that raced it can tell (DESIGN 2.2)."""

from __future__ import annotations

import msgspec

from broker.hub.attributes import merged
from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.messages import check_mute, check_size
from broker.hub.rows import encode_message
from protocol.commands import DeleteMessage, EditMessage, Patched, RecallMessage
from protocol.errors import Reason, Refused
from protocol.pushes import MessagePatched
from protocol.records import Message, PatchRecord, Role, Status


@handles(EditMessage)
def edit(d: Decision, c: EditMessage) -> Patched:
    message = _changeable(d, c, author_may=True)
    member = d.member(c.conversation, d.caller.user)
    if member is not None and not d.caller.privileged:
        check_mute(member, d.now)
    body = merged(message.body, c.body)
    check_size(d, body)
    return _patch(d, message, Status.NORMAL, body, c.type)


@handles(RecallMessage)
def recall(d: Decision, c: RecallMessage) -> Patched:
    return _patch(d, _changeable(d, c, author_may=True), Status.RECALLED)


@handles(DeleteMessage)
def delete(d: Decision, c: DeleteMessage) -> Patched:
    return _patch(d, _changeable(d, c, author_may=False), Status.DELETED)


def _changeable(d: Decision, c: EditMessage | RecallMessage | DeleteMessage, *, author_may: bool) -> Message:
    row = d.conversation(c.conversation)
    member = d.own_member(row.id)
    message = d.message(row.id, c.message)
    if c.author and c.author != message.sender:
        raise Refused(Reason.NOT_ALLOWED, f"this message was not sent by {c.author}")
    if message.status != Status.NORMAL:
        raise Refused(Reason.UNKNOWN_MESSAGE, "this message has been recalled or deleted")
    author = author_may and message.sender == d.caller.user
    if not (d.caller.privileged or author or (member is not None and member.role >= Role.MANAGER)):
        who = "the author or a manager" if author_may else "a manager"
        raise Refused(Reason.NOT_ALLOWED, f"only {who} may change this message")
    return message


def _patch(d: Decision, message: Message, status: Status, body: bytes = b"{}", type: int | None = None) -> Patched:
    head = d.head(message.conversation)
    number = head.patch + 1
    changed = msgspec.structs.replace(
        message,
        type=message.type if type is None else type,
        body=body,
        status=int(status),
        rev=message.rev + 1,
        patch=number,
        edited_ms=d.now,
    )
    d.put("messages", changed)
    d.put(
        "patches",
        PatchRecord(
            message.conversation,
            number,
            message.id,
            message.seq,
            int(status),
            body,
            d.caller.user,
            d.now,
            d.commit,
            changed.type,
        ),
    )
    last = encode_message(changed) if message.seq == head.last_seq else head.last
    d.put("heads", msgspec.structs.replace(head, patch=number, patched=d.commit, last=last, patched_ms=d.now))
    push = MessagePatched(
        app=d.hub.app.id,
        message=changed,
        by=d.caller.user or message.sender,
        time_ms=d.now,
        kind=d.conversation(message.conversation).kind,
    )
    d.post(d.hub.audience(message.conversation), push)
    return Patched(time_ms=d.now)
