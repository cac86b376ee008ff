"""Who may not speak, who may not come back, and who has a role: the vendor's later calls for it, in conversations, chatrooms
and service conversations (LC-30; the seed has the silence of LC-07 alone).

The law: each does what a member's own call on a socket does, by the same command. Of several clients each succeeds or fails
alone; where one fails the answer is an error that names those for whom nothing was done.

Readings: a role's `objectId` is the client's id, as roles are kept with members. Who is put on a blacklist and not known is
made. Only members are silenced; in service conversations nobody is, as nobody speaks.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.conversations import now_ms
from adminapi.dialects.leancloud.members import members_of, page_start
from adminapi.dialects.leancloud.shapes import Row
from adminapi.schemas import About
from protocol.commands import (
    Command,
    ListBlocked,
    MembersChanged,
    Mute,
    SetBlocked,
    SetMembers,
    SetMuted,
    SetRole,
    Unmute,
    UserNames,
)
from protocol.errors import Reason, Refused
from protocol.records import Role
from protocol.wires.leancloud.members import ROLE_NAMES
from protocol.wires.leancloud.names import iso
from protocol.wires.native.fields import Data, bad, name, text_or

routes = Routes()

MOST_SECONDS = 86_400
LIMIT, LIMIT_MOST = 10, 500
ROLES_LIMIT, ROLES_MOST, SKIP_MOST = 100, 1000, 1_000_000
ROLES = {name: role for role, name in ROLE_NAMES.items()}


async def silence(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Silence a member for up to 24 hours."""
    data = fields.request(ask)
    seconds, who = fields.integer(data, "ttl", 1, MOST_SECONDS), fields.user(data, "client_id")
    await broker.call(ask.managed(Mute(conversation=meant(ask, data), user=who, seconds=seconds)))
    return json_answer({})


async def unsilence(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Let a silenced member speak."""
    data = fields.request(ask)
    who = fields.user(data, "client_id")
    await broker.call(ask.managed(Unmute(conversation=meant(ask, data), user=who)))
    return json_answer({})


def meant(ask: Ask, data: Data) -> int:
    """The conversation in the path; in version 1.1 it is the field `conv_id`."""
    return fields.conversation_of(ask) if "conv_id" in ask.path else fields.conversation(ask, name(data, "conv_id"))


async def each(ask: Ask, broker: Broker, command: Command, users: tuple[str, ...] = ()) -> Answer:
    """`users` are made if they are not there. The first failure's code, if there is one."""
    changed = cast(MembersChanged, await broker.call(ask.managed(command, newcomers=users)))
    if changed.failed:
        names = ", ".join(failure.user for failure in changed.failed)
        raise Refused(Reason(changed.failed[0].reason), f"It was not done for {names}; for the others it was.")
    return json_answer({})


async def silence_for_good(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Silence members until they are let speak again."""
    users = fields.users(ask, fields.request(ask), "client_ids")
    return await each(ask, broker, SetMuted(conversation=fields.conversation_of(ask), users=users, muted=True))


async def unsilence_for_good(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Let silenced members speak."""
    users = fields.users(ask, fields.request(ask), "client_ids")
    return await each(ask, broker, SetMuted(conversation=fields.conversation_of(ask), users=users, muted=False))


async def list_silenced_for_good(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The members who are silenced until they are let speak again."""
    data = fields.request(ask)
    start, limit = page_start(data), fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT)
    members = members_of(ask, broker, fields.conversation_of(ask))
    users = [member.user async for member in members if member.muted_until_ms < 0]
    return json_answer(part(users[start : start + limit], start + limit, len(users)))


def part(users: list[str], end: int, total: int) -> Row:
    return {"client_ids": users, **({"next": str(end)} if end < total else {})}


async def block(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Put clients on the blacklist: they leave, and do not come back."""
    users = fields.users(ask, fields.request(ask), "client_ids")
    command = SetBlocked(conversation=fields.conversation_of(ask), users=users, blocked=True)
    return await each(ask, broker, command, users)


async def unblock(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Take clients off the blacklist."""
    users = fields.users(ask, fields.request(ask), "client_ids")
    return await each(ask, broker, SetBlocked(conversation=fields.conversation_of(ask), users=users, blocked=False))


async def list_blocked(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Who is on the blacklist."""
    data = fields.request(ask)
    start, limit = page_start(data), fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT)
    command = ListBlocked(conversation=fields.conversation_of(ask), skip=start, limit=limit)
    names = cast(UserNames, await broker.call(ask.managed(command)))
    return json_answer(part(names.users, start + limit, names.total))


async def give_role(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Give a member a role: Member, Manager or Owner.

    Its `objectId` is the client's id."""
    data = fields.request(ask)
    who = ask.path["client_id"] if "client_id" in ask.path else fields.user(data, "clientId")
    role, conversation = role_in(data), fields.conversation_of(ask)
    if role is None:
        bad("role", "Member, Manager or Owner")
    if role == Role.OWNER:
        command: Command = SetMembers(conversation=conversation, owner=who)
    else:
        command = SetRole(conversation=conversation, user=who, role=role)
    await broker.call(ask.managed(command))
    return json_answer({"updatedAt": iso(now_ms(ask)), "objectId": who})


def role_in(data: Data) -> int | None:
    word = text_or(data, "role")
    if word and word not in ROLES:
        bad("role", "Member, Manager or Owner")
    return ROLES[word] if word else None


async def take_role(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Take a manager's role away."""
    command = SetRole(conversation=fields.conversation_of(ask), user=ask.path["client_id"], role=int(Role.MEMBER))
    await broker.call(ask.managed(command))
    return json_answer({})


async def list_roles(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Who is owner and who manager; with `role`, who of them is that."""
    data = fields.request(ask)
    only = role_in(data)
    skip = fields.integer(data, "skip", 0, SKIP_MOST, 0)
    limit = fields.integer(data, "limit", 1, ROLES_MOST, ROLES_LIMIT)
    rows = [
        {"clientId": member.user, "objectId": member.user, "role": ROLE_NAMES[member.role]}
        async for member in members_of(ask, broker, fields.conversation_of(ask))
        if member.role != Role.MEMBER and only in (None, member.role)
    ]
    return json_answer({"results": rows[skip : skip + limit]})


OLD = "/1.1/rtm/conversation/blacklist"
routes.add("POST", OLD, about=About(answer=schemas.NOTHING, body=schemas.OLD_SILENCED))(silence)
routes.add("DELETE", OLD, about=About(answer=schemas.NOTHING, query=schemas.OLD_UNSILENCE))(unsilence)

CONVERSATION, ROOM, SERVICE = (
    f"/1.2/rtm/{family}/{{conv_id}}" for family in ("conversations", "chatrooms", "service-conversations")
)
NOTHING = schemas.NOTHING
for place in (CONVERSATION, ROOM):
    short, long, infos = (f"{place}/{word}" for word in ("temporary-silenceds", "permanent-silenceds", "member-infos"))
    routes.add("POST", short, about=About(answer=NOTHING, body=schemas.SILENCED))(silence)
    routes.add("DELETE", short, about=About(answer=NOTHING, query=schemas.UNSILENCE))(unsilence)
    routes.add("POST", long, about=About(answer=NOTHING, body=schemas.USERS_SENT))(silence_for_good)
    routes.add("DELETE", long, about=About(answer=NOTHING, body=schemas.USERS_SENT))(unsilence_for_good)
    routes.add("GET", long, about=About(answer=schemas.PART_OF_USERS, query=schemas.PARTS_OF_USERS))(list_silenced_for_good)
    routes.add("POST", infos, about=About(answer=schemas.ROLE_GIVEN, body=schemas.ROLE))(give_role)
    routes.add("GET", infos, about=About(answer=schemas.ROLES_LISTED, query=schemas.ROLES_ASKED))(list_roles)
    info = infos + "/{client_id}"
    routes.add("PUT", info, about=About(answer=schemas.ROLE_GIVEN, body=schemas.ROLE_ALONE))(give_role)
    routes.add("DELETE", info, about=About(answer=NOTHING))(take_role)
for place in (CONVERSATION, ROOM, SERVICE):
    black = f"{place}/blacklists"
    routes.add("POST", black, about=About(answer=NOTHING, body=schemas.USERS_SENT))(block)
    routes.add("DELETE", black, about=About(answer=NOTHING, body=schemas.USERS_SENT))(unblock)
    routes.add("GET", black, about=About(answer=schemas.PART_OF_USERS, query=schemas.PARTS_OF_USERS))(list_blocked)
