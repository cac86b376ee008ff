"""What a client has not read, told when it opens and whenever another of its sessions reads (`protocols.md` 2.8).

The law: `cid` and `unread` are always there, 0 too; a client that opens and has nothing unread is told nothing.

Readings: a message that was deleted unread counts until somebody of that user reads on: what is unread is a difference of
two numbers of the conversation, and a deletion changes neither for each of its members.
"""

from __future__ import annotations

from typing import Any

from protocol.commands import Sync, SyncState
from protocol.records import ConversationState, Status
from protocol.wires.leancloud.names import CONV_TYPES, cid_of, mid_of
from protocol.wires.leancloud.rendering import content
from protocol.wires.leancloud.schema import Cmd, GenericCommand
from protocol.wires.leancloud.seat import Request, Seat
from protocol.wires.native.ids import AppIds


def greet(seat: Seat, cursor: str = "") -> Request:
    """Ask what is unread, page after page."""

    def told(reply: SyncState) -> Any:
        if reply.more:
            seat.later.append(greet(seat, reply.cursor))
        unread = [state for state in reply.conversations if state.unread]
        return command([tuple_of(state, seat.ids) for state in unread]) if unread else None

    return Request(Sync(cursor=cursor), told, fail=lambda refused, subject: None)


def tuple_of(state: ConversationState, ids: AppIds) -> dict[str, Any]:
    row: dict[str, Any] = {"cid": cid_of(state.id, state.kind, ids, state.alias), "unread": state.unread}
    row["convType"] = CONV_TYPES.get(state.kind, 1)  # type: ignore[call-overload]  # an IntEnum equals its integer
    if state.mentioned:
        row["mentioned"] = True
    message = state.last_message
    if message is not None and message.status != Status.DELETED:
        row |= {"mid": mid_of(message, ids), "timestamp": message.time_ms, "from": message.sender}
        if message.edited_ms:
            row["patchTimestamp"] = message.edited_ms
        row |= content(message, "data")
    return row


def command(convs: list[dict[str, Any]]) -> Any:
    said = GenericCommand(cmd=Cmd.UNREAD, unreadMessage={"convs": convs})
    if newest := max((row.get("timestamp", 0) for row in convs), default=0):
        said.unreadMessage.notifTime = newest
    return said
