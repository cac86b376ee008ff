"""What a native client is told unasked: push -> its `type` and `data` (SOCKET.md "Pushes", ZD-10).

The law: a push says nothing about its receiver, so its bytes are made once for all of them. Farewells are the wire's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from protocol import pushes as p
from protocol.records import Status
from protocol.wires.native.ids import AppIds
from protocol.wires.native.replies import content
from protocol.wires.native.shapes import Row, extension, message_push, sender_of

Render = Callable[[Any, AppIds], tuple[str, Row]]

_PATCHED = {Status.NORMAL: "msg.edited", Status.RECALLED: "msg.recalled", Status.DELETED: "msg.deleted"}


def _message(push: p.MessageNew, ids: AppIds) -> tuple[str, Row]:
    return "msg.new", message_push(push.message, ids)


def _patched(push: p.MessagePatched, ids: AppIds) -> tuple[str, Row]:
    message = push.message
    row: Row = {
        "conv_id": ids.text(message.conversation),
        "msg_id": ids.text(message.id),
        "seq": message.seq,
        "time": push.time_ms,
        "from_client": sender_of(message),
        "by": push.by,
    }
    if message.status == Status.NORMAL:
        row |= {"type": message.type} | content(message.body)
    return _PATCHED[Status(message.status)], row


def _receipt(push: p.Receipt, ids: AppIds) -> tuple[str, Row]:
    return "msg.receipt", {
        "conv_id": ids.text(push.conversation),
        "client_id": push.user,
        "delivered_seq": push.delivered_seq,
        "read_seq": push.read_seq,
    }


def _joined(push: p.ConversationJoined, ids: AppIds) -> tuple[str, Row]:
    return "conv.joined", {"conv_id": ids.text(push.conversation), "by": push.by}


def _left(push: p.ConversationLeft, ids: AppIds) -> tuple[str, Row]:
    return "conv.left", {"conv_id": ids.text(push.conversation), "by": push.by}


def _members_joined(push: p.MembersJoined, ids: AppIds) -> tuple[str, Row]:
    return "conv.members_joined", _members(push.conversation, push.users, push.by, ids)


def _members_left(push: p.MembersLeft, ids: AppIds) -> tuple[str, Row]:
    return "conv.members_left", _members(push.conversation, push.users, push.by, ids)


def _members(conversation: int, users: tuple[str, ...], by: str, ids: AppIds) -> Row:
    return {"conv_id": ids.text(conversation), "client_ids": users, "by": by}


def _updated(push: p.ConversationUpdated, ids: AppIds) -> tuple[str, Row]:
    row: Row = {"conv_id": ids.text(push.conversation), "by": push.by}
    if push.name is not None:
        row["name"] = push.name
    if push.attributes is not None:
        row["conv_extend"] = extension(push.attributes, push.called)
    return "conv.updated", row


def _deleted(push: p.ConversationDeleted, ids: AppIds) -> tuple[str, Row]:
    return "conv.deleted", {"conv_id": ids.text(push.conversation), "by": push.by}


def _muted(push: p.MemberMuted, ids: AppIds) -> tuple[str, Row]:
    return "conv.muted", {
        "conv_id": ids.text(push.conversation),
        "client_id": push.user,
        "until": push.until_ms or None,
        "by": push.by,
    }


def _unmuted(push: p.MemberUnmuted, ids: AppIds) -> tuple[str, Row]:
    return "conv.unmuted", {"conv_id": ids.text(push.conversation), "client_id": push.user, "by": push.by}


def _read(push: p.ConversationRead, ids: AppIds) -> tuple[str, Row]:
    data: Row = {"conv_id": ids.text(push.conversation), "by": push.by, "seq": push.seq, "unread": push.unread}
    return "conv.read", data


def _presence(push: p.PresenceChanged, ids: AppIds) -> tuple[str, Row]:
    return "presence.changed", {
        "changes": [{"client_id": change.user, "online": change.online, "time": change.time_ms} for change in push.changes]
    }


def _system(push: p.SystemNew, ids: AppIds) -> tuple[str, Row]:
    return "system.new", {"content": orjson.loads(push.content), "from": push.sender, "time": push.time_ms}


PUSHES: dict[type[p.Push], Render] = {
    p.MessageNew: _message,
    p.MessagePatched: _patched,
    p.Receipt: _receipt,
    p.ConversationJoined: _joined,
    p.ConversationLeft: _left,
    p.MembersJoined: _members_joined,
    p.MembersLeft: _members_left,
    p.ConversationUpdated: _updated,
    p.ConversationDeleted: _deleted,
    p.MemberMuted: _muted,
    p.MemberUnmuted: _unmuted,
    p.ConversationRead: _read,
    p.PresenceChanged: _presence,
    p.SystemNew: _system,
}
"""AppsChanged is the control wire's; every other Push has its words here."""
