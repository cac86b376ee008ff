"""What a client missed while it was away, pushed behind the answer to its open: messages where the sub-protocol is of
version 1 (`protocols.md` 2.1), edits and recalls where the open names a `lastPatchTime`.

The law: both are asked of the hub by the wire itself, so they keep their place behind the answer; what is said after the
open is pushed as always and is not in them.

Readings: a message is offline until any client of its user has acknowledged it or a later one. `offline` is set on all of
them, `hasMore` on the first of a conversation if older ones are in history only. How many there may be is nowhere written;
the hub's bounds are `broker.hub.unheard`. Changes are told to whoever made them too, for another device of his may have;
deletions are not told, as ever. If the hub cannot look them up, nothing is said, and the next open asks again.
"""

from __future__ import annotations

from typing import Any

from protocol.commands import PatchedSince, Undelivered, Unheard
from protocol.records import UnheardMessages
from protocol.wires.leancloud import rendering
from protocol.wires.leancloud.names import cid_of
from protocol.wires.leancloud.schema import read
from protocol.wires.leancloud.seat import Request, Seat


def undelivered(seat: Seat) -> Request:
    def told(reply: Unheard) -> None:
        for each in reply.conversations:
            cid = _cid(each, seat)
            for place, message in enumerate(each.messages):
                command = read(rendering.direct(message, cid, each.kind, seat.ids))
                command.directMessage.offline = True
                if each.more and not place:
                    command.directMessage.hasMore = True
                seat.later.append(command)

    return Request(Undelivered(), told, fail=lambda refused, subject: None)


def patched_since(seat: Seat, since_ms: int) -> Request:
    def told(reply: Unheard) -> Any:
        items = [
            rendering.patched(message, _cid(each, seat), seat.ids)
            for each in reply.conversations
            for message in each.messages
        ]
        items.sort(key=lambda item: item["patchTimestamp"])
        return rendering.modify(items) if items else None

    return Request(PatchedSince(since_ms=since_ms), told, fail=lambda refused, subject: None)


def _cid(unheard: UnheardMessages, seat: Seat) -> str:
    return cid_of(unheard.messages[0].conversation, unheard.kind, seat.ids, unheard.alias)
