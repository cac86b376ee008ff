"""Looking for conversations, and what back offices do to clients: the calls of LC-30 that are served."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import conversation_row
from adminapi.dialects.timeline import look_up
from adminapi.schemas import About
from protocol.commands import (
    Condition,
    ConversationPage,
    Kick,
    ListConversations,
    OnlineUsers,
    QueryPresence,
    Stats,
    StatsReport,
    Sync,
    SyncState,
)
from protocol.errors import Reason, Refused
from protocol.wires.leancloud.where import conditions, sort_of
from protocol.wires.native.fields import Data, name, text_or
from protocol.wires.native.ids import app_ids

routes = Routes()

LIMIT, LIMIT_MOST = 100, 1000
SKIP_MOST = 1_000_000
ASKED_MOST = 20
"""Users of one check-online."""
PAGES_MOST = 100
"""Of a client's conversations, 200 each."""
REASON_MOST = 20
"""Characters of a kick's reason."""


@routes.add("GET", "/1.2/rtm/all-conversations", about=About(answer=schemas.ROWS, query=schemas.LISTING))
@routes.add("GET", "/1.2/rtm/conversations", about=About(answer=schemas.ROWS, query=schemas.LISTING))
async def list_conversations(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Search conversations, newest first.

    Of every kind; the members of chatrooms and service conversations are left out."""
    page = await search(ask, broker, fields.request(ask))
    return json_answer({"results": [conversation_row(info, ask) for info in page.conversations]})


async def search(ask: Ask, broker: Broker, data: Data, *more: Condition) -> ConversationPage:
    """What `where` finds, `skip`, `limit` and `order` applied; `more` must hold too. A `limit` of 0 only counts."""
    limit = fields.integer(data, "limit", 0, LIMIT_MOST, LIMIT)
    command = ListConversations(
        where=(*conditions(fields.where(data), app_ids(ask.app.id)), *more),
        skip=fields.integer(data, "skip", 0, SKIP_MOST, 0),
        size=limit or 1,
        sort=sort_of(text_or(data, "order")),
        with_members=True,
    )
    page = cast(ConversationPage, await broker.call(ask.managed(command)))
    return page if limit else ConversationPage(conversations=[], total=page.total)


@routes.add("GET", "/1.2/rtm/stats", about=About(answer=schemas.STATS))
async def stats(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many users are online.

    Who was today is not counted."""
    counters = cast(StatsReport, await broker.call(Stats())).counters
    return json_answer({"result": {"online_user_count": int(counters.get(f'online_users{{app="{ask.app.id}"}}', 0))}})


@routes.add("POST", "/1.2/rtm/clients/{client_id}/kick", about=About(answer=schemas.NOTHING, body=schemas.KICK))
async def kick(ask: Ask, broker: Broker) -> Answer:
    """LC-30. End a client's sessions.

    Who is unknown is offline."""
    return await kicked(ask, broker, ask.path["client_id"], fields.request(ask))


async def kicked(ask: Ask, broker: Broker, user: str, data: Data) -> Answer:
    reason = text_or(data, "reason", REASON_MOST)
    try:
        await broker.call(ask.managed(Kick(user=user, reason=reason)))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_USER:
            raise
    return json_answer({})


@routes.add("POST", "/1.2/rtm/clients/check-online", about=About(answer=schemas.ONLINE, body=schemas.ASKED))
async def check_online(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Which of up to 20 clients are online.

    Who is unknown is offline."""
    return await online_of(ask, broker, "client_ids")


async def online_of(ask: Ask, broker: Broker, field: str) -> Answer:
    users = fields.users(ask, fields.request(ask), field, ASKED_MOST)
    online = cast(OnlineUsers, await broker.call(ask.managed(QueryPresence(users=users)))).online
    return json_answer({"results": online})


@routes.add("GET", "/1.2/rtm/clients/{client_id}/unread-count", about=About(answer=schemas.COUNT, query=schemas.COUNTED))
async def unread_count(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many messages a client has not read, of `conv_id` or of all his conversations.

    Who is unknown has none."""
    data = fields.request(ask)
    only = fields.conversation(ask, name(data, "conv_id")) if data.get("conv_id") else None
    return await unread_of(ask, broker, only)


async def unread_of(ask: Ask, broker: Broker, conversation: int | None) -> Answer:
    only = None if conversation is None else (await look_up(ask, broker, conversation)).id
    count, cursor = 0, ""
    for _ in range(PAGES_MOST):
        try:
            state = cast(SyncState, await broker.call(ask.managed(Sync(cursor=cursor), user=ask.path["client_id"])))
        except Refused as refused:
            if refused.reason is not Reason.UNKNOWN_USER:
                raise
            break
        count += sum(each.unread for each in state.conversations if only in (None, each.id))
        if not state.more:
            return json_answer({"count": count})
        cursor = state.cursor
    else:
        raise Refused(Reason.TOO_BROAD, "This client is in too many conversations to count; name one with conv_id.")
    return json_answer({"count": 0})
