"""Looking for conversations, and what back offices do to clients: the calls of LC-30 that are served."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import Row, conversation_row
from adminapi.dialects.leancloud.where import conditions
from adminapi.schemas import About
from protocol.commands import (
    ConversationPage,
    Kick,
    ListConversations,
    ListMembers,
    MemberList,
    OnlineUsers,
    QueryPresence,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind
from protocol.wires.native.fields import text_or

routes = Routes()

LIMIT, LIMIT_MOST = 100, 1000
SKIP_MOST = 1_000_000
ASKED_MOST = 20
"""Users of one check-online."""
REASON_MOST = 20
"""Characters of a kick's reason."""


@routes.add("GET", "/1.2/rtm/conversations", about=About(answer=schemas.ROWS, query=schemas.LISTING))
async def list_conversations(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Search conversations, newest first.

    Members of chatrooms are left out."""
    data = fields.request(ask)
    where = conditions(data.get("where"), ask.ids)
    skip = fields.integer(data, "skip", 0, SKIP_MOST, 0)
    limit = fields.integer(data, "limit", 0, LIMIT_MOST, LIMIT)
    found: list[ConversationInfo] = []
    if limit:
        command = ListConversations(where=where, skip=skip, size=limit)
        found = cast(ConversationPage, await broker.call(ask.managed(command))).conversations
    rows = [row for info in found if (row := await with_members(ask, broker, info)) is not None]
    return json_answer({"results": rows})


async def with_members(ask: Ask, broker: Broker, info: ConversationInfo) -> Row | None:
    """The conversation's row; None if it has gone meanwhile."""
    if info.kind == Kind.ROOM:
        return conversation_row(info, None, ask.ids)
    try:
        reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=info.id))))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_CONVERSATION:
            raise
        return None
    return conversation_row(info, [member.user for member in reply.members], ask.ids)


@routes.add("POST", "/1.2/rtm/clients/{client_id}/kick", about=About(answer=schemas.NOTHING, body=schemas.KICK))
async def kick(ask: Ask, broker: Broker) -> Answer:
    """LC-30. End a client's sessions.

    Who is unknown is offline."""
    reason = text_or(fields.request(ask), "reason", REASON_MOST)
    try:
        await broker.call(ask.managed(Kick(user=ask.path["client_id"], reason=reason)))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_USER:
            raise
    return json_answer({})


@routes.add("POST", "/1.2/rtm/clients/check-online", about=About(answer=schemas.ONLINE, body=schemas.ASKED))
async def check_online(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Which of up to 20 clients are online.

    Who is unknown is offline."""
    users = fields.users(ask, fields.request(ask), "client_ids", ASKED_MOST)
    online = cast(OnlineUsers, await broker.call(ask.managed(QueryPresence(users=users)))).online
    return json_answer({"results": online})
