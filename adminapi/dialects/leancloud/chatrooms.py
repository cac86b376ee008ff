"""Chatrooms by their later paths, `/1.2/rtm/chatrooms` (LC-30; `protocols.md` 2.13): our rooms.

The law: a chatroom is a conversation with `tr`, and what can be done to one is done by the endpoints of conversations,
which stand at these paths too; only making, listing and members have words of their own.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.conversations import create, delete_conversation, update_conversation
from adminapi.dialects.leancloud.history import list_messages
from adminapi.dialects.leancloud.members import members_of
from adminapi.dialects.leancloud.messages import delete_message, edit_message, recall_message, send_message
from adminapi.dialects.leancloud.queries import search
from adminapi.dialects.leancloud.shapes import conversation_row, object_id
from adminapi.schemas import About
from protocol.commands import Condition, ListMembers, MemberList
from protocol.records import Kind
from protocol.wires.leancloud.names import iso
from protocol.wires.native.fields import name

routes = Routes()

PATH = "/1.2/rtm/chatrooms"
ROOM = PATH + "/{conv_id}"


@routes.add("POST", PATH, about=About(answer=schemas.CREATED, body=schemas.CHATROOM))
async def create_chatroom(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Create a chatroom."""
    made = await create(ask, broker, {**fields.document(ask), "tr": True, "unique": False})
    return json_answer({"objectId": object_id(made, ask.ids), "createdAt": iso(made.created_ms)})


@routes.add("GET", PATH, about=About(answer=schemas.ROWS, query=schemas.LISTING))
async def list_chatrooms(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Search chatrooms, newest first."""
    page = await search(ask, broker, fields.request(ask), Condition("kind", "=", int(Kind.ROOM)))
    return json_answer({"results": [conversation_row(info, ask) for info in page.conversations]})


routes.add("PUT", ROOM, about=About(answer=schemas.UPDATED, body=schemas.UPDATE))(update_conversation)
routes.add("DELETE", ROOM, about=About(answer=schemas.NOTHING))(delete_conversation)


@routes.add("GET", ROOM + "/members", about=About(answer=schemas.LISTED_LATER))
async def list_chatroom_members(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The members of a chatroom."""
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=fields.conversation_of(ask)))))
    return json_answer({"result": [member.user for member in reply.members]})


@routes.add("GET", ROOM + "/members/online-count", about=About(answer=schemas.ONLINE_COUNT))
async def count_online(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many members of a chatroom are online."""
    return await online_count(ask, broker, fields.conversation_of(ask))


@routes.add("GET", "/1.1/rtm/transient_group/onlines", about=About(answer=schemas.ONLINE_COUNT, query=schemas.GROUP_ASKED))
async def count_online_of(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many members of the chatroom `gid` are online."""
    return await online_count(ask, broker, fields.conversation(ask, name(fields.request(ask), "gid")))


async def online_count(ask: Ask, broker: Broker, conversation: int) -> Answer:
    members = members_of(ask, broker, conversation)
    return json_answer({"result": sum([member.online async for member in members])})


MESSAGES = ROOM + "/messages"
routes.add("POST", MESSAGES, about=About(answer=schemas.SENT, body=schemas.SENDING))(send_message)
routes.add("GET", MESSAGES, about=About(answer=schemas.HISTORY, query=schemas.STRETCH))(list_messages)
routes.add("PUT", MESSAGES + "/{mid}", about=About(answer=schemas.RESULT, body=schemas.EDIT))(edit_message)
routes.add("PUT", MESSAGES + "/{mid}/recall", about=About(answer=schemas.RESULT, body=schemas.RECALL))(recall_message)
routes.add("DELETE", MESSAGES + "/{mid}", about=About(answer=schemas.RESULT, query=schemas.DELETION))(delete_message)
