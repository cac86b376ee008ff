"""Finding messages by id and time: the history query of LC-30.

The commands read history by `seq`. Ids and seqs of a conversation grow together and seqs have no gaps, so the seq that
belongs to an id or a time is found by search: from the newest backwards in doubling steps, then halving. The law: what is
found is exact; a message just sent costs one question more, the oldest of a million about twenty.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import history_row
from adminapi.schemas import About
from protocol.commands import ConversationFound, GetConversation, History, HistoryPage
from protocol.errors import Reason, Refused
from protocol.ids import first_at, time_of
from protocol.records import ConversationInfo, Message, Status
from protocol.wires.native.fields import Data, bad

routes = Routes()

LIMIT, LIMIT_MOST = 100, 1000
PAGE = 100
"""Messages one command gives at most."""
PAGES_MOST = 100
"""Commands for one answer; deleted messages and very long ones make more than ten necessary."""


async def look_up(ask: Ask, broker: Broker, conversation: int) -> ConversationInfo:
    return cast(ConversationFound, await broker.call(ask.managed(GetConversation(conversation=conversation)))).conversation


async def read(ask: Ask, broker: Broker, command: History) -> list[Message]:
    return cast(HistoryPage, await broker.call(ask.managed(command))).messages


async def seq_from(ask: Ask, broker: Broker, info: ConversationInfo, number: int) -> int:
    """The first seq whose message has this id or a greater one; `last_seq` + 1 if there is none."""
    newest = info.last_message
    if newest is None or newest.id < number:
        return info.last_seq + 1
    low, high, step = info.first_seq, info.last_seq, 1
    while low < high:
        at = max(high - step, (low + high) // 2)
        step *= 2
        found = await read(ask, broker, History(conversation=info.id, after=at - 1, limit=1))
        if found and found[0].id < number:
            low = found[0].seq + 1
        else:
            high = at
    return low


def end_of(ask: Ask, data: Data, prefix: str, up: bool, included: bool) -> int | None:
    """The smallest id on the upper side of a point (`msgid` with `timestamp`, or `timestamp` alone); None if not given.

    `up`: the stretch lies above the point, so a point that is included belongs to that side.
    """
    name, at = data.get(prefix + "msgid"), fields.milliseconds(data, prefix + "timestamp", -1)
    own_side = up == included
    if name is None or name == "":
        return None if at < 0 else first_at(at if own_side else at + 1)
    if not isinstance(name, str):
        bad(prefix + "msgid", "the id of a message")
    number = fields.message_of(ask, name)
    if at >= 0 and time_of(number) != at:
        raise Refused(Reason.UNKNOWN_MESSAGE, f"There is no message with this {prefix}msgid and {prefix}timestamp.")
    return number if own_side else number + 1


@routes.add("GET", "/1.2/rtm/conversations/{conv_id}/messages", about=About(answer=schemas.HISTORY, query=schemas.STRETCH))
async def list_messages(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The messages of a conversation, newest first.

    From `msgid` or `timestamp` back to `till_msgid` or `till_timestamp`; `reversed` the other way."""
    conversation, data = fields.conversation_of(ask), fields.request(ask)
    up = fields.flag(data, "reversed")
    limit = fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT)
    start = end_of(ask, data, "", up, fields.flag(data, "include_start"))
    stop = end_of(ask, data, "till_", not up, fields.flag(data, "include_stop"))
    info = await look_up(ask, broker, conversation)
    lower, upper = (start, stop) if up else (stop, start)
    low = info.first_seq if lower is None else await seq_from(ask, broker, info, lower)
    high = info.last_seq + 1 if upper is None else await seq_from(ask, broker, info, upper)
    rows: list[Message] = []
    for _ in range(PAGES_MOST):
        if low >= high or len(rows) == limit:
            return json_answer([history_row(message, info, ask.ids) for message in rows])
        size = min(PAGE, high - low, limit - len(rows))
        if up:
            page = await read(ask, broker, History(conversation=info.id, after=low - 1, limit=size))
            low = page[-1].seq + 1 if page else high
            page = [message for message in page if message.seq < high]
        else:
            page = (await read(ask, broker, History(conversation=info.id, before=high, limit=size)))[::-1]
            high = page[-1].seq if page else low
            page = [message for message in page if message.seq >= low]
        rows += [message for message in page if message.status != Status.DELETED]
    raise Refused(Reason.TOO_BROAD, "There is too much to read through; ask for fewer messages or a shorter time.")
