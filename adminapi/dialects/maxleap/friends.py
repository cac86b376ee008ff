"""Friends, strangers, and what else belongs to a user: ML-07 to ML-13, in the order of the seed, and ML-52.

Friendship is of both at once, so whose path it is only decides who is `from`.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import chats, conversations, fields, schemas
from adminapi.dialects.maxleap.codes import UNKNOWN, Failed
from adminapi.dialects.maxleap.shapes import conversation_id, friendship_id, group_row, recent, room_row
from adminapi.dialects.maxleap.users import account
from adminapi.schemas import About
from protocol.commands import AddFriend, DirectPage, FriendList, ListDirects, ListFriends, RemoveFriend
from protocol.errors import Reason, Refused
from protocol.records import DirectInfo, FriendInfo, Kind, Message
from protocol.wires.native.fields import Data

routes = Routes()


def friendship(ask: Ask, user: str, friend: FriendInfo) -> Data:
    """ML-07 and ML-08 but for the key each has of its own."""
    key = friendship_id(ask.app.id, user, friend.user)
    return {"id": key, "from": user, "to": friend.user, "ts": friend.since_ms}


def among(friends: list[FriendInfo], name: str) -> FriendInfo:
    for friend in friends:
        if friend.user == name:
            return friend
    raise Failed(UNKNOWN, f"{name} is not a friend of this user.")


async def friends_of(ask: Ask, broker: Broker, user: str) -> list[FriendInfo]:
    return cast(FriendList, await broker.call(ask.managed(ListFriends(), user=user))).friends


async def last_of_friends(ask: Ask, broker: Broker, user: str) -> dict[str, Message | None]:
    """What was said last between the user and each friend he has talked to."""
    said: dict[str, Message | None] = {}
    skip = 0
    while True:
        command = ListDirects(friends=True, skip=skip)
        page = cast(DirectPage, await broker.call(ask.managed(command, user=user)))
        said |= {direct.user: direct.last_message for direct in page.directs}
        skip += len(page.directs)
        if not page.directs or skip >= page.total:
            return said


@routes.add("POST", "/ctx/{userId}/friends/{friendId}", about=About(answer=schemas.FRIEND_ADDED))
async def add_friend(ask: Ask, broker: Broker) -> Answer:
    """ML-07. Make two users friends.

    Twice is no error. Who is not there yet is made."""
    user, other = fields.user_of(ask), fields.user_of(ask, "friendId")
    makeable = [name for name in (user, other) if fields.NEW_USER.fullmatch(name)]
    reply = cast(FriendList, await broker.call(ask.managed(AddFriend(user=other), user=user, newcomers=makeable)))
    return json_answer({**friendship(ask, user, among(reply.friends, other)), "ns": ask.app.id})


@routes.add("GET", "/ctx/{userId}/friends/{friendId}", about=About(answer=schemas.FRIEND))
async def get_friend(ask: Ask, broker: Broker) -> Answer:
    """ML-08. A friendship, and whether the friend is online.

    404 if they are not friends."""
    user = fields.user_of(ask)
    friend = among(await friends_of(ask, broker, user), fields.user_of(ask, "friendId"))
    return json_answer({**friendship(ask, user, friend), "online": friend.online})


@routes.add("DELETE", "/ctx/{userId}/friends/{friendId}", about=About(status=204))
async def remove_friend(ask: Ask, broker: Broker) -> Answer:
    """ML-09. End a friendship.

    No error if there is none, nor where a user is unknown."""
    user, other = fields.user_of(ask), fields.user_of(ask, "friendId")
    try:
        await broker.call(ask.managed(RemoveFriend(user=other), user=user))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_USER:
            raise
    return Answer(status=204)


@routes.add("GET", "/ctx/{userId}/friends/{friendId}/chats", about=About(answer=schemas.CHATS, query=schemas.CHATS_ASKED))
async def list_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-10. What two friends have said to each other.

    The newest rows before `ts`; that of the oldest asks for what came before it."""
    return await chats.direct(ask, broker, fields.user_of(ask), fields.user_of(ask, "friendId"))


@routes.add("GET", "/ctx/{userId}/friends", about=About(answer=schemas.PEOPLE, query=schemas.DETAILED))
async def list_friends(ask: Ask, broker: Broker) -> Answer:
    """ML-11. The friends of a user."""
    user = fields.user_of(ask)
    found = await friends_of(ask, broker, user)
    if "detail" not in ask.query:
        return json_answer([friend.user for friend in found])
    said = await last_of_friends(ask, broker, user)
    rows = [{"id": each.user, "online": each.online, **recent(said.get(each.user))} for each in found]
    return json_answer(rows)


@routes.add("GET", "/ctx/{userId}/groups", about=About(answer=schemas.OWN_GROUPS, query=schemas.DETAILED))
async def list_groups(ask: Ask, broker: Broker) -> Answer:
    """ML-12. The groups a user is in."""
    user = (await account(ask, broker, fields.user_of(ask))).user
    infos = await conversations.of_user(ask, broker, user, Kind.GROUP)
    if "detail" not in ask.query:
        return json_answer([conversation_id(ask.ids, info) for info in infos])
    rows = [
        {"id": conversation_id(ask.ids, info), **group_row(info, members), **recent(info.last_message)}
        for info, members in await conversations.with_members(ask, broker, infos)
    ]
    return json_answer(rows)


@routes.add("GET", "/ctx/{userId}/rooms", about=About(answer=schemas.OWN_ROOMS, query=schemas.DETAILED))
async def list_rooms(ask: Ask, broker: Broker) -> Answer:
    """ML-13. The rooms a user is in."""
    user = (await account(ask, broker, fields.user_of(ask))).user
    infos = await conversations.of_user(ask, broker, user, Kind.ROOM)
    if "detail" not in ask.query:
        return json_answer([conversation_id(ask.ids, info) for info in infos])
    rows = await conversations.with_members(ask, broker, infos)
    return json_answer([{"id": conversation_id(ask.ids, info), **room_row(info, members)} for info, members in rows])


def stranger_row(direct: DirectInfo) -> Data:
    return {"id": direct.user, "online": direct.online, **recent(direct.last_message)}


@routes.add("GET", "/ctx/{userId}/strangers", about=About(answer=schemas.PEOPLE, query=schemas.DETAILED_PAGE))
async def list_strangers(ask: Ask, broker: Broker) -> Answer:
    """ML-52. The strangers a user has talked to.

    Neither friends nor passengers."""
    user, limit = fields.user_of(ask), fields.limit(ask)
    command = ListDirects(friends=False, skip=fields.skip(ask), limit=limit)
    found = cast(DirectPage, await broker.call(ask.managed(command, user=user))).directs
    detail = "detail" in ask.query
    return json_answer([stranger_row(each) if detail else each.user for each in found])


@routes.add("GET", "/ctx/{userId}/strangers/{strangerId}", about=About(answer=schemas.PERSON))
async def get_stranger(ask: Ask, broker: Broker) -> Answer:
    """ML-52. A stranger a user has talked to.

    404 if they have not talked, or are friends."""
    user, other = fields.user_of(ask), fields.user_of(ask, "strangerId")
    info = await chats.between(ask, broker, user, other)
    if info is None or other in [friend.user for friend in await friends_of(ask, broker, user)]:
        raise Failed(UNKNOWN, f"{other} is not a stranger this user has talked to.")
    online = (await account(ask, broker, other)).online
    return json_answer(stranger_row(DirectInfo(other, online, info.id, info.last_message)))


@routes.add(
    "GET", "/ctx/{userId}/strangers/{strangerId}/chats", about=About(answer=schemas.CHATS, query=schemas.CHATS_ASKED)
)
async def list_stranger_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-52. What a user and a stranger have said to each other.

    As ML-10."""
    return await chats.direct(ask, broker, fields.user_of(ask), fields.user_of(ask, "strangerId"))
