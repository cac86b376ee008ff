"""Service conversations, `/1.2/rtm/service-conversations` (LC-30), where the back office speaks and clients subscribe: our
system conversations, whose members are the subscribers.

The law: these paths know service conversations only (4303 for any other), and what is said to clients by name is told to
them and kept nowhere, as everybody who reads the conversation would see it.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.conversations import create, delete_conversation, update_conversation
from adminapi.dialects.leancloud.history import found
from adminapi.dialects.leancloud.members import PAGE, members_of
from adminapi.dialects.leancloud.messages import NAMED_MOST, edit_message, recall_message, send
from adminapi.dialects.leancloud.queries import search
from adminapi.dialects.leancloud.shapes import Row, conversation_row, object_id
from adminapi.dialects.timeline import look_up
from adminapi.schemas import About
from protocol.commands import (
    AddMembers,
    Condition,
    ConversationFound,
    ConversationPage,
    GetConversation,
    ListConversations,
    RemoveMembers,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind, MemberInfo
from protocol.wires.leancloud.names import iso
from protocol.wires.native.fields import Data, bad, text_or

routes = Routes()

PATH = "/1.2/rtm/service-conversations"
SERVICE = PATH + "/{conv_id}"
SUBSCRIBERS = SERVICE + "/subscribers"
LIMIT, LIMIT_MOST = 50, 50
SUBSCRIBED_MOST = 1000
"""Service conversations of one client."""
SYSTEM = Condition("kind", "=", int(Kind.SYSTEM))


async def service(ask: Ask, broker: Broker, conversation: int) -> ConversationInfo:
    """A service conversation. 4303 if it is none."""
    info = await look_up(ask, broker, conversation)
    if info.kind != Kind.SYSTEM:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "This is not a service conversation (sys).")
    return info


async def service_of(ask: Ask, broker: Broker) -> ConversationInfo:
    """The one in the path."""
    return await service(ask, broker, fields.conversation_of(ask))


@routes.add("POST", PATH, about=About(answer=schemas.CREATED, body=schemas.SERVICE))
async def create_service(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Create a service conversation."""
    made = await create(ask, broker, {**fields.document(ask), "sys": True})
    return json_answer({"objectId": object_id(made, ask.ids), "createdAt": iso(made.created_ms)})


@routes.add("GET", PATH, about=About(answer=schemas.ROWS, query=schemas.LISTING))
async def list_services(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Search service conversations, newest first."""
    page = await search(ask, broker, fields.request(ask), SYSTEM)
    return json_answer({"results": [conversation_row(info, ask) for info in page.conversations]})


@routes.add("PUT", SERVICE, about=About(answer=schemas.UPDATED, body=schemas.UPDATE))
async def update_service(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Update a service conversation's name and custom attributes."""
    await service_of(ask, broker)
    return await update_conversation(ask, broker)


@routes.add("DELETE", SERVICE, about=About(answer=schemas.NOTHING))
async def delete_service(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Delete a service conversation."""
    await service_of(ask, broker)
    return await delete_conversation(ask, broker)


@routes.add("POST", SUBSCRIBERS, about=About(answer=schemas.NOTHING, body=schemas.SUBSCRIBER))
async def subscribe(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Subscribe a client.

    He is made if he is not there yet; twice is no error."""
    return await subscribed(ask, broker, fields.user(fields.request(ask), "client_id"), fields.conversation_of(ask))


async def subscribed(ask: Ask, broker: Broker, who: str, conversation: int) -> Answer:
    info = await service(ask, broker, conversation)
    await broker.call(ask.managed(AddMembers(conversation=info.id, users=(who,), strict=True), newcomers=(who,)))
    return json_answer({})


@routes.add("DELETE", SUBSCRIBERS + "/{client_id}", about=About(answer=schemas.NOTHING))
async def unsubscribe(ask: Ask, broker: Broker) -> Answer:
    """LC-30. End a client's subscription.

    Who has none is no error."""
    return await unsubscribed(ask, broker, ask.path["client_id"], fields.conversation_of(ask))


async def unsubscribed(ask: Ask, broker: Broker, who: str, conversation: int) -> Answer:
    info = await service(ask, broker, conversation)
    await broker.call(ask.managed(RemoveMembers(conversation=info.id, users=(who,), strict=True)))
    return json_answer({})


@routes.add("GET", SUBSCRIBERS, about=About(answer=schemas.SUBSCRIPTIONS, query=schemas.SUBSCRIBERS_ASKED))
async def list_subscribers(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The subscribers, in the order of their subscribing.

    `client_id`, the last of one list, begins the next."""
    data = fields.request(ask)
    limit, after = fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT), text_or(data, "client_id")
    info = await service_of(ask, broker)
    members = await members_behind(ask, broker, info.id, after, limit)
    return json_answer([subscription(member.joined_ms, member.user, info, ask) for member in members])


async def members_behind(ask: Ask, broker: Broker, conversation: int, after: str, limit: int) -> list[MemberInfo]:
    """Up to `limit` members that joined later than `after`; from the first if he is "". 4317, 4310."""
    found: list[MemberInfo] = []
    passing = bool(after)
    async with aclosing(members_of(ask, broker, conversation, PAGE if after else limit)) as members:
        async for member in members:
            if not passing:
                found.append(member)
            passing = passing and member.user != after
            if len(found) == limit:
                break
    if passing:
        raise Refused(Reason.NOT_A_MEMBER, f"{after} is no subscriber; begin without client_id.")
    return found


def subscription(joined_ms: int, user: str, info: ConversationInfo, ask: Ask) -> Row:
    return {"timestamp": joined_ms, "subscriber": user, "conv_id": object_id(info, ask.ids)}


@routes.add("GET", SUBSCRIBERS + "/count", about=About(answer=schemas.COUNT))
async def count_subscribers(ask: Ask, broker: Broker) -> Answer:
    """LC-30. How many subscribers there are."""
    return json_answer({"count": (await service_of(ask, broker)).members})


@routes.add("POST", SERVICE + "/broadcasts", about=About(answer=schemas.SENT, body=schemas.TO_SUBSCRIBERS))
async def tell_subscribers(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Send a message to all subscribers."""
    return await send(ask, broker, (await service_of(ask, broker)).id, fields.request(ask))


MESSAGES = SERVICE + "/messages"


@routes.add("POST", MESSAGES, about=About(answer=schemas.SENT, body=schemas.TO_NAMED))
async def tell_named(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Send a message to up to 20 clients alone, subscribers or not.

    Those of them who are online get it; it is not kept."""
    data = fields.request(ask)
    only = fields.users(ask, data, "to_clients", NAMED_MOST)
    return await send(ask, broker, (await service_of(ask, broker)).id, data, only=only)


@routes.add("PUT", MESSAGES + "/{mid}", about=About(answer=schemas.RESULT, body=schemas.EDIT))
async def edit_told(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Edit a message to all subscribers or a broadcast."""
    await kept(ask, broker)
    return await edit_message(ask, broker)


@routes.add("PUT", MESSAGES + "/{mid}/recall", about=About(answer=schemas.RESULT, body=schemas.RECALL))
async def recall_told(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Recall a message to all subscribers or a broadcast."""
    await kept(ask, broker)
    return await recall_message(ask, broker)


async def kept(ask: Ask, broker: Broker) -> None:
    """`to_clients` says that a message to clients by name is meant, and none is kept. 4404."""
    await service_of(ask, broker)
    if fields.request(ask).get("to_clients"):
        detail = "Messages to clients by name (to_clients) are not kept; they cannot be changed."
        raise Refused(Reason.UNKNOWN_MESSAGE, detail)


@routes.add("GET", MESSAGES, about=About(answer=schemas.HISTORY, query=schemas.STRETCH))
async def list_told(ask: Ask, broker: Broker) -> Answer:
    """LC-30. What was said to all subscribers, and the broadcasts; newest first."""
    return await found(ask, broker, (await service_of(ask, broker)).id, fields.request(ask))


@routes.add("GET", SUBSCRIBERS + "/{client_id}/messages", about=About(answer=schemas.HISTORY, query=schemas.STRETCH))
async def list_heard(ask: Ask, broker: Broker) -> Answer:
    """LC-30. What a subscriber can read of it, newest first."""
    info = await service_of(ask, broker)
    command = ask.managed(GetConversation(conversation=info.id), user=ask.path["client_id"])
    if not cast(ConversationFound, await broker.call(command)).conversation.joined_ms:
        raise Refused(Reason.NOT_A_MEMBER, "This client is no subscriber.")
    return await found(ask, broker, info.id, fields.request(ask))


@routes.add(
    "GET",
    "/1.2/rtm/clients/{client_id}/service-conversations",
    about=About(answer=schemas.SUBSCRIPTIONS, query=schemas.SERVICES_ASKED),
)
async def list_subscribed(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The service conversations a client has subscribed to, as he came to them.

    `conv_id`, the last of one list, begins the next; its `timestamp` is not needed."""
    data, user = fields.request(ask), ask.path["client_id"]
    limit = fields.integer(data, "limit", 1, SUBSCRIBED_MOST, LIMIT)
    command = ListConversations(where=(Condition("member", "=", user), SYSTEM), size=SUBSCRIBED_MOST)
    page = cast(ConversationPage, await broker.call(ask.managed(command, user=user)))
    if page.total > SUBSCRIBED_MOST:
        raise Refused(Reason.TOO_BROAD, f"This client has {page.total} subscriptions; {SUBSCRIBED_MOST} can be listed.")
    infos = sorted(page.conversations, key=lambda info: (info.joined_ms, info.id), reverse=oldest_last(data))
    start = text_or(data, "conv_id").lower()
    if start:
        ids = [object_id(info, ask.ids) for info in infos]
        if start not in ids:
            raise Refused(Reason.NOT_A_MEMBER, "The client has not subscribed to conv_id; begin without it.")
        infos = infos[ids.index(start) + 1 :]
    return json_answer([subscription(info.joined_ms, user, info, ask) for info in infos[:limit]])


def oldest_last(data: Data) -> bool:
    word = text_or(data, "direction")
    if word not in ("", "new", "old"):
        bad("direction", "new or old")
    return word == "old"
