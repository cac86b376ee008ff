"""What was said in a conversation, up to a time: ML-10, ML-26 and ML-41."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, json_answer
from adminapi.dialects.maxleap import fields
from adminapi.dialects.maxleap.shapes import chat_row
from adminapi.dialects.timeline import PAGE, read, seq_from, stretch
from protocol.commands import ConversationFound, GetConversation, History
from protocol.errors import Reason, Refused
from protocol.ids import first_at
from protocol.records import ConversationInfo, Message, Status


async def between(ask: Ask, broker: Broker, user: str, other: str) -> ConversationInfo | None:
    """The direct conversation of two users; None if they have never talked. UNKNOWN_USER."""
    try:
        reply = await broker.call(ask.managed(GetConversation(to=other), user=user))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_CONVERSATION:
            raise
        return None
    return cast(ConversationFound, reply).conversation


async def direct(ask: Ask, broker: Broker, user: str, other: str) -> Answer:
    """Of two users; [] if they have never talked. UNKNOWN_USER."""
    info = await between(ask, broker, user, other)
    return json_answer([]) if info is None else await chats(ask, broker, info)


async def chats(ask: Ask, broker: Broker, info: ConversationInfo) -> Answer:
    """`ts` (before it), `limit` 20 -> the newest of what is left, old to new. A page ends with a millisecond: what was said
    in the one of its oldest row is all there, beyond the limit too, or the next page, before that `ts`, would lose it."""
    until, limit = fields.until(ask), fields.limit(ask)
    high = info.last_seq + 1 if until is None else await seq_from(ask, broker, info, first_at(until))
    rows = await stretch(ask, broker, info.id, info.first_seq, high, limit, wanted)
    if rows and len(rows) == limit:
        oldest, more = rows[-1], True
        seq = oldest.seq
        while more:
            page = (await read(ask, broker, History(conversation=info.id, before=seq, limit=PAGE)))[::-1]
            same = [message for message in page if message.time_ms == oldest.time_ms]
            rows += filter(wanted, same)
            more = bool(same) and len(same) == len(page)
            seq = page[-1].seq if page else seq
    return json_answer([chat_row(message) for message in reversed(rows)])


def wanted(message: Message) -> bool:
    return message.status == Status.NORMAL
