"""A message as frames show it: when it is said, and when it has been changed.

The law: it is shown as it is now, and says nothing about who is shown it; `data` of a history is in `history`.
"""

from __future__ import annotations

from typing import Any

from protocol.records import Kind, Message, Status
from protocol.richtext import binary_of, string_of
from protocol.wires.leancloud.names import CONV_TYPES, mid_of
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op
from protocol.wires.native.ids import AppIds


def content(message: Message, text: str) -> dict[str, str | bytes]:
    """What was said, in the field for text or the one for bytes."""
    raw = binary_of(message)
    return {text: string_of(message)} if raw is None else {"binaryMsg": raw}


def direct(message: Message, cid: str, kind: int, ids: AppIds) -> Any:
    said: dict[str, Any] = {
        "cid": cid,
        "id": mid_of(message, ids),
        "fromPeerId": message.sender,
        "timestamp": message.time_ms,
        "convType": CONV_TYPES[Kind(kind)],
        **content(message, "msg"),
    }
    if not message.seq:
        said["transient"] = True
    if message.mentions:
        said["mentionPids"] = message.mentions
    if message.mention_all:
        said["mentionAll"] = True
    if message.edited_ms:
        said["patchTimestamp"] = message.edited_ms
    return GenericCommand(cmd=Cmd.DIRECT, directMessage=said)


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
