"""The user endpoints: ML-01 to ML-06, in the order of the seed, and the search of ML-52."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import fields, schemas
from adminapi.dialects.maxleap.conversations import of_user, one_of
from adminapi.dialects.maxleap.shapes import conversation_id, user_row
from adminapi.schemas import About
from protocol.codec import read_json, write_json
from protocol.commands import (
    FriendList,
    GetUser,
    ListFriends,
    ListSessions,
    ListUsers,
    PutUser,
    SessionList,
    UserFound,
    UserList,
)
from protocol.errors import Reason, Refused
from protocol.records import Kind, UserInfo
from protocol.wires.native.fields import Data

routes = Routes()

NAMED = {"ts": "updated", "id": "id"}
"""Words of `_sort` that are no attribute."""


async def account(ask: Ask, broker: Broker, user: str) -> UserInfo:
    """UNKNOWN_USER, also for a visitor."""
    found = cast(UserFound, await broker.call(ask.managed(GetUser(user=user)))).user
    if found.visitor:
        raise Refused(Reason.UNKNOWN_USER, f"{user} is a passenger, not a user.")
    return found


def attributes_of(user: UserInfo) -> Data:
    return cast(Data, read_json(user.attributes))


@routes.add("GET", "/ctx", about=About(answer=schemas.USER_ROWS, query=schemas.USERS_ASKED))
async def search(ask: Ask, broker: Broker) -> Answer:
    """ML-52. Search users by their attributes."""
    limit = fields.limit(ask)
    command = ListUsers(skip=fields.skip(ask), limit=limit, where=fields.filters(ask, {}), sort=fields.sort(ask, NAMED))
    reply = cast(UserList, await broker.call(ask.managed(command)))
    return json_answer([user_row(user) for user in reply.users])


async def get_user(ask: Ask, broker: Broker) -> Answer:
    """ML-01. A user with his installs, sessions, friends, groups and rooms.

    `attributes` is absent if he has none. POST does the same, for the vendor's version 4 client loads so (ML-52)."""
    found = await account(ask, broker, fields.user_of(ask))
    sessions = cast(SessionList, await broker.call(ask.managed(ListSessions(user=found.user))))
    friends = cast(FriendList, await broker.call(ask.managed(ListFriends(), user=found.user))).friends
    attributes = attributes_of(found)
    shown: Data = {"attributes": attributes} if attributes else {}
    shown |= {
        "installs": list(dict.fromkeys(each.install for each in sessions.sessions if each.install)),
        "sessions": sessions.total,
        "friends": [friend.user for friend in friends],
    }
    for kind, name in ((Kind.GROUP, "groups"), (Kind.ROOM, "rooms")):
        shown[name] = [conversation_id(ask.ids, info) for info in await of_user(ask, broker, found.user, kind)]
    return json_answer(shown)


for method in ("GET", "POST"):  # POST: the vendor's version 4 client loads so
    routes.add(method, "/ctx/{userId}", about=About(answer=schemas.USER_SHOWN))(get_user)


async def put(ask: Ask, broker: Broker, *, merge: bool) -> Answer:
    """A user is made by his attributes, if he may be called so."""
    attributes = write_json(fields.attributes(ask, merge=merge))
    user = fields.user_of(ask)
    if not fields.NEW_USER.fullmatch(user):
        try:
            await account(ask, broker, user)
        except Refused as refused:
            if refused.reason is not Reason.UNKNOWN_USER:
                raise
            detail = "A new user's id has 1 to 128 letters, digits, underscores and hyphens."
            raise Refused(Reason.BAD_USER_ID, detail) from None
    await broker.call(ask.managed(PutUser(user=user, attributes=attributes, merge=merge)))
    return Answer(status=201)


@routes.add(
    "POST",
    "/ctx/{userId}/attributes",
    about=About(status=201, body=schemas.attributes(name="隔壁老王", age=46, gender="male")),
)
async def set_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-02. Set attributes of a user, and leave the others.

    Who is not there yet is made. null removes one."""
    return await put(ask, broker, merge=True)


@routes.add("PUT", "/ctx/{userId}/attributes", about=About(status=201, body=schemas.attributes(name="隔壁老李")))
async def replace_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-03. Replace all attributes of a user.

    Who is not there yet is made."""
    return await put(ask, broker, merge=False)


@routes.add("GET", "/ctx/{userId}/attributes", about=About(answer=schemas.ATTRIBUTES))
async def get_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-04. The attributes of a user."""
    return json_answer(attributes_of(await account(ask, broker, fields.user_of(ask))))


@routes.add("GET", "/ctx/{userId}/attributes/{attribute}", about=About(answer=schemas.ATTRIBUTE))
async def get_attribute(ask: Ask, broker: Broker) -> Answer:
    """ML-05. One attribute of a user, a bare value.

    404 if there is none."""
    return one_of(ask, attributes_of(await account(ask, broker, fields.user_of(ask))))


@routes.add("DELETE", "/ctx/{userId}/attributes", about=About(status=204))
async def clear_attributes(ask: Ask, broker: Broker) -> Answer:
    """ML-06. Remove all attributes of a user."""
    user = (await account(ask, broker, fields.user_of(ask))).user
    await broker.call(ask.managed(PutUser(user=user, attributes=b"{}")))
    return Answer(status=204)
