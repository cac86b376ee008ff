"""What was said before, and how far it has been read (`protocols.md` 2.9, 2.5 "receipt times").

The law: messages come in ascending order whichever way they were asked for; bounds are exclusive unless `tIncluded` or
`ttIncluded` says otherwise; `l` 0 is an empty list. A bound is an id: that of `mid`, or the first of the millisecond `t`.

Readings: deleted messages are left out, and others come in their place, for the SDK takes a short page for the end. Where
`mid` is no message's, `t` stands alone; as a bound it includes or leaves out its whole millisecond. `ackAt` and `readAt`
are not told by message: they are when it was received and read, as the SDKs show them, and a position keeps how far its
member came, not when. `max_read` tells how far; a receipt says when, as it happens.
"""

from __future__ import annotations

from typing import Any

from protocol.commands import Beside, History, HistoryPage, ReadTimes, ReadTimesList
from protocol.ids import first_at
from protocol.records import Message
from protocol.richtext import binary_of, string_of
from protocol.wires.leancloud import fields
from protocol.wires.leancloud.conversations import conv
from protocol.wires.leancloud.errors import CONVERSATION, LOGS
from protocol.wires.leancloud.names import mid_of
from protocol.wires.leancloud.schema import NEW, Cmd, GenericCommand, Op
from protocol.wires.leancloud.seat import Parsers, Request, Seat

LIMIT, LIMIT_MOST = 20, 100


def logs(g: Any, seat: Seat) -> Request:
    said = g.logsMessage
    number = fields.cid(said, seat)[1]
    limit = said.l if said.HasField("l") else said.limit if said.HasField("limit") else LIMIT
    forward = said.direction == NEW
    start = _bound(said.mid, said.t, seat, above=forward, included=said.tIncluded)
    stop = _bound(said.tmid, said.tt, seat, above=not forward, included=said.ttIncluded)
    lower, upper = (start, stop) if forward else (stop, start)
    command = History(
        conversation=number,
        limit=min(max(limit, 0), LIMIT_MOST),
        newer_than=lower,
        older_than=upper,
        forward=forward,
        type=said.lctype if said.HasField("lctype") else None,
        present=True,
    )

    def page(reply: HistoryPage) -> Any:
        answer = GenericCommand(cmd=Cmd.LOGS, logsMessage={"logs": [item(each, seat) for each in reply.messages]})
        answer.logsMessage.SetInParent()  # an empty page is a page too
        return answer

    return Request(command, page, LOGS)


def _bound(mid: str, time_ms: int, seat: Seat, *, above: bool, included: bool) -> int | Beside | None:
    """The id beyond which messages count: those above it, or those below."""
    step = (-1 if above else 1) if included else 0
    number = seat.ids.number(mid) if mid else None
    if number is not None:
        return number + step
    by_time: int | None = None
    if time_ms > 0:
        # The millisecond belongs to the side that counts if it is included.
        by_time = first_at(time_ms) if above == included else first_at(time_ms + 1)
        by_time -= above
    return Beside(mid, step, by_time) if mid else by_time


def item(message: Message, seat: Seat) -> dict[str, Any]:
    said: dict[str, Any] = {
        "from": message.sender,
        "data": string_of(message),
        "timestamp": message.time_ms,
        "msgId": mid_of(message, seat.ids),
    }
    if binary_of(message) is not None:
        said["bin"] = True
    if message.edited_ms:
        said["patchTimestamp"] = message.edited_ms
    if message.mention_all:
        said["mentionAll"] = True
    if message.mentions:
        said["mentionPids"] = message.mentions
    return said


def max_read(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    cid, number = fields.cid(said, seat)

    def told(reply: ReadTimesList) -> Any:
        answer = conv(Op.MAX_READ, cid=cid)
        others = [each for each in reply.times if each[0] != seat.peer]
        if said.queryAllMembers:
            for user, received, read in others:
                row = answer.convMessage.maxReadTuples.add(pid=user)
                _set(row, received, read)
        elif others:
            _set(answer.convMessage, max(each[1] for each in others), max(each[2] for each in others))
        return answer

    return Request(ReadTimes(conversation=number), told, CONVERSATION)


def _set(row: Any, received: int, read: int) -> None:
    """A time that is none stays away."""
    if received:
        row.maxAckTimestamp = received
    if read:
        row.maxReadTimestamp = read


REQUESTS: Parsers = {(Cmd.LOGS, 0): logs, (Cmd.CONV, Op.MAX_READ): max_read}
