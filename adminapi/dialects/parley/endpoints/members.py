"""Who is in a conversation, and what each may do there."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.parley.endpoints.shapes import conversation_id, done
from adminapi.dialects.parley.schemas import conversations as schemas
from adminapi.dialects.parley.schemas.common import DONE
from adminapi.schemas import About
from protocol.commands import Block, DismissJoinRequest, JoinRequestList, ListJoinRequests, Mute, SetRole, Unblock, Unmute
from protocol.wires.native.fields import bad, missing, whole

routes = Routes()

ROLES = {"member": 0, "manager": 1, 0: 0, 1: 1}


@routes.add(
    "PUT",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/role",
    about=About(answer=DONE, body=schemas.ROLE),
    role=OperatorRole.ADMIN,
)
async def set_role(ask: Ask, broker: Broker) -> Answer:
    """Make a member a manager, or a manager a member."""
    role = ask.json_object().get("role")
    if role is None:
        missing("role")
    if not isinstance(role, str | int) or isinstance(role, bool) or role not in ROLES:
        bad("role", "member or manager")
    command = SetRole(conversation=conversation_id(ask), user=ask.path["user"], role=ROLES[role])
    return await done(ask, broker, command)


@routes.add(
    "POST",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/block",
    about=About(answer=DONE),
    role=OperatorRole.SUPPORT,
)
async def block(ask: Ask, broker: Broker) -> Answer:
    """Keep a user out of a conversation."""
    return await done(ask, broker, Block(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add(
    "POST",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/unblock",
    about=About(answer=DONE),
    role=OperatorRole.SUPPORT,
)
async def unblock(ask: Ask, broker: Broker) -> Answer:
    """Let a blocked user in again."""
    return await done(ask, broker, Unblock(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add(
    "POST",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/mute",
    about=About(answer=DONE, body=schemas.MUTE),
    role=OperatorRole.SUPPORT,
)
async def mute(ask: Ask, broker: Broker) -> Answer:
    """Silence a member."""
    seconds = whole(ask.json_object(), "seconds", 0, schemas.MUTE_SECONDS_MOST, 0)
    return await done(ask, broker, Mute(conversation=conversation_id(ask), user=ask.path["user"], seconds=seconds))


@routes.add(
    "POST",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/unmute",
    about=About(answer=DONE),
    role=OperatorRole.SUPPORT,
)
async def unmute(ask: Ask, broker: Broker) -> Answer:
    """Let a silenced member speak."""
    return await done(ask, broker, Unmute(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("GET", "/-/api/apps/{app}/conversations/{conversation}/join-requests", about=About(answer=schemas.JOIN_REQUESTS))
async def list_join_requests(ask: Ask, broker: Broker) -> Answer:
    """List who has asked to join.

    Oldest first. Adding a user as a member ends his request."""
    command = ListJoinRequests(conversation=conversation_id(ask))
    reply = cast(JoinRequestList, await broker.call(ask.managed(command)))
    return json_answer({"requests": [{"user": each.user, "asked_ms": each.asked_ms} for each in reply.requests]})


@routes.add(
    "DELETE",
    "/-/api/apps/{app}/conversations/{conversation}/join-requests/{user}",
    about=About(answer=DONE),
    role=OperatorRole.SUPPORT,
)
async def dismiss_join_request(ask: Ask, broker: Broker) -> Answer:
    """Turn down a request to join."""
    return await done(ask, broker, DismissJoinRequest(conversation=conversation_id(ask), user=ask.path["user"]))
