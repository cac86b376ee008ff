"""The room endpoints: ML-28 to ML-38, in the order of the seed, and those of ML-52."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import conversations, fields, schemas
from adminapi.dialects.maxleap.shapes import conversation_id, room_row
from adminapi.schemas import About
from protocol.records import Kind

routes = Routes()

ROOM = Kind.ROOM


@routes.add("POST", "/rooms", about=About(answer=schemas.HEX32, status=201, body=schemas.ROOM_CREATION))
async def create_room(ask: Ask, broker: Broker) -> Answer:
    """ML-28. Create a room.

    The answer is its id, a bare string."""
    return await conversations.create(ask, broker, ROOM)


@routes.add("GET", "/rooms", about=About(answer=schemas.ROOM_ROWS, query=schemas.PLACES_ASKED))
async def search(ask: Ask, broker: Broker) -> Answer:
    """ML-29. Search rooms by their attributes."""
    found = await conversations.search(ask, broker, ROOM)
    return json_answer([{"id": conversation_id(ask.ids, info), **room_row(info, users)} for info, users in found])


async def get_room(ask: Ask, broker: Broker) -> Answer:
    """ML-30. A room.

    POST does the same, for the vendor's version 4 client loads so (ML-52)."""
    info = await conversations.found(ask, broker, ROOM)
    return json_answer(room_row(info, await conversations.members_of(ask, broker, info)))


for method in ("GET", "POST"):  # POST: the vendor's version 4 client loads so
    routes.add(method, "/rooms/{roomId}", about=About(answer=schemas.ROOM_SHOWN))(get_room)


@routes.add("DELETE", "/rooms/{roomId}", about=About(status=204))
async def delete_room(ask: Ask, broker: Broker) -> Answer:
    """ML-31. Delete a room, for good."""
    return await conversations.delete(ask, broker, ROOM)


@routes.add(
    "POST", "/rooms/{roomId}/attributes", about=About(status=201, body=schemas.named_attributes(company="maxleap", star=5))
)
async def set_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-32. Set attributes of a room, and leave the others.

    The room's name is one of them, `name`. null removes one."""
    return await conversations.set_attributes(ask, broker, ROOM, merge=True)


@routes.add("PUT", "/rooms/{roomId}/attributes", about=About(status=201, body=schemas.named_attributes(rate="100%")))
async def replace_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-33. Replace all attributes of a room.

    The room's name is one of them, `name`. Without a `name` here it has none."""
    return await conversations.set_attributes(ask, broker, ROOM, merge=False)


@routes.add("GET", "/rooms/{roomId}/attributes", about=About(answer=schemas.ATTRIBUTES))
async def get_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-34. The attributes of a room."""
    return await conversations.get_attributes(ask, broker, ROOM)


@routes.add("GET", "/rooms/{roomId}/attributes/{attribute}", about=About(answer=schemas.ATTRIBUTE))
async def get_attribute(ask: Ask, broker: Broker) -> Answer:
    """ML-35. One attribute of a room, a bare value.

    404 if there is none."""
    return await conversations.get_attribute(ask, broker, ROOM)


@routes.add("DELETE", "/rooms/{roomId}/attributes", about=About(status=204))
async def clear_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-36. Remove all attributes of a room.

    Its name too."""
    return await conversations.clear_attributes(ask, broker, ROOM)


@routes.add("POST", "/rooms/{roomId}/members", about=About(status=201, body=schemas.MEMBERS_SENT))
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """ML-37. Add members to a room: all of them, or nobody."""
    return await conversations.add_members(ask, broker, ROOM, fields.members(ask))


@routes.add("DELETE", "/rooms/{roomId}/members", about=About(status=204, body=schemas.MEMBERS_SENT))
async def remove_members(ask: Ask, broker: Broker) -> Answer:
    """ML-38. Remove members of a room.

    Who is no member is no error. Where a proxy drops the bodies of DELETE, `members` may be in the query."""
    return await conversations.remove_members(ask, broker, ROOM, fields.members(ask))


@routes.add("POST", "/rooms/{roomId}/members/{userId}", about=About(status=201))
async def add_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52. Add one member to a room."""
    return await conversations.add_members(ask, broker, ROOM, (fields.user_of(ask),))


@routes.add("DELETE", "/rooms/{roomId}/members/{userId}", about=About(status=204))
async def remove_member(ask: Ask, broker: Broker) -> Answer:
    """ML-52. Remove one member of a room."""
    return await conversations.remove_members(ask, broker, ROOM, (fields.user_of(ask),))
