"""What version 1.1 has in words of its own, and 1.2 in others (LC-30): presence, kicks, unread counts, subscriptions, and
taking a message out of the history.

The law: each does what its counterpart of 1.2 does. Where the two differ in the path alone, the path stands with that.
"""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.messages import check_time
from adminapi.dialects.leancloud.queries import kicked, online_of, unread_of
from adminapi.dialects.leancloud.services import subscribed, unsubscribed
from adminapi.schemas import About
from protocol.commands import DeleteMessage
from protocol.wires.native.fields import name

routes = Routes()

SUBSCRIPTION = "/1.1/rtm/conversation/subscription"
UNREAD = "/1.1/rtm/messages/unread/{client_id}"


@routes.add("POST", "/1.1/rtm/online", about=About(answer=schemas.ONLINE, body=schemas.PEERS))
async def check_online(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Which of up to 20 clients (`peers`) are online."""
    return await online_of(ask, broker, "peers")


@routes.add("POST", "/1.1/rtm/client/kick", about=About(answer=schemas.NOTHING, body=schemas.OLD_KICK))
async def kick(ask: Ask, broker: Broker) -> Answer:
    """LC-30. End the sessions of `client_id`."""
    data = fields.request(ask)
    return await kicked(ask, broker, fields.user(data, "client_id"), data)


@routes.add("GET", UNREAD, about=About(answer=schemas.COUNT))
async def unread_count(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many messages a client has not read."""
    return await unread_of(ask, broker, None)


@routes.add("GET", UNREAD + "/{conv_id}", about=About(answer=schemas.COUNT))
async def unread_count_in(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many messages of a conversation a client has not read."""
    return await unread_of(ask, broker, fields.conversation_of(ask))


@routes.add("POST", SUBSCRIPTION, about=About(answer=schemas.NOTHING, body=schemas.OLD_SUBSCRIBER))
async def subscribe(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Subscribe `client_id` to the service conversation `conv_id`."""
    data = fields.request(ask)
    return await subscribed(ask, broker, fields.user(data, "client_id"), fields.conversation(ask, name(data, "conv_id")))


@routes.add("DELETE", SUBSCRIPTION, about=About(answer=schemas.NOTHING, query=schemas.OLD_UNSILENCE))
async def unsubscribe(ask: Ask, broker: Broker) -> Answer:
    """LC-30. End the subscription of `client_id` to `conv_id`."""
    data = fields.request(ask)
    return await unsubscribed(ask, broker, fields.user(data, "client_id"), fields.conversation(ask, name(data, "conv_id")))


@routes.add("DELETE", "/1.1/rtm/messages/logs", about=About(answer=schemas.NOTHING, query=schemas.LOGGED))
async def delete_logged(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Delete a message here; clients keep their copy."""
    data = fields.request(ask)
    author, message = fields.user(data, "from"), ask.ids.message(name(data, "msgid"))
    check_time(message, fields.milliseconds(data, "timestamp"))
    command = DeleteMessage(conversation=fields.conversation(ask, name(data, "convid")), message=message, author=author)
    await broker.call(ask.managed(command, user=author))
    return json_answer({})
