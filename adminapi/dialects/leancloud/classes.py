"""Conversations as objects of the class `_Conversation`, which is how the vendor's storage SDKs handle them (LC-30;
`protocols.md` 2.12).

The law: each call here does what the one below `/1.2/rtm` does, by the same command; only the words differ. Members are
changed by the operations on `m`, first, as only they can be refused for what the conversation holds; so a request that is
refused has changed nothing.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.conversations import check_update, create, delete_conversation, now_ms
from adminapi.dialects.leancloud.queries import search
from adminapi.dialects.leancloud.shapes import Row, conversation_row, object_id, updated
from adminapi.schemas import About
from protocol.commands import AddMembers, Condition, ConversationPage, Done, ListConversations, RemoveMembers, SetMembers
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo
from protocol.wires.leancloud.names import iso
from protocol.wires.native.fields import Data, as_users, bad, text_or

routes = Routes()

PATH = "/1.1/classes/_Conversation"
ALWAYS = frozenset({"objectId", "createdAt", "updatedAt"})
"""What `keys` cannot leave out."""


def operation(value: object) -> tuple[str, tuple[str, ...]]:
    """(Add, Remove or "" for all, users) of the field `m`."""
    if not isinstance(value, dict):
        return "", as_users(value, "m")
    word = value.get("__op")
    if word not in ("Add", "AddUnique", "Remove"):
        bad("m", "a list of client ids, or an __op Add, AddUnique or Remove with objects")
    return "Remove" if word == "Remove" else "Add", as_users(value.get("objects"), "objects")


@routes.add("POST", PATH, about=About(answer=schemas.MADE, status=201, body=schemas.CREATION, query=schemas.SAVING))
async def create_object(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Create a conversation; `m` may be an `__op`.

    With `fetchWhenSave` the answer is the whole object."""
    data, whole = dict(fields.document(ask)), fetches(ask)
    if data.get("m") is not None:
        word, users = operation(data["m"])
        data["m"] = [] if word == "Remove" else list(users)
    made = await create(ask, broker, data)
    answer: Row = {"objectId": object_id(made, ask.ids), "createdAt": iso(made.created_ms)}
    if whole:
        answer = conversation_row(await find(ask, broker, made.id), ask)
    return json_answer(answer, 201)


def fetches(ask: Ask) -> bool:
    return fields.flag({"fetchWhenSave": ask.query.get("fetchWhenSave")}, "fetchWhenSave")


@routes.add("GET", PATH, about=About(answer=schemas.PARTS, query=schemas.SELECTION))
async def list_objects(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Search conversations, newest first or in the order of `order`.

    `count` adds their number, `keys` names the fields that are wanted."""
    data = fields.request(ask)
    page = await search(ask, broker, data)
    answer: Row = {"results": [selected(conversation_row(info, ask), data) for info in page.conversations]}
    if fields.flag(data, "count"):
        answer["count"] = page.total
    return json_answer(answer)


def selected(row: Row, data: Data) -> Row:
    """What `keys` leaves of it; a minus before a key leaves that one out."""
    keys = [key.strip() for key in text_or(data, "keys").split(",") if key.strip()]
    wanted = {key.partition(".")[0] for key in keys if not key.startswith("-")}
    unwanted = {key[1:] for key in keys if key.startswith("-")}
    return {
        key: value for key, value in row.items() if key in ALWAYS or (key not in unwanted and (not wanted or key in wanted))
    }


@routes.add("GET", PATH + "/{conv_id}", about=About(answer=schemas.PART, query=schemas.KEYS))
async def get_object(ask: Ask, broker: Broker) -> Answer:
    """LC-30. A conversation."""
    info = await find(ask, broker, fields.conversation_of(ask))
    return json_answer(selected(conversation_row(info, ask), fields.request(ask)))


async def find(ask: Ask, broker: Broker, conversation: int) -> ConversationInfo:
    """With its members. 4303."""
    command = ListConversations(where=(Condition("id", "=", conversation),), size=1, with_members=True)
    found = cast(ConversationPage, await broker.call(ask.managed(command))).conversations
    if not found:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no conversation with this id.")
    return found[0]


@routes.add("PUT", PATH + "/{conv_id}", about=About(answer=schemas.CHANGED, body=schemas.CHANGE, query=schemas.SAVING))
async def update_object(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Change a conversation's name, custom attributes and members.

    `m` is the new list of members, or an `__op` Add, AddUnique or Remove. Attributes take these, Increment and Delete."""
    conversation, data, whole = fields.conversation_of(ask), dict(fields.document(ask)), fetches(ask)
    if "where" in ask.query:
        raise Refused(Reason.BAD_FORMAT, "A condition (where) on a change is not known here; leave it out.")
    members = data.pop("m", None)
    if members is None and not data:
        raise Refused(Reason.MISSING_FIELD, "There is nothing to change.")
    change = check_update(conversation, data) if data else None
    time_ms = now_ms(ask)
    if members is not None:
        await change_members(ask, broker, conversation, members)
    if change is not None:
        time_ms = cast(Done, await broker.call(ask.managed(change))).time_ms
    if whole:
        return json_answer(conversation_row(await find(ask, broker, conversation), ask))
    return json_answer(updated(ask, conversation, time_ms))


async def change_members(ask: Ask, broker: Broker, conversation: int, value: object) -> None:
    """All of them or nobody; those that are not there yet are made."""
    word, users = operation(value)
    if word == "Remove":
        await broker.call(ask.managed(RemoveMembers(conversation=conversation, users=users, strict=True)))
    elif word == "Add":
        await broker.call(ask.managed(AddMembers(conversation=conversation, users=users, strict=True), newcomers=users))
    else:
        await broker.call(ask.managed(SetMembers(conversation=conversation, users=users), newcomers=users))


routes.add("DELETE", PATH + "/{conv_id}", about=About(answer=schemas.NOTHING))(delete_conversation)
