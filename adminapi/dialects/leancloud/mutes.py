"""Silencing members: LC-07 to LC-09, in the order of the seed.

LeanCloud later gave the same path to something else, "do not notify me" (`client_ids`, no `ttl`). The request's body says
which is meant. Notifications are the push hook's affair, and we keep no such list: these calls are answered as LeanCloud
answers them, once it is sure that the conversation exists, and change nothing.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields
from adminapi.dialects.leancloud.shapes import listed, updated
from protocol.commands import ConversationFound, Done, GetConversation, ListMembers, MemberList, Mute, Unmute
from protocol.wires.native.fields import Data

routes = Routes()

MOST_SECONDS = 86_400
"""24 h (LC-07)."""


def about_notifications(data: Data) -> bool:
    return data.get("client_ids") is not None and data.get("client_id") in (None, "")


async def unchanged(ask: Ask, broker: Broker, data: Data) -> Answer:
    fields.users(ask, data, "client_ids")
    conversation = fields.conversation_of(ask)
    found = cast(ConversationFound, await broker.call(ask.managed(GetConversation(conversation=conversation))))
    return json_answer(updated(ask, conversation, found.conversation.updated_ms or found.conversation.created_ms))


@routes.add("POST", "/1.2/rtm/conversations/{conv_id}/mutes")
async def silence(ask: Ask, broker: Broker) -> Answer:
    """LC-07. `client_id`*, `ttl`* seconds, 1 to 86,400 -> `updatedAt`, `objectId`. Or `client_ids`*, as told above."""
    data = fields.request(ask)
    if about_notifications(data):
        return await unchanged(ask, broker, data)
    conversation, who = fields.conversation_of(ask), fields.user(data, "client_id")
    command = Mute(conversation=conversation, user=who, seconds=fields.integer(data, "ttl", 1, MOST_SECONDS))
    done = cast(Done, await broker.call(ask.managed(command)))
    return json_answer(updated(ask, conversation, done.time_ms))


@routes.add("DELETE", "/1.2/rtm/conversations/{conv_id}/mutes")
async def unsilence(ask: Ask, broker: Broker) -> Answer:
    """LC-08. `client_id`* of the query (or the body) -> `updatedAt`, `objectId`. Or `client_ids`*."""
    data = fields.request(ask)
    if about_notifications(data):
        return await unchanged(ask, broker, data)
    conversation = fields.conversation_of(ask)
    done = cast(Done, await broker.call(ask.managed(Unmute(conversation=conversation, user=fields.user(data, "client_id")))))
    return json_answer(updated(ask, conversation, done.time_ms))


@routes.add("GET", "/1.2/rtm/conversations/{conv_id}/mutes")
async def list_silenced(ask: Ask, broker: Broker) -> Answer:
    """LC-09 -> the silenced members' ids."""
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=fields.conversation_of(ask)))))
    return listed(ask, [member.user for member in reply.members if member.muted_until_ms])
