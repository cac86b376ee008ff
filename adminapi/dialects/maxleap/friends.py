"""Friends, strangers, and what else belongs to a user: ML-07 to ML-13, in the order of the seed, and ML-52.

Friendship is of both at once, so whose path it is only decides who is `from`.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import chats, conversations, fields
from adminapi.dialects.maxleap.codes import UNKNOWN, Failed
from adminapi.dialects.maxleap.shapes import conversation_id, friendship_id, group_row, recent, room_row
from adminapi.dialects.maxleap.users import account
from adminapi.dialects.newcomers import call_with
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


@routes.add("POST", "/ctx/{user_id}/friends/{friend_id}")
async def add_friend(ask: Ask, broker: Broker) -> Answer:
    """ML-07 -> `id`, `from`, `to`, `ns` (the app), `ts`. Twice is no error; who is not there yet is made."""
    user, other = fields.user_of(ask), fields.user_of(ask, "friend_id")
    makeable = [name for name in (user, other) if fields.NEW_USER.fullmatch(name)]
    reply = cast(FriendList, await call_with(ask, broker, AddFriend(user=other), makeable, acting=user))
    return json_answer({**friendship(ask, user, among(reply.friends, other)), "ns": ask.app.id})


@routes.add("GET", "/ctx/{user_id}/friends/{friend_id}")
async def get_friend(ask: Ask, broker: Broker) -> Answer:
    """ML-08 -> `id`, `from`, `to`, `online`, `ts`. 404 if they are not friends."""
    user = fields.user_of(ask)
    friend = among(await friends_of(ask, broker, user), fields.user_of(ask, "friend_id"))
    return json_answer({**friendship(ask, user, friend), "online": friend.online})


@routes.add("DELETE", "/ctx/{user_id}/friends/{friend_id}")
async def remove_friend(ask: Ask, broker: Broker) -> Answer:
    """ML-09 -> 204, for unknown ids too."""
    user, other = fields.user_of(ask), fields.user_of(ask, "friend_id")
    try:
        await broker.call(ask.managed(RemoveFriend(user=other), user=user))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_USER:
            raise
    return Answer(status=204)


@routes.add("GET", "/ctx/{user_id}/friends/{friend_id}/chats")
async def list_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-10. `ts`, `limit` (`size`) -> `speaker`, `content` and `ts` of each, old to new."""
    return await chats.direct(ask, broker, fields.user_of(ask), fields.user_of(ask, "friend_id"))


@routes.add("GET", "/ctx/{user_id}/friends")
async def list_friends(ask: Ask, broker: Broker) -> Answer:
    """ML-11 -> the ids; with `?detail` `id`, `online` and `recent` of each."""
    user = fields.user_of(ask)
    found = await friends_of(ask, broker, user)
    if "detail" not in ask.query:
        return json_answer([friend.user for friend in found])
    said = await last_of_friends(ask, broker, user)
    rows = [{"id": each.user, "online": each.online, **recent(said.get(each.user))} for each in found]
    return json_answer(rows)


@routes.add("GET", "/ctx/{user_id}/groups")
async def list_groups(ask: Ask, broker: Broker) -> Answer:
    """ML-12 -> the ids, newest first; with `?detail` each group with `id` and `recent`."""
    user = (await account(ask, broker, fields.user_of(ask))).user
    infos = await conversations.of_user(ask, broker, user, Kind.GROUP)
    if "detail" not in ask.query:
        return json_answer([conversation_id(ask.ids, info) for info in infos])
    rows = [
        {"id": conversation_id(ask.ids, info), **group_row(info, members), **recent(info.last_message)}
        for info, members in await conversations.with_members(ask, broker, infos)
    ]
    return json_answer(rows)


@routes.add("GET", "/ctx/{user_id}/rooms")
async def list_rooms(ask: Ask, broker: Broker) -> Answer:
    """ML-13 -> the ids, newest first; with `?detail` each room with `id`."""
    user = (await account(ask, broker, fields.user_of(ask))).user
    infos = await conversations.of_user(ask, broker, user, Kind.ROOM)
    if "detail" not in ask.query:
        return json_answer([conversation_id(ask.ids, info) for info in infos])
    rows = await conversations.with_members(ask, broker, infos)
    return json_answer([{"id": conversation_id(ask.ids, info), **room_row(info, members)} for info, members in rows])


def stranger_row(direct: DirectInfo) -> Data:
    return {"id": direct.user, "online": direct.online, **recent(direct.last_message)}


@routes.add("GET", "/ctx/{user_id}/strangers")
async def list_strangers(ask: Ask, broker: Broker) -> Answer:
    """ML-52. `skip`, `limit` -> the ids; with `?detail` `id`, `online` and `recent` of each."""
    user, limit = fields.user_of(ask), fields.limit(ask)
    command = ListDirects(friends=False, skip=fields.skip(ask), limit=limit)
    found = cast(DirectPage, await broker.call(ask.managed(command, user=user))).directs
    detail = "detail" in ask.query
    return json_answer([stranger_row(each) if detail else each.user for each in found])


@routes.add("GET", "/ctx/{user_id}/strangers/{stranger_id}")
async def get_stranger(ask: Ask, broker: Broker) -> Answer:
    """ML-52 -> `id`, `online`, `recent`; 404 if they have not talked, or are friends."""
    user, other = fields.user_of(ask), fields.user_of(ask, "stranger_id")
    info = await chats.between(ask, broker, user, other)
    if info is None or other in [friend.user for friend in await friends_of(ask, broker, user)]:
        raise Failed(UNKNOWN, f"{other} is not a stranger this user has talked to.")
    online = (await account(ask, broker, other)).online
    return json_answer(stranger_row(DirectInfo(other, online, info.id, info.last_message)))


@routes.add("GET", "/ctx/{user_id}/strangers/{stranger_id}/chats")
async def list_stranger_chats(ask: Ask, broker: Broker) -> Answer:
    """ML-52, as ML-10."""
    return await chats.direct(ask, broker, fields.user_of(ask), fields.user_of(ask, "stranger_id"))
