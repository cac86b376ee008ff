"""Reading what was said, by seq or by message id, and finding the seq that belongs to an id.

Ids grow with seq within a conversation, so the seq of an id, or of a time, is found by looking at a few messages: all of
them are asked of memory first, and of the store 64 at a time, so that few rounds are enough however long it is.
"""

from __future__ import annotations

from broker.hub.conversations import readable_from
from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.messages import PAGE_MOST, within_bytes
from broker.hub.recent import MessagesKey, Need
from broker.hub.rows import decode_message
from protocol.commands import History, HistoryPage
from protocol.ids import LARGEST
from protocol.records import Message, Status

PROBES = 64
PAGES = 5
"""Stretches of PAGE_MOST messages that are looked through for those of one type."""


@handles(History)
def history(d: Decision, c: History) -> HistoryPage:
    row = d.conversation(c.conversation)
    first = readable_from(d, row, d.own_member(row.id))
    last = d.head(row.id).last_seq
    limit = min(max(c.limit, 0), PAGE_MOST)
    up = c.after is not None or c.forward
    lo, hi = first, last
    if c.after is not None:
        lo = max(lo, c.after + 1)
    elif c.before is not None:
        hi = min(hi, c.before - 1)
    newer, older = (d.bound(row.id, given) if limit else None for given in (c.newer_than, c.older_than))
    if newer is not None:
        lo = max(lo, seq_from(d, row.id, newer + 1))
    if older is not None:
        hi = min(hi, seq_from(d, row.id, older) - 1)
    if c.present or c.type is not None:
        messages, more = _filtered(d, c, lo, hi, limit, up=up)
    elif up:
        end = min(hi, lo + limit - 1)
        messages, more = d.messages(row.id, lo, end), end < hi
    else:
        start = max(lo, hi - limit + 1)
        messages, more = d.messages(row.id, start, hi)[::-1], start > lo and hi >= lo
    kept = within_bytes(messages)
    more = more or len(kept) < len(messages)
    return HistoryPage(conversation=row.id, messages=kept if up else kept[::-1], more=more)


def _filtered(d: Decision, c: History, lo: int, hi: int, limit: int, *, up: bool) -> tuple[list[Message], bool]:
    """The first `limit` of lo..hi that are wanted, from the end that is asked for, and whether there may be more."""
    found: list[Message] = []
    for _ in range(PAGES):
        if lo > hi or len(found) >= limit:
            break
        size = PAGE_MOST if c.type is not None else limit
        start, end = (lo, min(hi, lo + size - 1)) if up else (max(lo, hi - size + 1), hi)
        page = d.messages(c.conversation, start, end)
        wanted = [each for each in page if each.status != Status.DELETED and c.type in (None, each.type)]
        found += wanted if up else wanted[::-1]
        lo, hi = (end + 1, hi) if up else (lo, start - 1)
    return found[:limit], lo <= hi or len(found) > limit


def seq_from(d: Decision, conversation: int, message: int) -> int:
    """The smallest seq whose message has this id or a greater one; one beyond the newest if there is none."""
    head = d.head(conversation)
    lo, hi = head.floor + 1, head.last_seq + 1  # the answer lies in lo..hi
    if not head.last or decode_message(head.last).id < message or message > LARGEST:
        return hi
    if decode_message(head.last).id == message:
        return head.last_seq
    while lo < hi:
        middle = (lo + hi) // 2
        known = _known(d, conversation, middle)
        if known is None:
            lo, hi = _probe(d, conversation, message, lo, hi)
        elif known.id < message:
            lo = middle + 1
        else:
            hi = middle
    return lo


def seq_in_memory(d: Decision, conversation: int, message: int, lo: int) -> int | None:
    """The same among seqs from `lo` on, by memory alone, None where it does not reach: acknowledgements come by the thousand
    and must cost nothing."""
    head = d.head(conversation)
    lo, hi = max(lo, head.floor + 1), head.last_seq + 1
    newest = decode_message(head.last).id if head.last else 0
    if newest <= message:
        return hi - 1 if newest == message and head.last_seq else hi
    first = lo
    while lo < hi:
        middle = (lo + hi) // 2
        known = _kept(d, conversation, middle)
        if known is None or known.id < message:  # the tail has the newest, so what it lacks is older than what it has
            lo = middle + 1
        else:
            hi = middle
    return lo if lo == first or _kept(d, conversation, lo - 1) is not None else None


def _kept(d: Decision, conversation: int, seq: int) -> Message | None:
    return next(iter(d.hub.tables.tail.messages(conversation, seq, seq) or ()), None)


def _known(d: Decision, conversation: int, seq: int) -> Message | None:
    try:
        return next(iter(d.messages(conversation, seq, seq)), None)
    except Need:
        return None


def _probe(d: Decision, conversation: int, message: int, lo: int, hi: int) -> tuple[int, int]:
    """A narrower lo..hi by messages that have been fetched; Need if they have not."""
    step = max((hi - lo) // PROBES, 1)
    points = list(range(lo, hi, step))
    missing = [seq for seq in points if _known(d, conversation, seq) is None]
    fetched = {key.lo for key in d.found if type(key) is MessagesKey and key.conversation == conversation}
    wanted = [MessagesKey(conversation, seq, seq) for seq in missing if seq not in fetched]
    if wanted:
        raise Need(*wanted)
    # What the store does not have is gone: it is older than whatever is asked for.
    below = [seq for seq in points if (known := _known(d, conversation, seq)) is None or known.id < message]
    above = [seq for seq in points if seq not in below]
    return (max(below) + 1 if below else lo), (min(above) if above else hi)


def times_of(d: Decision, conversation: int, seqs: list[int]) -> dict[int, int]:
    """When the messages of these seqs were said, of those that are still there."""
    known = {seq: _known(d, conversation, seq) for seq in seqs}
    fetched = {key.lo for key in d.found if type(key) is MessagesKey and key.conversation == conversation}
    if wanted := [MessagesKey(conversation, seq, seq) for seq in seqs if known[seq] is None and seq not in fetched]:
        raise Need(*wanted)
    return {seq: message.time_ms for seq, message in known.items() if message is not None}
