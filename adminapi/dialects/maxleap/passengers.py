"""The endpoints of visitors, whom this vendor calls passengers: ML-39 to ML-41, in the order of the seed."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import chats, fields, schemas
from adminapi.schemas import About
from protocol.codec import read_json, write_json
from protocol.commands import GetUser, PutVisitor, UserFound
from protocol.errors import Reason, Refused
from protocol.records import UserInfo
from protocol.wires.native.fields import USER_ID_MOST, Data, name_or

routes = Routes()


async def visitor(ask: Ask, broker: Broker) -> UserInfo:
    """The visitor in the path. UNKNOWN_USER, also for a user."""
    name = fields.user_of(ask, "passengerId")
    found = cast(UserFound, await broker.call(ask.managed(GetUser(user=name)))).user
    if not found.visitor:
        raise Refused(Reason.UNKNOWN_USER, f"{name} is a user, not a passenger.")
    return found


@routes.add("POST", "/passengers", about=About(answer=schemas.ID, status=201, body=schemas.PASSENGER))
async def put_passenger(ask: Ask, broker: Broker) -> Answer:
    """ML-39. Make a passenger, a user without an account.

    The answer is his id, a bare string."""
    data = ask.json_object()
    name = name_or(data, "id", USER_ID_MOST)
    if name and not fields.NEW_USER.fullmatch(name):
        raise Refused(Reason.BAD_USER_ID, "id has 1 to 128 letters, digits, underscores and hyphens.")
    attributes: Data = {key: value for key, value in data.items() if key != "id"}
    command = PutVisitor(user=name, attributes=write_json(attributes))
    return json_answer(cast(UserFound, await broker.call(ask.managed(command))).user.user, 201)


async def get_passenger(ask: Ask, broker: Broker) -> Answer:
    """ML-40. The attributes of a passenger.

    POST does the same, for the vendor's version 4 client loads so (ML-52)."""
    return json_answer(read_json((await visitor(ask, broker)).attributes))


for method in ("GET", "POST"):  # POST: the vendor's version 4 client loads so
    routes.add(method, "/passengers/{passengerId}", about=About(answer=schemas.ATTRIBUTES))(get_passenger)


@routes.add("GET", "/passengers/{passengerId}/chats/{userId}", about=About(answer=schemas.CHATS, query=schemas.CHATS_ASKED))
async def list_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-41. What a passenger and a user have said to each other.

    As ML-10."""
    other = fields.user_of(ask)
    return await chats.direct(ask, broker, (await visitor(ask, broker)).user, other)
