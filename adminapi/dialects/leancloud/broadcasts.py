"""Broadcasts: what a service conversation says to every client of the app, subscriber or not (LC-30).

The law: a broadcast is a message of its service conversation like any other, marked as one for everyone; so whoever is
online gets it, whoever was not reads it in the history, and it is edited and taken back by the calls of that conversation.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.messages import send
from adminapi.dialects.leancloud.services import SYSTEM, service
from adminapi.dialects.leancloud.shapes import history_row
from adminapi.dialects.timeline import read, stretch
from adminapi.schemas import About
from protocol.commands import ConversationPage, DeleteMessage, History, ListConversations
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Message, Status
from protocol.wires.native.fields import Data, name

routes = Routes()

PATH = "/1.2/rtm/broadcasts"
LIMIT, LIMIT_MOST, SKIP_MOST = 100, 1000, 1000
SERVICES_MOST = 100
"""Service conversations that are looked through for a broadcast."""


async def named(ask: Ask, broker: Broker, data: Data) -> ConversationInfo:
    """The service conversation `conv_id`. 4303."""
    return await service(ask, broker, fields.conversation(ask, name(data, "conv_id")))


async def broadcast(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Send a message of the service conversation `conv_id` to every client of the app.

    `valid_till` is of no effect: it can be read until it is deleted."""
    data = fields.request(ask)
    return await send(ask, broker, (await named(ask, broker, data)).id, data, everyone=True)


routes.add("POST", "/1.1/rtm/broadcast", about=About(answer=schemas.SENT, body=schemas.OLD_BROADCAST))(broadcast)
routes.add("POST", PATH, about=About(answer=schemas.SENT, body=schemas.BROADCAST))(broadcast)


@routes.add("POST", "/1.1/rtm/broadcast/subscriber", about=About(answer=schemas.SENT, body=schemas.OLD_TO_SUBSCRIBERS))
async def tell_subscribers(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Send a message to all subscribers of the service conversation `conv_id`."""
    data = fields.request(ask)
    return await send(ask, broker, (await named(ask, broker, data)).id, data)


def is_broadcast(message: Message) -> bool:
    return message.everyone and message.status == Status.NORMAL


@routes.add("GET", "/1.1/rtm/broadcast", about=About(answer=schemas.HISTORY, query=schemas.BROADCASTS_ASKED))
@routes.add("GET", PATH, about=About(answer=schemas.HISTORY, query=schemas.BROADCASTS_ASKED))
async def list_broadcasts(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The broadcasts of the service conversation `conv_id`, newest first."""
    data = fields.request(ask)
    limit, skip = fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT), fields.integer(data, "skip", 0, SKIP_MOST, 0)
    info = await named(ask, broker, data)
    rows = await stretch(ask, broker, info.id, info.first_seq, info.last_seq + 1, skip + limit, is_broadcast)
    return json_answer([history_row(message, info, ask.ids) for message in rows[skip:]])


@routes.add("DELETE", PATH + "/{mid}", about=About(answer=schemas.NOTHING))
async def delete_broadcast(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Delete a broadcast here; clients keep their copy."""
    return await deleted(ask, broker, ask.path["mid"])


@routes.add("DELETE", "/1.1/rtm/broadcast", about=About(answer=schemas.NOTHING, query=schemas.BROADCAST_NAMED))
async def delete_old(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Delete the broadcast `mid`."""
    return await deleted(ask, broker, name(fields.request(ask), "mid"))


async def deleted(ask: Ask, broker: Broker, mid: str) -> Answer:
    number = ask.ids.parse(mid) or 0  # none of them was imported
    page = cast(ConversationPage, await broker.call(ask.managed(ListConversations(where=(SYSTEM,), size=SERVICES_MOST))))
    for info in page.conversations:
        command = History(conversation=info.id, newer_than=number - 1, older_than=number + 1, limit=1)
        if any(is_broadcast(message) for message in await read(ask, broker, command)):
            await broker.call(ask.managed(DeleteMessage(conversation=info.id, message=number)))
            return json_answer({})
    if page.total > SERVICES_MOST:
        raise Refused(
            Reason.TOO_BROAD, f"There are {page.total} service conversations; {SERVICES_MOST} can be looked through."
        )
    raise Refused(Reason.UNKNOWN_MESSAGE, "There is no broadcast with this id.")
