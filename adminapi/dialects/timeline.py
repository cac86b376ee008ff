"""History by time, for the dialects that ask for it so.

The commands read history by `seq`. Ids and seqs of a conversation grow together and seqs have no gaps, so the seq that
belongs to an id or a time is found by search: from the newest backwards in doubling steps, then halving. The law: what is
found is exact; a message just sent costs one question more, the oldest of a million about twenty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from adminapi.dialect import Ask, Broker
from protocol.commands import ConversationFound, GetConversation, History, HistoryPage
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Message

PAGE = 100
"""Messages one command gives at most."""
PAGES_MOST = 100
"""Commands for one answer: what is not wanted, and very long messages, make more necessary than the count alone."""


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


async def stretch(
    ask: Ask,
    broker: Broker,
    conversation: int,
    low: int,
    high: int,
    limit: int,
    wanted: Callable[[Message], bool],
    *,
    up: bool = False,
) -> list[Message]:
    """The first `limit` wanted messages of low <= seq < high, from the newest down, or `up`. TOO_BROAD."""
    rows: list[Message] = []
    for _ in range(PAGES_MOST):
        if low >= high or len(rows) == limit:
            return rows
        size = min(PAGE, high - low, limit - len(rows))
        if up:
            page = await read(ask, broker, History(conversation=conversation, after=low - 1, limit=size))
            low = page[-1].seq + 1 if page else high
            page = [message for message in page if message.seq < high]
        else:
            page = (await read(ask, broker, History(conversation=conversation, before=high, limit=size)))[::-1]
            high = page[-1].seq if page else low
            page = [message for message in page if message.seq >= low]
        rows += [message for message in page if wanted(message)]
    raise Refused(Reason.TOO_BROAD, "There is too much to read through; ask for fewer messages or a shorter time.")
