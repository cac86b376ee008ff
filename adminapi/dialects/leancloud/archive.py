"""Messages of many conversations at once: what one client has said, and what was said in the whole app (LC-30).

The law: messages are kept by conversation, so this looks through the conversations in which something was said last, page
by page, and stops where nothing newer than what it has can follow. What it answers is exact; where that takes more than
300 pages or 1,000 conversations, it refuses (4310) and says what to narrow.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.history import LIMIT, LIMIT_MOST, end_of, found
from adminapi.dialects.leancloud.shapes import history_row
from adminapi.schemas import About
from protocol.commands import Condition, ConversationPage, History, HistoryPage, ListConversations
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST, time_of
from protocol.records import ConversationInfo, Message, Status
from protocol.wires.native.fields import Data, name

routes = Routes()

CONVERSATIONS_MOST = 1000
PAGE, PAGES_MOST = 100, 300


@routes.add("GET", "/1.2/rtm/clients/{client_id}/messages", about=About(answer=schemas.HISTORY, query=schemas.STRETCH))
async def list_said(ask: Ask, broker: Broker) -> Answer:
    """LC-30. What a client has said in the conversations he is in, newest first."""
    return await gathered(ask, broker, fields.request(ask), ask.path["client_id"])


@routes.add("GET", "/1.2/rtm/messages", about=About(answer=schemas.HISTORY, query=schemas.STRETCH))
async def list_all(ask: Ask, broker: Broker) -> Answer:
    """LC-30. What was said in all conversations, newest first."""
    return await gathered(ask, broker, fields.request(ask))


@routes.add("GET", "/1.1/rtm/messages/history", about=About(answer=schemas.HISTORY, query=schemas.OLD_STRETCH))
async def list_old(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The messages of `convid`, those of the client `from`, or all; newest first.

    From `msgid` or `max_ts` back; `reversed` the other way."""
    data = fields.request(ask)
    data = {**data, "timestamp": data.get("max_ts"), "till_timestamp": data.get("till_ts")}
    if data.get("convid"):
        return await found(ask, broker, fields.conversation(ask, name(data, "convid")), data)
    return await gathered(ask, broker, data, fields.user(data, "from") if data.get("from") else "")


class Stretch(NamedTuple):
    """The ids that are asked for: low <= id < high, `up` from the oldest."""

    low: int
    high: int
    up: bool
    limit: int


async def gathered(ask: Ask, broker: Broker, data: Data, sender: str = "") -> Answer:
    """The messages of all conversations; with `sender`, his own in those he is in."""
    up = fields.flag(data, "reversed")
    start = await end_of(ask, broker, None, data, "", up, fields.flag(data, "include_start"))
    stop = await end_of(ask, broker, None, data, "till_", not up, fields.flag(data, "include_stop"))
    lower, upper = (start, stop) if up else (stop, start)
    limit = fields.integer(data, "limit", 1, LIMIT_MOST, LIMIT)
    asked = Stretch(lower or 0, LARGEST if upper is None else upper, up, limit)
    rows = await gather(ask, broker, await spoken_in(ask, broker, asked, sender), asked, sender)
    return json_answer([history_row(message, info, ask.ids) for message, info in rows])


async def spoken_in(ask: Ask, broker: Broker, asked: Stretch, sender: str) -> list[ConversationInfo]:
    """The conversations that can have something to say, the one in which somebody spoke last first. 4310."""
    where = (Condition("last", ">=", time_of(asked.low)), *([Condition("member", "=", sender)] if sender else []))
    command = ListConversations(where=where, sort=("-last",), size=CONVERSATIONS_MOST)
    page = cast(ConversationPage, await broker.call(ask.managed(command)))
    # With more than are listed, the newest `limit` still are in the first `limit` of them.
    if page.total > CONVERSATIONS_MOST and (asked.up or asked.high < LARGEST or sender):
        raise Refused(Reason.TOO_BROAD, f"There are {page.total} conversations to look through; ask for one of them.")
    return page.conversations


async def gather(
    ask: Ask, broker: Broker, infos: list[ConversationInfo], asked: Stretch, sender: str
) -> list[tuple[Message, ConversationInfo]]:
    """The first `limit` messages, newest first or, `up`, oldest first."""
    rows: list[tuple[Message, ConversationInfo]] = []
    pages = 0
    for info in infos:
        low, high = asked.low, asked.high
        while low < high:
            if len(rows) == asked.limit:  # only what comes before the last of them is of interest
                last = rows[-1][0].id
                low, high = (low, min(high, last)) if asked.up else (max(low, last + 1), high)
                newest = info.last_message
                if low >= high or (newest is not None and newest.id < low):
                    break
            pages += 1
            if pages > PAGES_MOST:
                raise Refused(
                    Reason.TOO_BROAD, "There is too much to look through; ask for fewer messages or one conversation."
                )
            command = History(conversation=info.id, newer_than=low - 1, older_than=high, forward=asked.up, limit=PAGE)
            page = cast(HistoryPage, await broker.call(ask.managed(command)))
            wanted = [each for each in page.messages if each.status != Status.DELETED and sender in ("", each.sender)]
            rows += [(each, info) for each in wanted]
            rows.sort(key=lambda row: row[0].id, reverse=not asked.up)
            del rows[asked.limit :]
            if not page.more or not page.messages:
                break
            low, high = (page.messages[-1].id + 1, high) if asked.up else (low, page.messages[0].id)
    return rows
