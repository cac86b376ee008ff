"""What a native client may ask: request type -> the function that makes a command of its `data` (SOCKET.md "Requests").

The law: every type of the table in SOCKET.md but `ping` is here and nothing else is; a parser checks form only, whether
a thing exists or is allowed is the hub's to say. The counterpart that writes the answers is `replies`.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol import commands as c
from protocol.codec import write_json
from protocol.commands import Command
from protocol.errors import Reason, Refused
from protocol.records import Kind
from protocol.wires.native.fields import (
    CLIENT_MSG_ID_MOST,
    DEVICE_MOST,
    TYPE_LEAST,
    TYPE_MOST,
    USER_ID_MOST,
    Data,
    bad,
    extension_or,
    flag,
    missing,
    name,
    name_or,
    object_or,
    only_memory,
    text_or,
    users,
    users_or_text,
    whole,
)
from protocol.wires.native.ids import AppIds
from protocol.wires.native.where import conditions

Parser = Callable[[Data, AppIds], Command]

SEQ_MOST = (1 << 53) - 1
HISTORY_MOST = 100
PAGE_MOST = 100_000
MUTE_SECONDS_MOST = 86_400
"""LC-07."""
PRESENCE_MOST = 200
CURSOR_MOST = 256


def login(data: Data, upgrade_token: str) -> c.Login:
    """ZD-03. A token of the upgrade request counts where the frame brings neither token nor password."""
    app, user = name(data, "app_id"), name(data, "client_id", USER_ID_MOST)
    token, password = text_or(data, "token"), text_or(data, "password")
    return c.Login(
        app=app,
        user=user,
        device=name_or(data, "device_id", DEVICE_MOST),
        platform=name_or(data, "platform", DEVICE_MOST),
        tag=name_or(data, "tag", DEVICE_MOST),
        install=name_or(data, "install_id"),
        attributes=object_or(data, "ext") or b"{}",
        token=token or ("" if password else upgrade_token),
        password=password,
        session_token=text_or(data, "session_token"),
    )


def _logout(data: Data, ids: AppIds) -> Command:
    return c.Logout()


def _send(data: Data, ids: AppIds) -> Command:
    """ZD-09 as a socket request. Most are read by `plain` already."""
    get = data.get
    to = name_or(data, "to", USER_ID_MOST)
    if get("conv_id") is not None:
        if to:
            raise Refused(Reason.BAD_FORMAT, "Give conv_id or to, not both.")
        conversation = ids.conversation(data)
    else:
        conversation = 0
        if not to:
            missing("conv_id (or to)")
    kind = get("type")
    if kind is None:
        missing("type")
    if type(kind) is not int or kind == 0 or not TYPE_LEAST <= kind <= TYPE_MOST:
        bad("type", f"-1 to -6, or 1 to {TYPE_MOST}")
    body: Data = {}
    text = get("text")
    if text is not None:
        if type(text) is not str:
            bad("text", "text")
        body["text"] = text
    if kind == -1 and not text:
        missing("text")
    _attachments(data, body)
    push_data = get("push_data")
    return c.SendMessage(
        type=kind,
        body=write_json(body),
        conversation=conversation,
        to=to,
        transient=flag(data, "transient"),
        no_sync=_keep_from_own(data),
        mention_all=flag(data, "mention_all"),
        mentions=users_or_text(data, "mention_client_ids"),
        client_msg_id=name_or(data, "client_msg_id", CLIENT_MSG_ID_MOST),
        receipt=flag(data, "receipt"),
        priority=whole(data, "priority", 1, 3, 1),
        push_data=b"" if push_data is None else write_json(push_data),
        memory=only_memory(data),
    )


def _attachments(data: Data, body: Data) -> None:
    attr = data.get("attr")
    if attr is not None:
        body["attr"] = attr
    url = data.get("url")
    if url is not None:
        if type(url) is not str:
            bad("url", "text")
        body["url"] = url


def _keep_from_own(data: Data) -> bool:
    """`no_sync` in this dialect: "0 do not sync, 1 sync" (ZD-09), absent is sync. true and false are refused: they
    would read as the opposite of what the numbers say."""
    value = data.get("no_sync")
    if value is None or value == "1" or (type(value) is int and value == 1):
        return False
    if value == "0" or (type(value) is int and value == 0):
        return True
    bad("no_sync", "0 (do not sync to the sender's other sessions) or 1 (sync)")


def _history(data: Data, ids: AppIds) -> Command:
    before = None if data.get("before") is None else whole(data, "before", 0, SEQ_MOST)
    after = None if data.get("after") is None else whole(data, "after", 0, SEQ_MOST)
    if before is not None and after is not None:
        raise Refused(Reason.BAD_FORMAT, "Give before or after, not both.")
    limit = whole(data, "limit", 1, HISTORY_MOST, 20)
    return c.History(conversation=ids.conversation(data), before=before, after=after, limit=limit)


def _ack(data: Data, ids: AppIds) -> Command:
    return c.Acknowledge(conversation=ids.conversation(data), seq=whole(data, "seq", 0, SEQ_MOST))


def _read(data: Data, ids: AppIds) -> Command:
    return c.Read(conversation=ids.conversation(data), seq=whole(data, "seq", 0, SEQ_MOST))


def _readers(data: Data, ids: AppIds) -> Command:
    return c.Readers(conversation=ids.conversation(data), message=ids.message(data))


def _edit(data: Data, ids: AppIds) -> Command:
    body: Data = {}
    text = data.get("text")
    if text is not None:
        if type(text) is not str:
            bad("text", "text")
        body["text"] = text
    _attachments(data, body)
    conversation, message = ids.conversation(data), ids.message(data)
    if not body:
        missing("text (or attr, or url)")
    return c.EditMessage(conversation=conversation, message=message, body=write_json(body))


def _recall(data: Data, ids: AppIds) -> Command:
    return c.RecallMessage(conversation=ids.conversation(data), message=ids.message(data))


def _sync(data: Data, ids: AppIds) -> Command:
    return c.Sync(cursor=text_or(data, "cursor", CURSOR_MOST))


def _create(data: Data, ids: AppIds) -> Command:
    kind = data.get("conv_type")
    if kind is None:
        missing("conv_type")
    if type(kind) is not int:
        bad("conv_type", "1 direct, 2 temporary, 3 group or 4 room")
    if not Kind.DIRECT <= kind <= Kind.ROOM:
        raise Refused(Reason.BAD_KIND, "conv_type must be 1 direct, 2 temporary, 3 group or 4 room.")
    title, attributes = extension_or(data, "conv_extend")
    return c.CreateConversation(
        kind=kind,
        members=users(data, "to_client_ids"),
        name=name_or(data, "name") or title or "",
        attributes=attributes or b"{}",
        unique=flag(data, "unique"),
    )


def _get(data: Data, ids: AppIds) -> Command:
    return c.GetConversation(conversation=ids.conversation(data))


def _list(data: Data, ids: AppIds) -> Command:
    return c.ListConversations(
        where=conditions(data.get("where"), ids),
        page=whole(data, "page", 1, PAGE_MOST, 1),
        size=whole(data, "size", 1, 100, 20),
    )


def _update(data: Data, ids: AppIds) -> Command:
    conversation = ids.conversation(data)
    title, attributes = extension_or(data, "conv_extend")
    if data.get("name") is not None:
        title = name_or(data, "name")
    elif attributes is None:
        missing("conv_extend (or name)")
    return c.UpdateConversation(conversation=conversation, name=title, attributes=attributes)


def _delete(data: Data, ids: AppIds) -> Command:
    return c.DeleteConversation(conversation=ids.conversation(data))


def _join(data: Data, ids: AppIds) -> Command:
    return c.Join(conversation=ids.conversation(data))


def _leave(data: Data, ids: AppIds) -> Command:
    return c.Leave(conversation=ids.conversation(data))


MEMBERS_MOST = 1_000
"""Members in one page of conv.members."""


def _members(data: Data, ids: AppIds) -> Command:
    return c.ListMembers(
        conversation=ids.conversation(data),
        page=whole(data, "page", 1, PAGE_MOST, 1),
        size=whole(data, "size", 1, MEMBERS_MOST, MEMBERS_MOST),
    )


def _add(data: Data, ids: AppIds) -> Command:
    return c.AddMembers(conversation=ids.conversation(data), users=users(data, "client_ids"))


def _remove(data: Data, ids: AppIds) -> Command:
    return c.RemoveMembers(conversation=ids.conversation(data), users=users(data, "client_ids"))


def _mute(data: Data, ids: AppIds) -> Command:
    seconds = whole(data, "ttl", 0, MUTE_SECONDS_MOST, 0)
    return c.Mute(conversation=ids.conversation(data), user=name(data, "client_id", USER_ID_MOST), seconds=seconds)


def _unmute(data: Data, ids: AppIds) -> Command:
    return c.Unmute(conversation=ids.conversation(data), user=name(data, "client_id", USER_ID_MOST))


def _query_presence(data: Data, ids: AppIds) -> Command:
    return c.QueryPresence(users=users(data, "client_ids", PRESENCE_MOST))


def _subscribe(data: Data, ids: AppIds) -> Command:
    return c.Subscribe(users=users(data, "client_ids", PRESENCE_MOST))


def _unsubscribe(data: Data, ids: AppIds) -> Command:
    return c.Unsubscribe(users=users(data, "client_ids", PRESENCE_MOST))


def _get_user(data: Data, ids: AppIds) -> Command:
    return c.GetUser(user=name_or(data, "client_id", USER_ID_MOST))


def _update_user(data: Data, ids: AppIds) -> Command:
    attributes = object_or(data, "attributes")
    if attributes is None:
        missing("attributes")
    return c.UpdateUser(attributes=attributes)


def _add_friend(data: Data, ids: AppIds) -> Command:
    return c.AddFriend(user=name(data, "client_id", USER_ID_MOST))


def _remove_friend(data: Data, ids: AppIds) -> Command:
    return c.RemoveFriend(user=name(data, "client_id", USER_ID_MOST))


def _list_friends(data: Data, ids: AppIds) -> Command:
    return c.ListFriends()


REQUESTS: dict[str, Parser] = {
    "logout": _logout,
    "msg.send": _send,
    "msg.history": _history,
    "msg.ack": _ack,
    "msg.read": _read,
    "msg.readers": _readers,
    "msg.edit": _edit,
    "msg.recall": _recall,
    "sync": _sync,
    "conv.create": _create,
    "conv.get": _get,
    "conv.list": _list,
    "conv.update": _update,
    "conv.delete": _delete,
    "conv.join": _join,
    "conv.leave": _leave,
    "conv.members": _members,
    "conv.members.add": _add,
    "conv.members.remove": _remove,
    "conv.mute": _mute,
    "conv.unmute": _unmute,
    "presence.query": _query_presence,
    "presence.subscribe": _subscribe,
    "presence.unsubscribe": _unsubscribe,
    "user.get": _get_user,
    "user.update": _update_user,
    "friend.add": _add_friend,
    "friend.remove": _remove_friend,
    "friend.list": _list_friends,
}
"""Every request of a logged-in session but `ping`, which the wire answers itself; `login` is above."""
