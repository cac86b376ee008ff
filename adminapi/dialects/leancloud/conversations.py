"""Making, changing and deleting conversations, and their members: LC-01 to LC-06, in the order of the seed."""

from __future__ import annotations

import re
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import listed, object_id, updated
from adminapi.schemas import About
from protocol.codec import write_json
from protocol.commands import (
    AddMembers,
    CreateConversation,
    Created,
    DeleteConversation,
    Done,
    ListMembers,
    MemberList,
    RemoveMembers,
    UpdateConversation,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind
from protocol.wires.leancloud.names import iso
from protocol.wires.native.fields import Data, as_users, bad, text_or

routes = Routes()

NAME_MOST = 256
KEPT_BY_SERVER = frozenset({"objectId", "createdAt", "updatedAt", "lm", "mu", "uniqueId"})
"""Fields of `_Conversation` (LC-28) that nobody sets."""
FIXED = frozenset({"c", "tr", "sys", "unique"})
"""Those that are settled when it is made."""
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")


def custom(data: Data, built_in: frozenset[str]) -> bytes:
    """The custom attributes: all fields that are not built in."""
    attributes = {key: value for key, value in data.items() if key not in built_in}
    for key, value in attributes.items():
        if key in KEPT_BY_SERVER:
            raise Refused(Reason.BAD_FORMAT, f"{key} is kept by the server and cannot be set.")
        if _KEY.fullmatch(key) is None:
            raise Refused(Reason.BAD_FORMAT, f"{key[:64]!r} is no field: a letter, then letters, digits and _.")
        if isinstance(value, dict) and "__op" in value:
            raise Refused(Reason.BAD_FORMAT, f"{key}: __op is not known here; send the value itself.")
    return write_json(attributes)


@routes.add("POST", "/1.2/rtm/conversations", about=About(answer=schemas.CREATED, body=schemas.CREATION))
async def create_conversation(ask: Ask, broker: Broker) -> Answer:
    """LC-01. Create a conversation.

    Members that are not there yet are made."""
    made = await create(ask, broker, fields.document(ask))
    return json_answer({"objectId": object_id(made, ask.ids), "createdAt": iso(made.created_ms)})


async def create(ask: Ask, broker: Broker, data: Data) -> ConversationInfo:
    """Of the fields of `_Conversation`."""
    members = as_users([] if data.get("m") is None else data["m"], "m")
    creator = "" if data.get("c") in (None, "") else fields.user(data, "c")
    if creator and creator not in members:
        bad("c", "one of m")
    if fields.flag(data, "sys"):
        raise Refused(Reason.BAD_KIND, "Service conversations (sys) cannot be made here.")
    command = CreateConversation(
        kind=Kind.ROOM if fields.flag(data, "tr") else Kind.GROUP,
        members=members,
        name=text_or(data, "name", NAME_MOST),
        attributes=custom(data, FIXED | {"name", "m"}),
        unique=fields.flag(data, "unique"),
    )
    return cast(Created, await broker.call(ask.managed(command, user=creator, newcomers=members))).conversation


@routes.add("PUT", "/1.2/rtm/conversations/{conv_id}", about=About(answer=schemas.UPDATED, body=schemas.UPDATE))
async def update_conversation(ask: Ask, broker: Broker) -> Answer:
    """LC-02. Update a conversation's name and custom attributes."""
    conversation, data = fields.conversation_of(ask), fields.document(ask)
    if "m" in data:
        raise Refused(Reason.BAD_FORMAT, "m cannot be updated here; POST or DELETE .../members changes the members.")
    done = cast(Done, await broker.call(ask.managed(check_update(conversation, data))))
    return json_answer(updated(ask, conversation, done.time_ms))


def check_update(conversation: int, data: Data) -> UpdateConversation:
    """Of the name and the custom attributes."""
    if settled := sorted(FIXED & data.keys()):
        raise Refused(Reason.BAD_FORMAT, f"{settled[0]} is settled when a conversation is made and cannot be updated.")
    attributes = custom(data, frozenset({"name"}))
    return UpdateConversation(
        conversation=conversation,
        name=text_or(data, "name", NAME_MOST) if "name" in data else None,
        attributes=None if attributes == b"{}" else attributes,
        merge=True,
    )


@routes.add("DELETE", "/1.2/rtm/conversations/{conv_id}", about=About(answer=schemas.NOTHING))
async def delete_conversation(ask: Ask, broker: Broker) -> Answer:
    """LC-03. Delete a conversation."""
    await broker.call(ask.managed(DeleteConversation(conversation=fields.conversation_of(ask))))
    return json_answer({})


@routes.add("POST", "/1.2/rtm/conversations/{conv_id}/members", about=About(answer=schemas.UPDATED, body=schemas.USERS_SENT))
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """LC-04. Add members, all of them or nobody.

    Those that are not there yet are made."""
    conversation = fields.conversation_of(ask)
    who = fields.users(ask, fields.request(ask), "client_ids")
    command = AddMembers(conversation=conversation, users=who, strict=True)
    await broker.call(ask.managed(command, newcomers=who))
    return json_answer(updated(ask, conversation, now_ms(ask)))


@routes.add(
    "DELETE", "/1.2/rtm/conversations/{conv_id}/members", about=About(answer=schemas.UPDATED, body=schemas.USERS_SENT)
)
async def remove_members(ask: Ask, broker: Broker) -> Answer:
    """LC-05. Remove members, all of them or nobody.

    Who is no member is no error. The owner stays: 4403."""
    conversation = fields.conversation_of(ask)
    who = fields.users(ask, fields.request(ask), "client_ids")
    await broker.call(ask.managed(RemoveMembers(conversation=conversation, users=who, strict=True)))
    return json_answer(updated(ask, conversation, now_ms(ask)))


@routes.add("GET", "/1.2/rtm/conversations/{conv_id}/members", about=About(answer=schemas.LISTED))
async def list_members(ask: Ask, broker: Broker) -> Answer:
    """LC-06. The members of a conversation."""
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=fields.conversation_of(ask)))))
    return listed(ask, [member.user for member in reply.members])


def now_ms(ask: Ask) -> int:
    """When the members changed: the reply does not say, and the conversation's own time does not move with them."""
    return round(ask.now_s * 1000)
