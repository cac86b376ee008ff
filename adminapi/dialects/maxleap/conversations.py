"""What groups and rooms have in common: ML-14 to ML-38 are twice the same calls, for another kind of conversation.

Each function does one of them; `groups` and `rooms` say at which path and how the answer looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, json_answer
from adminapi.dialects.maxleap import fields
from adminapi.dialects.maxleap.codes import UNKNOWN, Failed
from adminapi.dialects.maxleap.shapes import attributes_of, conversation_id
from adminapi.dialects.timeline import look_up
from protocol.codec import write_json
from protocol.commands import (
    AddMembers,
    Condition,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    ListConversations,
    ListMembers,
    MemberList,
    RemoveMembers,
    UpdateConversation,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind
from protocol.wires.native.fields import Data, bad

WORDS = {Kind.GROUP: "group", Kind.ROOM: "room"}
NAMED = {"name": "name", "ts": "created", "id": "id"}
"""Words of `_sort` that are no attribute; of a filter, the name alone."""
AT_ONCE = 100
"""Of one user's conversations, in one question to the broker."""


async def found(ask: Ask, broker: Broker, kind: Kind, text: str | None = None) -> ConversationInfo:
    """The conversation of that kind in the path (or of `text`). UNKNOWN_CONVERSATION if it is another, or none."""
    number = ask.ids.conversation(ask.path[WORDS[kind] + "Id"] if text is None else text)
    info = None if number is None else await look_up(ask, broker, number)
    if info is None or info.kind != kind:
        raise Refused(Reason.UNKNOWN_CONVERSATION, f"There is no {WORDS[kind]} of this id.")
    return info


async def members_of(ask: Ask, broker: Broker, info: ConversationInfo) -> list[str]:
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=info.id))))
    return [member.user for member in reply.members]


async def with_members(
    ask: Ask, broker: Broker, infos: Sequence[ConversationInfo]
) -> list[tuple[ConversationInfo, list[str]]]:
    """Those that are still there."""
    rows = []
    for info in infos:
        try:
            rows.append((info, await members_of(ask, broker, info)))
        except Refused as refused:
            if refused.reason is not Reason.UNKNOWN_CONVERSATION:
                raise
    return rows


async def of_user(ask: Ask, broker: Broker, user: str, kind: Kind) -> list[ConversationInfo]:
    """All the user is in, newest first."""
    where = (Condition("member", "=", user), Condition("kind", "=", int(kind)))
    infos: dict[int, ConversationInfo] = {}
    skip = 0
    while True:
        command = ListConversations(where=where, skip=skip, size=AT_ONCE)
        page = cast(ConversationPage, await broker.call(ask.managed(command)))
        infos |= {info.id: info for info in page.conversations}
        skip += AT_ONCE
        if not page.conversations or skip >= page.total:
            return list(infos.values())


async def create(ask: Ask, broker: Broker, kind: Kind, owner: str = "") -> Answer:
    data = fields.body(ask)
    given, more = data.get("members"), data.get("attributes")
    if not isinstance(more, dict | None):
        bad("attributes", "a JSON object")
    attributes: Data = {key: value for key, value in (more or {}).items() if value is not None}
    name = fields.name_of(data)
    command = CreateConversation(
        kind=kind,
        members=fields.users([] if given is None else given),
        name=(fields.name_of(attributes) if name is None else name) or "",
        attributes=write_json({key: value for key, value in attributes.items() if key != "name"}),
    )
    made = cast(Created, await broker.call(ask.managed(command, user=owner))).conversation
    return json_answer(conversation_id(ask.ids, made), 201)


async def search(ask: Ask, broker: Broker, kind: Kind) -> list[tuple[ConversationInfo, list[str]]]:
    """With their members."""
    where = (Condition("kind", "=", int(kind)), *fields.filters(ask, {"name": "name"}))
    skip, limit = fields.skip(ask), fields.limit(ask)
    command = ListConversations(where=where, skip=skip, size=max(limit, 1), sort=fields.sort(ask, NAMED))
    page = cast(ConversationPage, await broker.call(ask.managed(command)))
    return await with_members(ask, broker, page.conversations[:limit])


async def delete(ask: Ask, broker: Broker, kind: Kind) -> Answer:
    info = await found(ask, broker, kind)
    await broker.call(ask.managed(DeleteConversation(conversation=info.id)))
    return Answer(status=204)


async def set_attributes(ask: Ask, broker: Broker, kind: Kind, *, merge: bool) -> Answer:
    """The name goes to its own place; what another dialect has stored under that word makes way for it."""
    data = fields.attributes(ask, merge=merge)
    info, name = await found(ask, broker, kind), fields.name_of(data)
    rest: Data = {key: value for key, value in data.items() if key != "name"}
    if merge and name is not None:
        rest["name"] = None
    command = UpdateConversation(
        conversation=info.id, name=name if merge else name or "", attributes=write_json(rest), merge=merge
    )
    await broker.call(ask.managed(command))
    return Answer(status=201)


async def get_attributes(ask: Ask, broker: Broker, kind: Kind) -> Answer:
    return json_answer(attributes_of(await found(ask, broker, kind)))


async def get_attribute(ask: Ask, broker: Broker, kind: Kind) -> Answer:
    return one_of(ask, attributes_of(await found(ask, broker, kind)))


def one_of(ask: Ask, attributes: Data) -> Answer:
    """The bare value; 404 if there is none."""
    name = ask.path["attribute"]
    if name not in attributes:
        raise Failed(UNKNOWN, f"There is no attribute {name[:64]}.")
    return json_answer(attributes[name])


async def clear_attributes(ask: Ask, broker: Broker, kind: Kind) -> Answer:
    info = await found(ask, broker, kind)
    await broker.call(ask.managed(UpdateConversation(conversation=info.id, name="", attributes=b"{}")))
    return Answer(status=204)


async def add_members(ask: Ask, broker: Broker, kind: Kind, users: tuple[str, ...]) -> Answer:
    info = await found(ask, broker, kind)
    await broker.call(ask.managed(AddMembers(conversation=info.id, users=users, strict=True)))
    return Answer(status=201)


async def remove_members(ask: Ask, broker: Broker, kind: Kind, users: tuple[str, ...]) -> Answer:
    info = await found(ask, broker, kind)
    await broker.call(ask.managed(RemoveMembers(conversation=info.id, users=users, strict=True)))
    return Answer(status=204)
