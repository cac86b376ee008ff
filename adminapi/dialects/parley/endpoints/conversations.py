"""Conversations: finding them, and who is in one."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley.endpoints.shapes import (
    any_of,
    conversation_id,
    conversation_page,
    conversation_shape,
    next_start,
    number,
    page_asked,
    words,
)
from adminapi.dialects.parley.schemas import common as schemas
from adminapi.dialects.parley.schemas.conversations import MEMBERS, MEMBERS_ASKED, MEMBERS_MOST
from adminapi.schemas import About
from protocol.commands import (
    ConversationFound,
    ConversationPage,
    GetConversation,
    ListConversations,
    ListMembers,
    MemberList,
)
from protocol.records import MemberInfo, Role
from protocol.wires.native.fields import Data, bad

routes = Routes()


@routes.add("GET", "/-/api/apps/{app}/conversations", about=About(answer=schemas.CONVERSATIONS, query=schemas.PAGED))
async def list_conversations(ask: Ask, broker: Broker) -> Answer:
    """Conversations, newest first.

    With `search` those in whose name it is, in any case of letters, or whose id, owner or member it is."""
    text, (start, limit) = words(ask, "search"), page_asked(ask)
    ways: list[tuple[str, str, object]] = [("name", "contains~", text), ("owner", "=", text), ("member", "=", text)]
    if (known := ask.ids.conversation(text)) is not None:
        ways.append(("id", "=", known))
    command = ListConversations(where=any_of(*ways) if text else (), skip=start, size=limit)
    reply = cast(ConversationPage, await broker.call(ask.managed(command)))
    return json_answer(conversation_page(ask, reply, start))


@routes.add("GET", "/-/api/apps/{app}/conversations/{conversation}", about=About(answer=schemas.CONVERSATION))
async def get_conversation(ask: Ask, broker: Broker) -> Answer:
    """A conversation."""
    reply = cast(ConversationFound, await broker.call(ask.managed(GetConversation(conversation=conversation_id(ask)))))
    return json_answer(conversation_shape(ask, reply.conversation))


@routes.add(
    "GET",
    "/-/api/apps/{app}/conversations/{conversation}/members",
    about=About(answer=MEMBERS, query=MEMBERS_ASKED),
)
async def list_members(ask: Ask, broker: Broker) -> Answer:
    """Who is in a conversation, in the order of their joining."""
    limit = number(ask, "limit", 50, 1, MEMBERS_MOST)
    start = number(ask, "start", 0, 0, 100_000_000)
    if start % limit:
        bad("start", f"a multiple of limit, which is {limit}")
    command = ListMembers(conversation=conversation_id(ask), page=start // limit + 1, size=limit)
    reply = cast(MemberList, await broker.call(ask.managed(command)))
    rows = [shape(member) for member in reply.members]
    return json_answer({"members": rows, "next": next_start(start, len(rows), reply.total), "total": reply.total})


def shape(member: MemberInfo) -> Data:
    return {
        "user": member.user,
        "role": Role(member.role).name.lower(),
        "online": member.online,
        "muted_until_ms": member.muted_until_ms or None,
        "joined_ms": member.joined_ms,
        "read_seq": member.read_seq,
        "delivered_seq": member.delivered_seq,
    }
