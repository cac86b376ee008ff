"""What the LeanCloud API prints: times, the short answers of LC-01 to LC-09, and a conversation as a row of its table.

The law: times of conversations are ISO-8601 in UTC with milliseconds and Z, times of messages integer milliseconds; ids
of conversations are 24 hex digits, of messages 22 of base64url (section 7 of the checklist).
"""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from adminapi.dialect import Answer, Ask, json_answer
from protocol.ids import ALIASES, IdForms
from protocol.records import ConversationInfo, Kind, Message
from protocol.richtext import string_of

Row = dict[str, object]


def iso(ms: int) -> str:
    """`2018-01-16T03:40:32.814Z`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def updated(ask: Ask, conversation: int, ms: int) -> Row:
    """The answer of LC-02, LC-04, LC-05, LC-07 and LC-08."""
    text = ask.path["conv_id"].lower() if conversation >= ALIASES else ask.ids.hex24(conversation)
    return {"updatedAt": iso(ms), "objectId": text}


def object_id(info: ConversationInfo, ids: IdForms) -> str:
    """The id it had at LeanCloud, if it comes from there."""
    return info.alias or ids.hex24(info.id)


def listed(ask: Ask, users: list[str]) -> Answer:
    """The answer of LC-06 and LC-09: a bare array as the seed prints it, or the later form where the app wants that."""
    return json_answer({"result": users} if ask.app.settings.leancloud_result else users)


def conversation_row(info: ConversationInfo, members: list[str] | None, ids: IdForms) -> Row:
    """A row of `_Conversation` (LC-28): its custom attributes at the top, the built-in fields over them."""
    row: Row = orjson.loads(info.attributes)
    row["objectId"] = object_id(info, ids)
    row["name"] = info.name
    if members is not None:
        row["m"] = members
    if info.creator:
        row["c"] = info.creator
    if info.kind == Kind.ROOM:
        row["tr"] = True
    if info.last_message is not None:
        row["lm"] = {"__type": "Date", "iso": iso(info.last_message.time_ms)}
    row["createdAt"] = iso(info.created_ms)
    row["updatedAt"] = iso(info.updated_ms or info.created_ms)
    return row


def history_row(message: Message, info: ConversationInfo, ids: IdForms) -> Row:
    """A message in an answer of the history query (LC-30). The address it was sent from is not kept."""
    conversation = object_id(info, ids)
    return {
        "timestamp": message.time_ms,
        "conv-id": conversation,
        "data": string_of(message),
        "from": message.sender,
        "msg-id": ids.base64(message.id),
        "is-conv": True,
        "is-room": info.kind == Kind.ROOM,
        "to": conversation,
        "bin": False,
        "from-ip": "",
    }
