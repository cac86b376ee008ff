"""The group endpoints: ML-14 to ML-27, in the order of the seed, and those of ML-52."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import conversations, fields
from adminapi.dialects.maxleap.chats import chats
from adminapi.dialects.maxleap.shapes import conversation_id, group_row
from protocol.commands import SetMembers, UpdateConversation, WipeConversation
from protocol.records import Kind
from protocol.wires.native.fields import missing

routes = Routes()

GROUP = Kind.GROUP


@routes.add("POST", "/groups")
async def create_group(ask: Ask, broker: Broker) -> Answer:
    """ML-14. `owner`*, `name`, `members` -> 201, the id as a bare string."""
    return await conversations.create(ask, broker, GROUP, fields.user(ask.json_object(), "owner"))


@routes.add("GET", "/groups")
async def search(ask: Ask, broker: Broker) -> Answer:
    """ML-15. Filters, `_sort`, `_skip`, `_limit` -> `id`, `owner`, `members`, `attributes` and `ts` of each."""
    found = await conversations.search(ask, broker, GROUP)
    return json_answer([{"id": conversation_id(ask.ids, info), **group_row(info, users)} for info, users in found])


async def get_group(ask: Ask, broker: Broker) -> Answer:
    """ML-16 -> `owner`, `members`, `attributes`, `ts`."""
    info = await conversations.found(ask, broker, GROUP)
    return json_answer(group_row(info, await conversations.members_of(ask, broker, info)))


for method in ("GET", "POST"):  # POST: the vendor's version 4 client loads so
    routes.add(method, "/groups/{id}")(get_group)


@routes.add("PUT", "/groups/{id}")
async def update_group(ask: Ask, broker: Broker) -> Answer:
    """ML-17. `owner`, `members` (all of them), `name`, at least one -> 201."""
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


@routes.add("DELETE", "/groups/{id}")
async def delete_group(ask: Ask, broker: Broker) -> Answer:
    """ML-18 -> 204."""
    return await conversations.delete(ask, broker, GROUP)


@routes.add("POST", "/groups/{id}/attributes")
async def set_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-19. A free JSON object, merged -> 201."""
    return await conversations.set_attributes(ask, broker, GROUP, merge=True)


@routes.add("PUT", "/groups/{id}/attributes")
async def replace_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-20. A free JSON object -> 201."""
    return await conversations.set_attributes(ask, broker, GROUP, merge=False)


@routes.add("GET", "/groups/{id}/attributes")
async def get_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-21 -> the object."""
    return await conversations.get_attributes(ask, broker, GROUP)


@routes.add("GET", "/groups/{id}/attributes/{attribute}")
async def get_attribute(ask: Ask, broker: Broker) -> Answer:
    """ML-22 -> the bare value."""
    return await conversations.get_attribute(ask, broker, GROUP)


@routes.add("DELETE", "/groups/{id}/attributes")
async def clear_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-23 -> 204."""
    return await conversations.clear_attributes(ask, broker, GROUP)


@routes.add("POST", "/groups/{id}/members")
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """ML-24. `members`* -> 201."""
    return await conversations.add_members(ask, broker, GROUP, fields.members(ask))


@routes.add("DELETE", "/groups/{id}/members")
async def remove_members(ask: Ask, broker: Broker) -> Answer:
    """ML-25. `members`* of the DELETE's body (or the query) -> 204. Not the owner."""
    return await conversations.remove_members(ask, broker, GROUP, fields.members(ask))


@routes.add("POST", "/groups/{id}/members/{user_id}")
async def add_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52 -> 201."""
    return await conversations.add_members(ask, broker, GROUP, (fields.user_of(ask),))


@routes.add("DELETE", "/groups/{id}/members/{user_id}")
async def remove_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52 -> 204."""
    return await conversations.remove_members(ask, broker, GROUP, (fields.user_of(ask),))


@routes.add("GET", "/groups/{id}/chats")
async def list_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-26, as ML-10."""
    return await chats(ask, broker, await conversations.found(ask, broker, GROUP))


@routes.add("DELETE", "/groups/{id}/chats")
async def wipe_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-27 -> 204. For everybody and for good."""
    info = await conversations.found(ask, broker, GROUP)
    await broker.call(ask.managed(WipeConversation(conversation=info.id)))
    return Answer(status=204)
