"""A message as frames show it: to its author as taken, to others as said, and when it has been changed.

The law: it is shown as it is now, and says nothing about who is shown it; `data` of a history is in `history`. What every
message costs, `ack` and `direct`, is written by hand, field by field in the order of their numbers, as the library would
(measured: 0.9 and 1.4 us instead of 2.6 and 4.6).
"""

from __future__ import annotations

from typing import Any

from protocol.records import Message, Status
from protocol.richtext import binary_of, string_of
from protocol.wires.leancloud.names import CONV_TYPES, mid_of
from protocol.wires.leancloud.schema import SERVICE, Cmd, GenericCommand, Op, head, sized, tag, varint
from protocol.wires.native.ids import AppIds

ACK = head(Cmd.ACK) + tag("GenericCommand", "ackMessage")
ACK_CID, ACK_T, ACK_UID = (tag("AckCommand", field) for field in ("cid", "t", "uid"))
DIRECT = head(Cmd.DIRECT) + SERVICE
SERVER_TS, DIRECT_MESSAGE = tag("GenericCommand", "serverTs"), tag("GenericCommand", "directMessage")
MSG, FROM, TIMESTAMP, CID, ID, TRANSIENT, PATCH_TIMESTAMP, BINARY, MENTION, MENTION_ALL = (
    tag("DirectCommand", field)
    for field in (
        *("msg", "fromPeerId", "timestamp", "cid", "id", "transient", "patchTimestamp", "binaryMsg"),
        *("mentionPids", "mentionAll"),
    )
)
CONV_TYPE: dict[int, bytes] = {
    kind: tag("DirectCommand", "convType") + varint(number) for kind, number in CONV_TYPES.items()
}
TRUE = varint(1)


def content(message: Message, text: str) -> dict[str, str | bytes]:
    """What was said, in the field for text or the one for bytes."""
    raw = binary_of(message)
    return {text: string_of(message)} if raw is None else {"binaryMsg": raw}


def ack(uid: str, time_ms: int, cid: str) -> bytes:
    """Of a send that was taken, without `i` and `peerId`."""
    said = ACK_CID + sized(cid) + ACK_T + varint(time_ms) + ACK_UID + sized(uid)
    return ACK + varint(len(said)) + said


def direct(message: Message, cid: str, kind: int, ids: AppIds, at_ms: int = 0) -> bytes:
    """A push; `at_ms` is its `serverTs`, 0 for none."""
    raw = binary_of(message)
    fields = [] if raw is not None else [MSG, sized(string_of(message))]
    fields += (
        FROM,
        sized(message.sender),
        TIMESTAMP,
        varint(message.time_ms),
        CID,
        sized(cid),
        ID,
        sized(mid_of(message, ids)),
    )
    if not message.seq:
        fields += TRANSIENT, TRUE
    if message.edited_ms:
        fields += PATCH_TIMESTAMP, varint(message.edited_ms)
    if raw is not None:
        fields += BINARY, varint(len(raw)), raw
    for user in message.mentions:
        fields += MENTION, sized(user)
    if message.mention_all:
        fields += MENTION_ALL, TRUE
    fields.append(CONV_TYPE[kind])
    said = b"".join(fields)
    return DIRECT + (SERVER_TS + varint(at_ms) if at_ms else b"") + DIRECT_MESSAGE + varint(len(said)) + said


def patched(message: Message, cid: str, ids: AppIds) -> dict[str, Any]:
    """A PatchItem: the message as it is now."""
    item: dict[str, Any] = {
        "cid": cid,
        "mid": mid_of(message, ids),
        "timestamp": message.time_ms,
        "patchTimestamp": message.edited_ms,
        "from": message.sender,
        **content(message, "data"),
    }
    if message.status == Status.RECALLED:
        item["recall"] = True
    if message.mentions:
        item["mentionPids"] = message.mentions
    if message.mention_all:
        item["mentionAll"] = True
    return item


def modify(items: list[dict[str, Any]]) -> Any:
    said = {"patches": items, "lastPatchTime": max(item["patchTimestamp"] for item in items)}
    return GenericCommand(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage=said)
