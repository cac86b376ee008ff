"""A message as the hub hands it to the wire, and as the contract prints it."""

from __future__ import annotations

from typing import Any

from protocol.records import Message


def message(speaker: Any, **more: Any) -> Message:
    """What `pushed` prints; `more` goes over its fields."""
    fields: dict[str, Any] = {"seq": 5, "sender": "bob", "type": -1, "body": b'{"text":"HELLO !"}'} | more
    return Message(id=speaker.msg, conversation=speaker.conv, **fields)


PUSHED = {
    "from_client": "bob",
    "conv_id": "<conv>",
    "msg_id": "<msg>",
    "ctime": 1608126111686,
    "type": -1,
    "text": "HELLO !",
    "attr": "null",
    "url": "null",
    "transient": "0",
    "mention_all": 0,
    "mention_client_ids": "null",
    "seq": 5,
}


def pushed(speaker: Any, **more: Any) -> dict[str, Any]:
    """The data of `msg.new`, in the contract's order; `more` goes over it."""
    return PUSHED | {"conv_id": speaker.conv_id, "msg_id": speaker.msg_id} | more
