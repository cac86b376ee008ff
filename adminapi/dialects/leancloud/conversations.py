"""Making, changing and deleting conversations, and their members: LC-01 to LC-06, in the order of the seed."""

from __future__ import annotations

import re
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import Row, conversation_row, listed, object_id, updated
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
    Operation,
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
BUILT_IN = KEPT_BY_SERVER | FIXED | {"name", "m"}
OPERATIONS = {"Increment": "increase", "Add": "append", "AddUnique": "append-new", "Remove": "remove"}
"""`__op` of an attribute, besides Delete."""
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_PATH = re.compile(_KEY.pattern + r"(\.[A-Za-z0-9_]{1,128})*")


def custom(data: Data, built_in: frozenset[str], form: re.Pattern[str] = _KEY) -> bytes:
    """The custom attributes: all fields that are not built in."""
    attributes = {key: value for key, value in data.items() if key not in built_in}
    for key, value in attributes.items():
        if key in KEPT_BY_SERVER or ("." in key and key.split(".")[0] in BUILT_IN):
            raise Refused(Reason.BAD_FORMAT, f"{key} is kept by the server and cannot be set.")
        if form.fullmatch(key) is None or len(key) > 128:
            raise Refused(Reason.BAD_FORMAT, f"{key[:64]!r} is no field: a letter, then letters, digits and _.")
        if isinstance(value, dict) and "__op" in value:
            raise Refused(Reason.BAD_FORMAT, f"{key}: this __op has no meaning here; send the value itself.")
    return write_json(attributes)


def operations_in(data: Data) -> tuple[Data, tuple[Operation, ...]]:
    """What is set, and what is changed by an `__op`; Delete sets null."""
    said: Data = {}
    operations: list[Operation] = []
    for key, value in data.items():
        word = value.get("__op") if isinstance(value, dict) else None
        if word == "Delete":
            said[key] = None
        elif isinstance(value, dict) and isinstance(word, str) and word in OPERATIONS:
            if _KEY.fullmatch(key) is None or key in BUILT_IN:
                raise Refused(Reason.BAD_FORMAT, f"{key[:64]!r} does not take the __op {word}.")
            given = value.get("amount", 1) if word == "Increment" else value.get("objects")
            operations.append(Operation(key, OPERATIONS[word], given))
        else:
            said[key] = value
    return said, tuple(operations)


@routes.add("POST", "/1.2/rtm/conversations", about=About(answer=schemas.CREATED_WHOLE, body=schemas.CREATION))
async def create_conversation(ask: Ask, broker: Broker) -> Answer:
    """LC-01. Create a conversation.

    Members that are not there yet are made. The answer is the whole object."""
    data = fields.document(ask)
    made = await create(ask, broker, data)
    members = as_users([] if data.get("m") is None else data["m"], "m")
    # The seed's two fields, then what the later document prints besides.
    answer: Row = {"objectId": object_id(made, ask.ids), "createdAt": iso(made.created_ms)}
    return json_answer({**answer, **conversation_row(made, ask), "m": members, "unique": made.unique})


async def create(ask: Ask, broker: Broker, data: Data) -> ConversationInfo:
    """Of the fields of `_Conversation`."""
    data = begun(data)
    members = as_users([] if data.get("m") is None else data["m"], "m")
    creator = "" if data.get("c") in (None, "") else fields.user(data, "c")
    if creator and creator not in members:
        bad("c", "one of m")
    kind = Kind.SYSTEM if fields.flag(data, "sys") else Kind.ROOM if fields.flag(data, "tr") else Kind.GROUP
    command = CreateConversation(
        kind=kind,
        members=members,
        name=text_or(data, "name", NAME_MOST),
        attributes=custom(data, FIXED | {"name", "m"}),
        unique=fields.flag(data, "unique") and kind != Kind.SYSTEM,
    )
    return cast(Created, await broker.call(ask.managed(command, user=creator, newcomers=members))).conversation


def begun(data: Data) -> Data:
    """What the operations of a creation make of nothing; those on `m` are the caller's."""
    said, operations = operations_in({key: value for key, value in data.items() if key != "m"})
    for each in operations:
        number = each.op == "increase"
        if not (type(each.value) in (int, float) if number else isinstance(each.value, list)):
            bad(each.key, "an __op with a number as amount" if number else "an __op with a list as objects")
        said[each.key] = [] if each.op == "remove" else each.value
    return {**said, **({"m": data["m"]} if "m" in data else {})}


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
    data, operations = operations_in(data)
    if settled := sorted(FIXED & data.keys()):
        raise Refused(Reason.BAD_FORMAT, f"{settled[0]} is settled when a conversation is made and cannot be updated.")
    attributes = custom(data, frozenset({"name"}), _PATH)
    return UpdateConversation(
        conversation=conversation,
        name=text_or(data, "name", NAME_MOST) if "name" in data else None,
        attributes=None if attributes == b"{}" else attributes,
        merge=True,
        paths=any("." in key for key in data),
        operations=operations,
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
