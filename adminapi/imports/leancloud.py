"""LeanCloud's export in our words: rows of the class `_Conversation`, and messages as `rtm/messages/history` gives them
(`protocols.md` 2.5, 2.12).

Readings: all fields that are not built in are custom attributes, under their own names; `ACL` (who may read and write is
settled by membership here) and `uniqueId` (it follows from the members) are left out. A conversation with `tr` is a room,
one with `sys` a system conversation, whose messages stay behind, any other a group. A message of type -127 is one that was
taken back.
Mentions and the time of an edit are read under the names of the socket protocol, with dashes, underscores or as they are
there. `from-ip`, `to` and what tells of delivery (`ack-at`, `read-at`) are left out.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from adminapi.imports.files import Row
from protocol.codec import Unreadable, read_json, write_json
from protocol.commands import ImportedConversation, ImportedMessage
from protocol.ids import LARGEST
from protocol.richtext import binary_body_of, body_of

BUILT_IN = frozenset(
    {"objectId", "name", "m", "c", "tr", "sys", "unique", "uniqueId", "createdAt", "updatedAt", "lm", "mu", "ACL"}
)  # fmt: skip
RECALLED = -127


class NotTaken(Exception):
    """A row that cannot be imported; the sentence says why."""


def is_message(row: Row) -> bool:
    return "msg-id" in row or ("conv-id" in row and "timestamp" in row)


def conversation_of(row: Row) -> ImportedConversation:
    members, quiet = names(row.get("m")), names(row.get("mu"))
    attributes = {key: value for key, value in row.items() if key not in BUILT_IN and value is not None}
    try:
        written = write_json(attributes)
        read_json(written)
    except (Unreadable, ValueError, TypeError) as error:
        raise NotTaken(f"its attributes are not readable: {error}") from None
    name, creator = row.get("name"), row.get("c")
    return ImportedConversation(
        alias=text(row, "objectId").lower(),
        room=row.get("tr") is True,
        service=row.get("sys") is True,
        name=written_as_utf8(name, "name") if isinstance(name, str) else "",
        attributes=written,
        creator=written_as_utf8(creator, "c") if isinstance(creator, str) else "",
        members=members,
        created_ms=milliseconds(row.get("createdAt"), "createdAt"),
        updated_ms=milliseconds(row["updatedAt"], "updatedAt") if row.get("updatedAt") else 0,
        unique=row.get("unique") is True,
        quiet=quiet,
        said_ms=milliseconds(row["lm"], "lm") if row.get("lm") else 0,
    )


def message_of(row: Row) -> ImportedMessage:
    time_ms, data = row.get("timestamp"), row.get("data")
    if type(time_ms) is not int or not 0 <= time_ms <= LARGEST:
        raise NotTaken("it has no timestamp in milliseconds")
    if not isinstance(data, str):
        raise NotTaken("it has no data")
    try:
        kind, body = binary_body_of(base64.b64decode(data, validate=True)) if row.get("bin") is True else body_of(data)
    except (binascii.Error, ValueError, TypeError):
        raise NotTaken("its data is not what it says it is (base64, or text in UTF-8)") from None
    edited_ms = either(row, "patch-timestamp", "patch_timestamp", "patchTimestamp")
    return ImportedMessage(
        conversation=text(row, "conv-id").lower(),
        id=text(row, "msg-id"),
        time_ms=time_ms,
        sender=text(row, "from"),
        type=kind,
        body=body,
        recalled=kind == RECALLED,
        edited_ms=edited_ms if type(edited_ms) is int and 0 < edited_ms <= LARGEST else 0,
        mention_all=either(row, "mention-all", "mention_all", "mentionAll") is True,
        mentions=names(either(row, "mention-pids", "mention_pids", "mentionPids"), "mentions"),
    )


def either(row: Row, *fields: str) -> object:
    """The first of these that is there."""
    return next((row[field] for field in fields if row.get(field) is not None), None)


def text(row: Row, field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        raise NotTaken(f"it has no {field}")
    return written_as_utf8(value, field)


def written_as_utf8(value: str, field: str) -> str:
    """JSON may hold halves of characters, which nothing can be called by."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotTaken(f"its {field} is not text") from None
    return value


def names(value: object, what: str = "members") -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise NotTaken(f"its {what} are not a list of client ids")
    return tuple(dict.fromkeys(written_as_utf8(each, f"list of {what}") for each in value))


def milliseconds(value: object, field: str) -> int:
    """Of ISO text, or a Date of it."""
    iso = value.get("iso") if isinstance(value, dict) else value
    try:
        moment = datetime.fromisoformat(str(iso))
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise NotTaken(f"its {field} is not a time") from None
