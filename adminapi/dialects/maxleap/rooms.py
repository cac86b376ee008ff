"""The room endpoints: ML-28 to ML-38, in the order of the seed, and those of ML-52."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import conversations, fields
from adminapi.dialects.maxleap.shapes import conversation_id, room_row
from protocol.records import Kind

routes = Routes()

ROOM = Kind.ROOM


@routes.add("POST", "/rooms")
async def create_room(ask: Ask, broker: Broker) -> Answer:
    """ML-28. `name`, `members` -> 201, the id as a bare string."""
    return await conversations.create(ask, broker, ROOM)


@routes.add("GET", "/rooms")
async def search(ask: Ask, broker: Broker) -> Answer:
    """ML-29. Filters, `_sort`, `_skip`, `_limit` -> `id`, `members`, `attributes` and `ts` of each."""
    found = await conversations.search(ask, broker, ROOM)
    return json_answer([{"id": conversation_id(ask.ids, info), **room_row(info, users)} for info, users in found])


async def get_room(ask: Ask, broker: Broker) -> Answer:
    """ML-30 -> `members`, `attributes`, `ts`."""
    info = await conversations.found(ask, broker, ROOM)
    return json_answer(room_row(info, await conversations.members_of(ask, broker, info)))


for method in ("GET", "POST"):  # POST: the vendor's version 4 client loads so
    routes.add(method, "/rooms/{id}")(get_room)


@routes.add("DELETE", "/rooms/{id}")
async def delete_room(ask: Ask, broker: Broker) -> Answer:
    """ML-31 -> 204."""
    return await conversations.delete(ask, broker, ROOM)


@routes.add("POST", "/rooms/{id}/attributes")
async def set_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-32. A free JSON object, merged -> 201."""
    return await conversations.set_attributes(ask, broker, ROOM, merge=True)


@routes.add("PUT", "/rooms/{id}/attributes")
async def replace_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-33. A free JSON object -> 201."""
    return await conversations.set_attributes(ask, broker, ROOM, merge=False)


@routes.add("GET", "/rooms/{id}/attributes")
async def get_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-34 -> the object."""
    return await conversations.get_attributes(ask, broker, ROOM)


@routes.add("GET", "/rooms/{id}/attributes/{attribute}")
async def get_attribute(ask: Ask, broker: Broker) -> Answer:
    """ML-35 -> the bare value."""
    return await conversations.get_attribute(ask, broker, ROOM)


@routes.add("DELETE", "/rooms/{id}/attributes")
async def clear_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-36 -> 204."""
    return await conversations.clear_attributes(ask, broker, ROOM)


@routes.add("POST", "/rooms/{id}/members")
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """ML-37. `members`* -> 201."""
    return await conversations.add_members(ask, broker, ROOM, fields.members(ask))


@routes.add("DELETE", "/rooms/{id}/members")
async def remove_members(ask: Ask, broker: Broker) -> Answer:
    """ML-38. `members`* of the DELETE's body (or the query) -> 204."""
    return await conversations.remove_members(ask, broker, ROOM, fields.members(ask))


@routes.add("POST", "/rooms/{id}/members/{user_id}")
async def add_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52 -> 201."""
    return await conversations.add_members(ask, broker, ROOM, (fields.user_of(ask),))


@routes.add("DELETE", "/rooms/{id}/members/{user_id}")
async def remove_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52 -> 204."""
    return await conversations.remove_members(ask, broker, ROOM, (fields.user_of(ask),))
