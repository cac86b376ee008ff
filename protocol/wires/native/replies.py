"""What a native client is answered: reply -> the `data` of its success envelope (SOCKET.md "Requests", success data).

The law: every reply a socket command can get has a function here, and ids leave as this app's 32 hex digits. The
counterpart that reads the requests is `requests`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from protocol import commands as c
from protocol.errors import Reason
from protocol.records import ConversationState, PatchRecord, Role, Status
from protocol.richtext import words_of
from protocol.wires.native.codes import code_of
from protocol.wires.native.ids import AppIds
from protocol.wires.native.shapes import (
    Row,
    conversation_entry,
    extension,
    json_text,
    message_entry,
    page,
    user_entry,
)


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What the wire must remember of a request until its reply comes: the `request` of a Submit."""

    type: str
    id: int | str | None = None
    page: int = 0
    size: int = 0
    """Of conv.list, whose page object repeats them."""


Render = Callable[[Any, Asked, AppIds], Row]

ROLES = {Role.MEMBER: "member", Role.MANAGER: "manager", Role.OWNER: "owner"}
PATCHES = {Status.NORMAL: "edited", Status.RECALLED: "recalled", Status.DELETED: "deleted"}


def _done(reply: c.Done, asked: Asked, ids: AppIds) -> Row:
    return {} if asked.type == "msg.ack" else {"time": reply.time_ms}


def _logged_in(reply: c.LoggedIn, asked: Asked, ids: AppIds) -> Row:
    return {
        "time": reply.time_ms,
        "session_token": reply.session_token,
        "client_id": reply.user,
        "device_id": reply.device,
    }


def _sent(reply: c.Sent, asked: Asked, ids: AppIds) -> Row:
    row: Row = {
        "msg_id": ids.text(reply.message),
        "conv_id": ids.text(reply.conversation),
        "seq": reply.seq,
        "time": reply.time_ms,
    }
    if reply.memory:
        row["durability"] = "memory"
    return row


def _history(reply: c.HistoryPage, asked: Asked, ids: AppIds) -> Row:
    return {
        "conv_id": ids.text(reply.conversation),
        "messages": [message_entry(message, ids) for message in reply.messages],
        "more": reply.more,
    }


def _read(reply: c.ReadMark, asked: Asked, ids: AppIds) -> Row:
    return {"unread": reply.unread}


def _readers(reply: c.ReadersList, asked: Asked, ids: AppIds) -> Row:
    return {"read": reply.read, "unread": reply.unread}


def _patched(reply: c.Patched, asked: Asked, ids: AppIds) -> Row:
    return {"time": reply.time_ms}


def _sync(reply: c.SyncState, asked: Asked, ids: AppIds) -> Row:
    return {
        "conversations": [_state(state, ids) for state in reply.conversations],
        "left": [ids.text(number) for number in reply.left],
        "patches": [_patch(patch, ids) for patch in reply.patches],
        "cursor": reply.cursor,
        "more": reply.more,
        "reset": reply.reset,
    }


def _state(state: ConversationState, ids: AppIds) -> Row:
    last = state.last_message
    return {
        "conv_id": ids.text(state.id),
        "conv_type": int(state.kind),
        "name": state.name,
        "first_seq": state.first_seq,
        "last_seq": state.last_seq,
        "read_seq": state.read_seq,
        "unread": state.unread,
        "mentioned": state.mentioned,
        "last_message": None if last is None else message_entry(last, ids),
    }


def _patch(patch: PatchRecord, ids: AppIds) -> Row:
    row: Row = {
        "conv_id": ids.text(patch.conversation),
        "msg_id": ids.text(patch.message),
        "seq": patch.seq,
        "kind": PATCHES[Status(patch.status)],
        "by": patch.by,
        "time": patch.time_ms,
    }
    if patch.status == Status.NORMAL:
        row |= {"type": patch.type} | content(patch.body)
    return row


def content(body: bytes) -> Row:
    """What an edit says now: `text`, and `attr` and `url` as JSON text, as in msg.new (ZD-10)."""
    said = words_of(body)
    return {"text": said.get("text"), "attr": json_text(said.get("attr")), "url": json_text(said.get("url"))}


def _created(reply: c.Created, asked: Asked, ids: AppIds) -> Row:
    info = reply.conversation
    return {
        "conv_id": ids.text(info.id),
        "conv_extend": extension(info.attributes, info.name),
        "created": reply.created,
    }


def _found(reply: c.ConversationFound, asked: Asked, ids: AppIds) -> Row:
    return conversation_entry(reply.conversation, ids)


def _page(reply: c.ConversationPage, asked: Asked, ids: AppIds) -> Row:
    rows = [conversation_entry(info, ids) for info in reply.conversations]
    return page(rows, asked.page, asked.size, reply.total)


def _members(reply: c.MemberList, asked: Asked, ids: AppIds) -> Row:
    return {
        "client_ids": [
            {
                "client_id": member.user,
                "role": ROLES[Role(member.role)],
                "online": member.online,
                "muted_until": member.muted_until_ms or None,
            }
            for member in reply.members
        ],
        "total": reply.total,
    }


def _changed(reply: c.MembersChanged, asked: Asked, ids: AppIds) -> Row:
    failed = [{"client_id": failure.user, "code": code_of(Reason(failure.reason))} for failure in reply.failed]
    return {"allowed": reply.allowed, "failed": failed}


def _online(reply: c.OnlineUsers, asked: Asked, ids: AppIds) -> Row:
    return {"online": reply.online}


def _user(reply: c.UserFound, asked: Asked, ids: AppIds) -> Row:
    return user_entry(reply.user)


def _friends(reply: c.FriendList, asked: Asked, ids: AppIds) -> Row:
    return {
        "friends": [{"client_id": friend.user, "online": friend.online, "time": friend.since_ms} for friend in reply.friends]
    }


REPLIES: dict[type[c.Reply], Render] = {
    c.Done: _done,
    c.Updated: _done,
    c.LoggedIn: _logged_in,
    c.Sent: _sent,
    c.HistoryPage: _history,
    c.ReadMark: _read,
    c.ReadersList: _readers,
    c.Patched: _patched,
    c.SyncState: _sync,
    c.Created: _created,
    c.ConversationFound: _found,
    c.ConversationPage: _page,
    c.MemberList: _members,
    c.MembersChanged: _changed,
    c.OnlineUsers: _online,
    c.UserFound: _user,
    c.FriendList: _friends,
}
"""Replies to management commands (SessionList, UserList, MessagePage, JoinRequestList, Marked, AppTable, StatsReport) never
reach this wire."""
