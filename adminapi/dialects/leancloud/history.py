"""Finding messages by id and time (`adminapi.dialects.timeline`): the history query of LC-30."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import history_row
from adminapi.dialects.timeline import look_up, read, seq_from, stretch
from adminapi.schemas import About
from protocol.commands import Beside, History
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST, first_at, time_of
from protocol.records import Status
from protocol.wires.native.fields import Data, bad, name

routes = Routes()

LIMIT, LIMIT_MOST = 100, 1000


async def end_of(
    ask: Ask, broker: Broker, conversation: int, data: Data, prefix: str, up: bool, included: bool
) -> int | None:
    """The smallest id on the upper side of a point (`msgid` with `timestamp`, or `timestamp` alone); None if not given.

    `up`: the stretch lies above the point, so a point that is included belongs to that side.
    """
    name, at = data.get(prefix + "msgid"), fields.milliseconds(data, prefix + "timestamp", -1)
    own_side = up == included
    if name is None or name == "":
        return None if at < 0 else first_at(at if own_side else at + 1)
    if not isinstance(name, str):
        bad(prefix + "msgid", "the id of a message")
    number = ask.ids.message(name)
    if isinstance(number, str):
        number = await number_of(ask, broker, conversation, number)
    elif at >= 0 and time_of(number) != at:
        number = 0
    if not number:
        raise Refused(Reason.UNKNOWN_MESSAGE, f"There is no message with this {prefix}msgid and {prefix}timestamp.")
    return number if own_side else number + 1


async def number_of(ask: Ask, broker: Broker, conversation: int, old_id: str) -> int:
    """The id of the message that had this one before it was imported; 0 if there is none."""
    at = Beside(old_id, step=-1, otherwise=LARGEST)
    rows = await read(ask, broker, History(conversation=conversation, newer_than=at, limit=1, forward=True))
    return next((message.id for message in rows if message.old_id == old_id), 0)


@routes.add("GET", "/1.2/rtm/conversations/{conv_id}/messages", about=About(answer=schemas.HISTORY, query=schemas.STRETCH))
async def list_messages(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The messages of a conversation, newest first.

    From `msgid` or `timestamp` back to `till_msgid` or `till_timestamp`; `reversed` the other way."""
    return await found(ask, broker, fields.conversation_of(ask), fields.request(ask))


@routes.add("GET", "/1.1/rtm/messages/history", about=About(answer=schemas.HISTORY, query=schemas.OLD_STRETCH))
async def list_messages_of(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The messages of the conversation `convid`, newest first.

    From `msgid` or `max_ts` back; `reversed` the other way."""
    data = fields.request(ask)
    conversation = fields.conversation(ask, name(data, "convid"))
    return await found(
        ask, broker, conversation, {**data, "timestamp": data.get("max_ts"), "till_timestamp": data.get("till_ts")}
    )


async def found(ask: Ask, broker: Broker, conversation: int, data: Data) -> Answer:
    up = fields.flag(data, "reversed")
    limit = fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT)
    start = await end_of(ask, broker, conversation, data, "", up, fields.flag(data, "include_start"))
    stop = await end_of(ask, broker, conversation, data, "till_", not up, fields.flag(data, "include_stop"))
    info = await look_up(ask, broker, conversation)
    lower, upper = (start, stop) if up else (stop, start)
    low = info.first_seq if lower is None else await seq_from(ask, broker, info, lower)
    high = info.last_seq + 1 if upper is None else await seq_from(ask, broker, info, upper)
    rows = await stretch(ask, broker, info.id, low, high, limit, lambda each: each.status != Status.DELETED, up=up)
    return json_answer([history_row(message, info, ask.ids) for message in rows])
