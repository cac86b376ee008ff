"""What the LeanCloud API prints: times, the short answers of LC-01 to LC-09, and a conversation as a row of its table.

The law: times of conversations are ISO-8601 in UTC with milliseconds and Z, times of messages integer milliseconds; ids
of conversations are 24 hex digits, of messages 22 of base64url (section 7 of the checklist); what was imported is called
as it was at LeanCloud.
"""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, json_answer
from protocol.ids import ALIASES, TEMPORARIES, IdForms
from protocol.records import ConversationInfo, Kind, Message
from protocol.richtext import binary_of, string_of
from protocol.wires.leancloud.conversations import row
from protocol.wires.leancloud.names import iso
from protocol.wires.leancloud.seat import TEMPORARY
from protocol.wires.native.ids import app_ids

Row = dict[str, object]


def updated(ask: Ask, conversation: int, ms: int) -> Row:
    """The answer of LC-02, LC-04, LC-05, LC-07 and LC-08."""
    return {"updatedAt": iso(ms), "objectId": named(ask, conversation, ask.path["conv_id"])}


def named(ask: Ask, conversation: int, said: str) -> str:
    """The id of a conversation that a caller has named so: the one it had at LeanCloud, if that is what he said; behind the
    mark of a temporary one, if he said that."""
    if conversation & TEMPORARIES:
        return TEMPORARY + named(ask, conversation & ~TEMPORARIES, said.removeprefix(TEMPORARY))
    return said.lower() if conversation >= ALIASES else ask.ids.hex24(conversation)


def object_id(info: ConversationInfo, ids: IdForms) -> str:
    """The id it had at LeanCloud, if it comes from there."""
    return info.alias or ids.hex24(info.id)


def listed(ask: Ask, users: list[str]) -> Answer:
    """The answer of LC-06 and LC-09: a bare array as the seed prints it, or the later form where the app wants that."""
    return json_answer({"result": users} if ask.app.settings.leancloud_result else users)


def conversation_row(info: ConversationInfo, ask: Ask) -> Row:
    """A row of `_Conversation` (LC-28), as the sockets print it."""
    return row(info, app_ids(ask.app.id), 0)


def history_row(message: Message, info: ConversationInfo, ids: IdForms) -> Row:
    """A message in an answer of the history query (LC-30). The address it was sent from is not kept."""
    conversation = object_id(info, ids)
    return {
        "timestamp": message.time_ms,
        "conv-id": conversation,
        "data": string_of(message),
        "from": message.sender,
        "msg-id": message.old_id or ids.base64(message.id),
        "is-conv": True,
        "is-room": info.kind == Kind.ROOM,
        "to": conversation,
        "bin": binary_of(message) is not None,
        "from-ip": "",
    }
