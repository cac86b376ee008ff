"""The group endpoints: ML-14 to ML-27, in the order of the seed, and those of ML-52."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import conversations, fields, schemas
from adminapi.dialects.maxleap.chats import chats
from adminapi.dialects.maxleap.shapes import conversation_id, group_row
from adminapi.schemas import About
from protocol.commands import SetMembers, UpdateConversation, WipeConversation
from protocol.records import Kind
from protocol.wires.native.fields import missing

routes = Routes()

GROUP = Kind.GROUP


@routes.add("POST", "/groups", about=About(answer=schemas.HEX32, status=201, body=schemas.GROUP_CREATION))
async def create_group(ask: Ask, broker: Broker) -> Answer:
    """ML-14. Create a group.

    The answer is its id, a bare string."""
    return await conversations.create(ask, broker, GROUP, fields.user(ask.json_object(), "owner"))


@routes.add("GET", "/groups", about=About(answer=schemas.GROUP_ROWS, query=schemas.PLACES_ASKED))
async def search(ask: Ask, broker: Broker) -> Answer:
    """ML-15. Search groups by their attributes."""
    found = await conversations.search(ask, broker, GROUP)
    return json_answer([{"id": conversation_id(ask.ids, info), **group_row(info, users)} for info, users in found])


async def get_group(ask: Ask, broker: Broker) -> Answer:
    """ML-16. A group.

    POST does the same, for the vendor's version 4 client loads so (ML-52)."""
    info = await conversations.found(ask, broker, GROUP)
    return json_answer(group_row(info, await conversations.members_of(ask, broker, info)))


for method in ("GET", "POST"):  # POST: the vendor's version 4 client loads so
    routes.add(method, "/groups/{groupId}", about=About(answer=schemas.GROUP_SHOWN))(get_group)


@routes.add("PUT", "/groups/{groupId}", about=About(status=201, body=schemas.GROUP_UPDATE))
async def update_group(ask: Ask, broker: Broker) -> Answer:
    """ML-17. Give a group another owner, other members or another name."""
    data = ask.json_object()
    owner = None if data.get("owner") is None else fields.user(data, "owner")
    users = None if data.get("members") is None else fields.users(data["members"])
    name = fields.name_of(data)
    if owner is None and users is None and name is None:
        missing("owner, members or name")
    info = await conversations.found(ask, broker, GROUP)
    if owner is not None or users is not None:
        await broker.call(ask.managed(SetMembers(conversation=info.id, users=users, owner=owner)))
    if name is not None:
        command = UpdateConversation(conversation=info.id, name=name, attributes=b'{"name":null}', merge=True)
        await broker.call(ask.managed(command))
    return Answer(status=201)


@routes.add("DELETE", "/groups/{groupId}", about=About(status=204))
async def delete_group(ask: Ask, broker: Broker) -> Answer:
    """ML-18. Delete a group, for good."""
    return await conversations.delete(ask, broker, GROUP)


@routes.add(
    "POST", "/groups/{groupId}/attributes", about=About(status=201, body=schemas.named_attributes(company="maxleap", star=5))
)
async def set_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-19. Set attributes of a group, and leave the others.

    The group's name is one of them, `name`. null removes one."""
    return await conversations.set_attributes(ask, broker, GROUP, merge=True)


@routes.add("PUT", "/groups/{groupId}/attributes", about=About(status=201, body=schemas.named_attributes(flag="Game")))
async def replace_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-20. Replace all attributes of a group.

    The group's name is one of them, `name`. Without a `name` here it has none."""
    return await conversations.set_attributes(ask, broker, GROUP, merge=False)


@routes.add("GET", "/groups/{groupId}/attributes", about=About(answer=schemas.ATTRIBUTES))
async def get_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-21. The attributes of a group."""
    return await conversations.get_attributes(ask, broker, GROUP)


@routes.add("GET", "/groups/{groupId}/attributes/{attribute}", about=About(answer=schemas.ATTRIBUTE))
async def get_attribute(ask: Ask, broker: Broker) -> Answer:
    """ML-22. One attribute of a group, a bare value.

    404 if there is none."""
    return await conversations.get_attribute(ask, broker, GROUP)


@routes.add("DELETE", "/groups/{groupId}/attributes", about=About(status=204))
async def clear_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-23. Remove all attributes of a group.

    Its name too."""
    return await conversations.clear_attributes(ask, broker, GROUP)


@routes.add("POST", "/groups/{groupId}/members", about=About(status=201, body=schemas.MEMBERS_SENT))
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """ML-24. Add members to a group: all of them, or nobody."""
    return await conversations.add_members(ask, broker, GROUP, fields.members(ask))


@routes.add("DELETE", "/groups/{groupId}/members", about=About(status=204, body=schemas.MEMBERS_SENT))
async def remove_members(ask: Ask, broker: Broker) -> Answer:
    """ML-25. Remove members of a group.

    Who is no member is no error; the owner stays, and with him among them everybody. Where a proxy drops the bodies of
    DELETE, `members` may be in the query."""
    return await conversations.remove_members(ask, broker, GROUP, fields.members(ask))


@routes.add("POST", "/groups/{groupId}/members/{userId}", about=About(status=201))
async def add_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52. Add one member to a group."""
    return await conversations.add_members(ask, broker, GROUP, (fields.user_of(ask),))


@routes.add("DELETE", "/groups/{groupId}/members/{userId}", about=About(status=204))
async def remove_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52. Remove one member of a group, not its owner."""
    return await conversations.remove_members(ask, broker, GROUP, (fields.user_of(ask),))


@routes.add("GET", "/groups/{groupId}/chats", about=About(answer=schemas.CHATS, query=schemas.CHATS_ASKED))
async def list_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-26. What was said in a group.

    As ML-10."""
    return await chats(ask, broker, await conversations.found(ask, broker, GROUP))


@routes.add("DELETE", "/groups/{groupId}/chats", about=About(status=204))
async def wipe_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-27. Wipe what was said in a group, for everybody and for good."""
    info = await conversations.found(ask, broker, GROUP)
    await broker.call(ask.managed(WipeConversation(conversation=info.id)))
    return Answer(status=204)
