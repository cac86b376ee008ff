"""Silencing members: LC-07 to LC-09, in the order of the seed.

LeanCloud later gave the same path to something else, "do not notify me" (`client_ids`, no `ttl`). The request's body says
which is meant. It is what a client says himself on his socket, and shows as `mu` of the conversation.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.conversations import now_ms
from adminapi.dialects.leancloud.shapes import listed, updated
from adminapi.schemas import About
from protocol.commands import Done, ListMembers, MemberList, Mute, SetQuiet, Unmute
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import Data

routes = Routes()

MOST_SECONDS = 86_400
"""24 h (LC-07)."""


def about_notifications(data: Data) -> bool:
    return data.get("client_ids") is not None and data.get("client_id") in (None, "")


async def set_quiet(ask: Ask, broker: Broker, data: Data, quiet: bool) -> Answer:
    """Of `client_ids`, who have to be members (4317, before anything has changed)."""
    conversation, who = fields.conversation_of(ask), fields.users(ask, data, "client_ids")
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=conversation))))
    if strangers := sorted(set(who) - {member.user for member in reply.members}):
        raise Refused(Reason.NOT_A_MEMBER, f"{strangers[0]} is not a member of this conversation.")
    for user in who:
        await broker.call(ask.managed(SetQuiet(conversation=conversation, quiet=quiet), user=user))
    return json_answer(updated(ask, conversation, now_ms(ask)))


@routes.add("POST", "/1.2/rtm/conversations/{conv_id}/mutes", about=About(answer=schemas.UPDATED, body=schemas.SILENCE))
async def silence(ask: Ask, broker: Broker) -> Answer:
    """LC-07. Silence a member for a while.

    `client_ids` is the later "do not notify" of these members."""
    data = fields.request(ask)
    if about_notifications(data):
        return await set_quiet(ask, broker, data, True)
    conversation, who = fields.conversation_of(ask), fields.user(data, "client_id")
    command = Mute(conversation=conversation, user=who, seconds=fields.integer(data, "ttl", 1, MOST_SECONDS))
    done = cast(Done, await broker.call(ask.managed(command)))
    return json_answer(updated(ask, conversation, done.time_ms))


@routes.add("DELETE", "/1.2/rtm/conversations/{conv_id}/mutes", about=About(answer=schemas.UPDATED, query=schemas.UNSILENCE))
async def unsilence(ask: Ask, broker: Broker) -> Answer:
    """LC-08. Let a silenced member speak.

    `client_ids` in a body is the later "notify again" of these members."""
    data = fields.request(ask)
    if about_notifications(data):
        return await set_quiet(ask, broker, data, False)
    conversation = fields.conversation_of(ask)
    done = cast(Done, await broker.call(ask.managed(Unmute(conversation=conversation, user=fields.user(data, "client_id")))))
    return json_answer(updated(ask, conversation, done.time_ms))


@routes.add("GET", "/1.2/rtm/conversations/{conv_id}/mutes", about=About(answer=schemas.LISTED))
async def list_silenced(ask: Ask, broker: Broker) -> Answer:
    """LC-09. The silenced members."""
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=fields.conversation_of(ask)))))
    return listed(ask, [member.user for member in reply.members if member.muted_until_ms])
