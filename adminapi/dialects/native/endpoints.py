"""The endpoints of the native API, in the order of `seeds/native.md` (rows ZD-01 to ZD-11, ZD-45).

Each reads its fields, checks what the caller's token covers, issues one command and prints the reply as the seed prints
it. Field readers, ids, `where` and row shapes are shared with the native socket (`protocol.wires.native`), so the two
cannot drift apart. Doubts are settled in the front of this folder, under "Readings".
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.native import schemas
from adminapi.dialects.native.proof import UPLOAD, allow
from adminapi.dialects.native.schemas import PAGE_MOST, SIZE_MOST
from adminapi.schemas import About, array, either, file, obj, text
from protocol.codec import write_json
from protocol.commands import (
    AddMembers,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    ListConversations,
    ListMembers,
    ListMessages,
    ListSessions,
    Managed,
    MemberList,
    MembersChanged,
    MessagePage,
    RemoveMembers,
    SendMessage,
    Sent,
    SessionList,
    UpdateConversation,
    UpdateConversations,
)
from protocol.errors import Reason, Refused
from protocol.records import Kind
from protocol.wires.native.fields import (
    USER_ID_MOST,
    extension_or,
    flag,
    missing,
    name,
    only_memory,
    text_or,
    users,
    users_or_text,
)
from protocol.wires.native.ids import AppIds, app_ids
from protocol.wires.native.shapes import conversation_row, extension, message_row, page
from protocol.wires.native.where import conditions

routes = Routes()

TEXT = -1
KINDS_OF_MESSAGE = range(-6, 0)
"""ZD-09 prints -1 to -6; an app's own positive types are the socket's."""


def success(ask: Ask, data: object) -> Answer:
    """The envelope (ZD-30)."""
    return json_answer({"code": 0, "message": "ok", "data": data, "request-id": ask.headers.get("request-id")})


def ids_of(ask: Ask) -> AppIds:
    return app_ids(ask.app.id)


def conversation_of(ask: Ask) -> int:
    """The conversation in the path; 4011 if it is no id of this app (ZD-39)."""
    number = ids_of(ask).conversation_number(ask.path["conv_id"])
    if number is None:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no conversation with this conv_id.")
    return number


def actor(data: dict[str, object], field: str) -> tuple[str, bool]:
    """A required user id, and whether it was a JSON number (ZD-09)."""
    return name(data, field, USER_ID_MOST), type(data.get(field)) is int


def integer(value: object, field: str, least: int, most: int, default: int | None = None) -> int:
    """An integer of the body, or its decimal text as a query string or a PHP form has it."""
    if isinstance(value, str) and value.lstrip("-").isdigit() and value.isascii() and len(value) <= 12:
        value = int(value) if value.count("-") <= 1 else value
    if value is None:
        return missing(field) if default is None else default
    if type(value) is not int or not least <= value <= most:
        raise Refused(Reason.BAD_FORMAT, f"{field} must be an integer from {least} to {most}.")
    return value


def paging(ask: Ask, size: int) -> tuple[int, int]:
    """`page` and `size`, of the body even on GET, else of the query (MUX-10)."""
    return (
        integer(ask.parameter("page"), "page", 1, PAGE_MOST, 1),
        integer(ask.parameter("size"), "size", 1, SIZE_MOST, size),
    )


def keep_from_own(data: dict[str, object]) -> bool:
    """`no_sync` as the seed prints it, "0 do not sync, 1 sync" (ZD-09); true and false would read as the opposite."""
    value = data.get("no_sync")
    if isinstance(value, bool):
        raise Refused(Reason.BAD_FORMAT, "no_sync is 0 (do not sync to the sender's other sessions) or 1 (sync).")
    return value is not None and not flag(data, "no_sync")


async def still_there(ask: Ask, broker: Broker) -> None:
    """BAD_TOKEN if the caller's session token is of a session that is over: it would upload for weeks otherwise."""
    assert ask.caller is not None
    if not ask.caller.session:
        return
    app, user = ask.caller.app, ask.caller.user
    listed = cast(SessionList, await broker.call(Managed(app=app.id, rev=app.rev, command=ListSessions(user=user))))
    if not any(session.session == ask.caller.session for session in listed.sessions):
        raise Refused(Reason.BAD_TOKEN, "The session of this token is over; log in again, and use the new token.")


def all_changed(changed: MembersChanged, verb: str) -> None:
    """The seed knows true or an error for the whole list, so whoever failed makes it one, and the text says who."""
    if not changed.failed:
        return
    names = ", ".join(f"{failure.user} ({failure.reason})" for failure in changed.failed[:20])
    done = f" {verb}: {', '.join(changed.allowed[:20])}." if changed.allowed else ""
    raise Refused(Reason(changed.failed[0].reason), f"Not {verb.lower()}: {names}.{done}")


@routes.add("POST", "/im/conversations/{conv_id}/members", about=About(answer=schemas.TRUE, body=schemas.USERS_SENT))
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """ZD-01. Add users to a conversation."""
    who = users(ask.json_object(), "client_ids")
    allow(ask, "conv.members.add", who)
    assert ask.caller is not None
    command = AddMembers(conversation=conversation_of(ask), users=who, strict=ask.caller.privileged)
    all_changed(cast(MembersChanged, await broker.call(ask.managed(command))), "Added")
    return success(ask, True)


@routes.add("GET", "/im/conversations/{conv_id}/members", about=About(answer=array(schemas.USER)))
async def list_members(ask: Ask, broker: Broker) -> Answer:
    """ZD-02. The ids of a conversation's members."""
    allow(ask, "conv.members")
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=conversation_of(ask)))))
    return success(ask, [member.user for member in reply.members])


@routes.add("DELETE", "/im/conversations/{conv_id}/members", about=About(answer=schemas.TRUE, body=schemas.USERS_SENT))
async def remove_members(ask: Ask, broker: Broker) -> Answer:
    """ZD-45. Remove members, the twin of ZD-01."""
    who = users(ask.json_object(), "client_ids")
    allow(ask, "conv.members.remove", who)
    command = RemoveMembers(conversation=conversation_of(ask), users=who)
    all_changed(cast(MembersChanged, await broker.call(ask.managed(command))), "Removed")
    return success(ask, True)


@routes.add(
    "POST", "/im/conversations", about=About(answer=either(schemas.CREATED, schemas.CONVERSATIONS), body=schemas.CREATION)
)
async def create_conversation(ask: Ask, broker: Broker) -> Answer:
    """ZD-04. Create a conversation.

    One of type 1 with the same two users is found again. With `where` in the query and no body it is ZD-05, as its
    printed curl line has it (MUX-13)."""
    if "where" in ask.query and not ask.body.strip():
        return await list_conversations(ask, broker)
    data = ask.json_object()
    for field in ("client_id", "to_client_ids", "conv_type"):
        if data.get(field) is None:
            missing(field)
    creator, numeric = actor(data, "client_id")
    listed = data["to_client_ids"]
    others = users(data, "to_client_ids")
    kind = integer(data["conv_type"], "conv_type", -1_000_000, 1_000_000)
    title, attributes = extension_or(data, "conv_extend")
    # A token's md5 is over the list as it was sent; a repeated id is sent, though it names nobody new.
    allow(ask, "conv.create", [str(user) for user in cast(list[object], listed)], creator)
    if not Kind.DIRECT <= kind <= Kind.ROOM:
        raise Refused(Reason.BAD_KIND, "conv_type is 1 (single), 2 (temporary), 3 (group) or 4 (chatroom).")
    if kind == Kind.DIRECT and len({creator, *others}) != 2:
        raise Refused(Reason.BAD_KIND, "A conversation of conv_type 1 has exactly two users.")
    command = CreateConversation(kind=kind, members=others, name=title or "", attributes=attributes or b"{}")
    reply = cast(Created, await broker.call(ask.managed(command, user=creator, numeric_user=numeric, heed_ban=True)))
    info = reply.conversation
    return success(ask, {"conv_extend": extension(info.attributes, info.name), "conv_id": ids_of(ask).text(info.id)})


@routes.add("GET", "/im/conversations", about=About(answer=schemas.CONVERSATIONS, query=schemas.LISTING))
async def list_conversations(ask: Ask, broker: Broker) -> Answer:
    """ZD-05. Search conversations.

    A user's token finds its user's only."""
    allow(ask, "conv.list")
    where = ask.parameter("where")
    if where is None or where == "":
        missing("where")
    number, size = paging(ask, 20)
    ids = ids_of(ask)
    command = ListConversations(where=conditions(where, ids), page=number, size=size)
    reply = cast(ConversationPage, await broker.call(ask.managed(command)))
    return success(ask, page([conversation_row(info, ids) for info in reply.conversations], number, size, reply.total))


@routes.add("PUT", "/im/conversations", about=About(answer=schemas.TRUE, body=schemas.UPDATE))
async def update_conversations(ask: Ask, broker: Broker) -> Answer:
    """ZD-06. Replace the extension of the conversations found."""
    allow(ask, "conv.update")
    data = ask.json_object()
    for field in ("where", "update"):
        if data.get(field) is None or data[field] == "":
            missing(field)
    update = data["update"]
    if not isinstance(update, dict):
        raise Refused(Reason.BAD_FORMAT, "update must be an object.")
    if others := sorted(set(update) - {"conv_extend"}):
        raise Refused(Reason.BAD_FORMAT, f"Only conv_extend can be updated, not {others[0][:64]!r}.")
    title, attributes = extension_or(update, "conv_extend")
    if attributes is None:
        missing("update.conv_extend")
    where = conditions(data["where"], ids_of(ask))
    if not where:
        raise Refused(Reason.BAD_FORMAT, "where must hold at least one condition; nothing updates every conversation.")
    assert ask.caller is not None
    if ask.caller.privileged:
        await broker.call(ask.managed(UpdateConversations(where=where, attributes=attributes, name=title or "")))
    elif len(where) == 1 and (where[0].field, where[0].op) == ("id", "="):
        number = cast(int, where[0].value)
        await broker.call(ask.managed(UpdateConversation(conversation=number, name=title or "", attributes=attributes)))
    else:
        raise Refused(Reason.NOT_ALLOWED, "With a user's token, where is one condition: conv_id = an id.")
    return success(ask, True)


@routes.add("DELETE", "/im/conversations/{conv_id}", about=About(answer=schemas.TRUE))
async def delete_conversation(ask: Ask, broker: Broker) -> Answer:
    """ZD-07. Delete a conversation."""
    allow(ask, "conv.delete")
    await broker.call(ask.managed(DeleteConversation(conversation=conversation_of(ask))))
    return success(ask, True)


@routes.add("POST", "/im/conversations/{conv_id}/message", about=About(answer=schemas.SENT, body=schemas.SENDING))
async def send_message(ask: Ask, broker: Broker) -> Answer:
    """ZD-09. Send a message.

    With `durability` "memory" the answer, marked with the same word, comes before the message is on disk: nobody else has it
    before it is, and a crash may take it."""
    data = ask.json_object()
    for field in ("from_client", "type"):
        if data.get(field) is None:
            missing(field)
    sender, numeric = actor(data, "from_client")
    allow(ask, "msg.send", actor=sender)
    kind = integer(data["type"], "type", -1_000_000, 1_000_000)
    if kind not in KINDS_OF_MESSAGE:
        raise Refused(Reason.UNKNOWN_TYPE, "type is -1 text, -2 image, -3 voice, -4 video, -5 location or -6 file.")
    text, url = text_or(data, "text", 1_048_576), text_or(data, "url", 8192)
    if kind == TEXT and not text:
        missing("text")
    body = {
        key: value for key, value in (("text", text), ("attr", data.get("attr")), ("url", url)) if value not in (None, "")
    }
    command = SendMessage(
        conversation=conversation_of(ask),
        type=kind,
        body=write_json(body),
        transient=flag(data, "transient"),
        no_sync=keep_from_own(data),
        mention_all=flag(data, "mention_all"),
        mentions=users_or_text(data, "mention_client_ids"),
        memory=only_memory(data),
    )
    reply = cast(Sent, await broker.call(ask.managed(command, user=sender, numeric_user=numeric, heed_ban=True)))
    said = {"msg_id": ids_of(ask).text(reply.message), "time": reply.time_ms}
    return success(ask, {**said, "durability": "memory"} if reply.memory else said)


@routes.add(
    "GET",
    "/im/conversations/{conv_id}/message",
    about=About(answer=schemas.page(schemas.MESSAGE), query=schemas.PAGING),
)
async def list_messages(ask: Ask, broker: Broker) -> Answer:
    """ZD-08. The messages of a conversation, newest first.

    `page` and `size` may also stand in a JSON body, as the seed has it (MUX-10)."""
    allow(ask, "msg.history")
    number, size = paging(ask, 10)
    ids = ids_of(ask)
    command = ListMessages(conversation=conversation_of(ask), page=number, size=size)
    reply = cast(MessagePage, await broker.call(ask.managed(command)))
    return success(ask, page([message_row(message, ids) for message in reply.messages], number, size, reply.total))


@routes.add("POST", "/im/file/upload", about=About(answer=text("Its URL."), body=obj({"file": file()})), uploads=True)
async def upload(ask: Ask, broker: Broker) -> Answer:
    """ZD-11. Upload a file.

    A user's client may show the session token its login on the socket was answered with."""
    allow(ask, UPLOAD)
    await still_there(ask, broker)
    file = ask.uploads.get("file")
    if file is None:
        missing("file")
    if file.size == 0:
        raise Refused(Reason.BAD_FILE, "The file is empty.")
    return success(ask, await file.keep())
