"""What was said, and what is said from here."""

from __future__ import annotations

from contextlib import aclosing
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.parley.endpoints.shapes import conversation_id, done, message_shape, number, words
from adminapi.dialects.parley.endpoints.streams import FAULT, NDJSON, Admit, Lines, fault, streamed
from adminapi.dialects.parley.schemas import conversations as schemas
from adminapi.dialects.parley.schemas.common import DONE
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About, either
from protocol.codec import read_json, write_json
from protocol.commands import DeleteMessage, GetConversation, History, HistoryPage, RecallMessage, SendSystem
from protocol.errors import Reason, Refused
from protocol.records import Message
from protocol.wires.native.fields import missing, name_or

MOST_SEQ = (1 << 53) - 1
routes = Routes()
PATH = "/-/api/apps/{app}/conversations/{conversation}"
SEARCH_PAGES = 20
"""Of 100 messages, looked through for one answer."""
KEPT = 200
"""Newest messages of a conversation that is watched, for those who watch it."""
PAGE = 100
TAIL_PAGES = 3
"""Read a second; what is said faster than that is read in the next."""


def routes_with(services: Services, admit: Admit) -> Routes:
    """All of them; to watch needs a service."""
    own = Routes(routes)
    about = About(answer=either(schemas.TAILED, FAULT), query=schemas.TAIL_ASKED, type=NDJSON)

    @own.add("GET", PATH + "/tail", about=about)
    async def tail(ask: Ask, broker: Broker) -> Answer:
        """Watch what is said in a conversation.

        Lines of JSON, until you go: one at once, then one a second if somebody has spoken, or if one of the newest 100 was
        edited or taken back: it comes once more, as it is now."""
        conversation = conversation_id(ask)
        await broker.call(ask.managed(GetConversation(conversation=conversation)))
        after = number(ask, "after", -1, 0, MOST_SEQ)
        return await streamed(ask, broker, admit, new_ones(ask, broker, conversation, after))

    async def new_ones(ask: Ask, broker: Broker, conversation: int, after: int) -> Lines:
        async def look(before: tuple[Message, ...] | None) -> tuple[Message, ...]:
            return await newest(ask, broker, conversation, before)

        watching = services.watch(("tail", ask.app.id, conversation), look)
        begun, patch = False, 0
        async with aclosing(watching) as found:
            async for there in found:
                if isinstance(there, Refused):
                    yield fault(there)
                    continue
                if not begun and after < 0:
                    after, patch = there[-1].seq if there else 0, newest_patch(there)
                fresh = [message for message in there if message.seq > after or message.patch > patch]
                yield {"messages": [message_shape(ask, message) for message in fresh]} if fresh or not begun else None
                begun, after, patch = True, max(after, there[-1].seq if there else 0), max(patch, newest_patch(there))

    return own


async def newest(ask: Ask, broker: Broker, conversation: int, before: tuple[Message, ...] | None) -> tuple[Message, ...]:
    """The newest messages, as they are now, behind those known before. What was said faster than that is read first."""
    command = History(conversation=conversation, limit=PAGE)
    now = cast(HistoryPage, await broker.call(ask.managed(command))).messages
    if not before or not now:
        return tuple(now)
    if now[0].seq <= before[-1].seq + 1:
        return (*(message for message in before if message.seq < now[0].seq), *now)[-KEPT:]
    for _ in range(TAIL_PAGES):
        command = History(conversation=conversation, after=before[-1].seq, limit=PAGE)
        page = cast(HistoryPage, await broker.call(ask.managed(command)))
        before = (*before, *page.messages)[-KEPT:]
        if not page.more or not page.messages:
            break
    return before


def newest_patch(messages: tuple[Message, ...]) -> int:
    return max((message.patch for message in messages), default=0)


@routes.add("GET", PATH + "/messages", about=About(answer=schemas.MESSAGES, query=schemas.MESSAGES_ASKED))
async def list_messages(ask: Ask, broker: Broker) -> Answer:
    """What was said in a conversation, the newest or those before a seq.

    A search looks through 2,000 messages at most and says by `next` where to go on, even if it has found none."""
    conversation, limit = conversation_id(ask), number(ask, "limit", 50, 1, schemas.MESSAGES_MOST)
    before: int | None = number(ask, "before", 0, 1, MOST_SEQ) or None
    text = words(ask, "search").casefold()
    found: list[Message] = []
    for _ in range(SEARCH_PAGES if text else 1):
        command = History(conversation=conversation, before=before, limit=PAGE if text else limit)
        page = cast(HistoryPage, await broker.call(ask.managed(command)))
        older = page.more and bool(page.messages)
        for message in reversed(page.messages):
            if len(found) == limit:
                older = True
                break
            before = message.seq
            if not text or holds(message, text):
                found.append(message)
        if not older or len(found) == limit:
            break
    rows = [message_shape(ask, message) for message in reversed(found)]
    return json_answer({"messages": rows, "next": before if older else None})


def holds(message: Message, text: str) -> bool:
    said = cast(dict[str, object], read_json(message.body)).get("text")
    return text in message.sender.casefold() or (isinstance(said, str) and text in said.casefold())


@routes.add("POST", "/-/api/apps/{app}/system", about=About(answer=DONE, body=schemas.SYSTEM), role=OperatorRole.SUPPORT)
async def send_system(ask: Ask, broker: Broker) -> Answer:
    """Push to online sessions: of a user, of a conversation, or of the whole app."""
    data = ask.json_object()
    if "content" not in data:
        missing("content")
    user, conversation = name_or(data, "user", 128), data.get("conversation")
    if user and conversation is not None:
        raise Refused(Reason.BAD_FORMAT, "Give user or conversation, not both.")
    command = SendSystem(
        content=write_json(data["content"]),
        users=(user,) if user else (),
        conversation=0 if conversation is None else conversation_id(ask, conversation),
    )
    return await done(ask, broker, command)


@routes.add(
    "DELETE",
    PATH + "/messages/{message}",
    about=About(answer=DONE),
    role=OperatorRole.SUPPORT,
)
async def delete_message(ask: Ask, broker: Broker) -> Answer:
    """Delete a message from the history; clients are told that it is gone."""
    message = ask.ids.message(ask.path["message"])
    return await done(ask, broker, DeleteMessage(conversation=conversation_id(ask), message=message))


@routes.add("POST", PATH + "/messages/{message}/recall", about=About(answer=DONE), role=OperatorRole.SUPPORT)
async def recall_message(ask: Ask, broker: Broker) -> Answer:
    """Take a message back for everybody.

    Its place in the history stays, and clients are told that it was recalled."""
    message = ask.ids.message(ask.path["message"])
    return await done(ask, broker, RecallMessage(conversation=conversation_id(ask), message=message))
