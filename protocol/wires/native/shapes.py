"""Shapes the native socket and the native REST dialect share: rows of messages and conversations, pages, JSON text.

The law: what the seed prints is kept to the letter, oddities included (ZD-05, ZD-08, ZD-10): there JSON travels as text
("null" where there is none), flags are now a number and now a digit in quotes, and "creater" is spelt so. The socket
writes integer milliseconds everywhere, REST writes a conversation's times as text (ZD-44).

Readings:
* ZD-08 prints `attr` as JSON null but `url` and `mention_client_ids` as the text "null": rows carry `attr` as JSON and
  the other two as JSON text; the push of ZD-10 carries all three as JSON text.
* ZD-08 prints `no_sync` 0 for a message that was sent without it, so 1 in a row is a message kept from the sender's
  other sessions, although ZD-09 numbers the request field the other way round.
* ZD-04 and ZD-05 print null for a conversation without extension: an empty object is written as null.
* `name` of `conv_extend`, where it is text, is the conversation's name, the same that every other API has; so it is printed
  there whoever gave it. A name that is no text is an attribute like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from protocol.codec import write_json
from protocol.ids import time_of
from protocol.records import ConversationInfo, Message, UserInfo
from protocol.richtext import words_of
from protocol.wires.native.ids import AppIds

Row = dict[str, object]


def json_text(value: object) -> str:
    """A value as JSON text, "null" for none."""
    return "null" if value is None else write_json(value).decode()


def sender_of(message: Message) -> str | int:
    """`from_client`: the number it was given as, where it was one (ZD-09)."""
    sender = message.sender
    if message.numeric_sender and len(sender) <= 18 and sender.isascii() and sender.removeprefix("-").isdigit():
        return int(sender)
    return sender


def date_text(ms: int) -> str | None:
    """`YYYY-MM-DD HH:MM:SS` in UTC (ZD-44), None for 0: it never happened."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if ms else None


def message_push(message: Message, ids: AppIds) -> Row:
    """The `data` of msg.new (ZD-10), then `seq`, and `client_msg_id` where there is one."""
    body = words_of(message.body)
    attr, url, mentions = body.get("attr"), body.get("url"), message.mentions
    row: Row = {
        "from_client": sender_of(message) if message.numeric_sender else message.sender,
        "conv_id": ids.text(message.conversation),
        "msg_id": ids.text(message.id),
        "ctime": time_of(message.id),
        "type": message.type,
        "text": body.get("text"),
        "attr": "null" if attr is None else json_text(attr),
        "url": "null" if url is None else json_text(url),
        "transient": "0" if message.seq else "1",
        "mention_all": 1 if message.mention_all else 0,
        "mention_client_ids": write_json(mentions).decode() if mentions else "null",
        "seq": message.seq,
    }
    if message.client_msg_id:
        row["client_msg_id"] = message.client_msg_id
    return row


def message_entry(message: Message, ids: AppIds) -> Row:
    """A message in an answer on the socket: as its push, then `msg_status` (1 normal, 2 deleted, 3 recalled) and
    `mtime` (ms of the last edit, null if never)."""
    row = message_push(message, ids)
    row["msg_status"] = message.status
    row["mtime"] = message.edited_ms or None
    return row


def message_row(message: Message, ids: AppIds) -> Row:
    """A row of ZD-08, for REST."""
    body = words_of(message.body)
    return {
        "msg_id": ids.text(message.id),
        "conv_id": ids.text(message.conversation),
        "type": message.type,
        "text": body.get("text"),
        "attr": body.get("attr"),
        "url": json_text(body.get("url")),
        "ctime": message.time_ms,
        "msg_status": message.status,
        "no_sync": int(message.no_sync),
        "mention_all": int(message.mention_all),
        "mention_client_ids": json_text(message.mentions or None),
        "transient": 0 if message.seq else 1,
        "mtime": message.edited_ms or None,
        "client_id": message.sender,
    }


def extension(attributes: bytes, name: str) -> object:
    """`conv_extend`: the stored object (ZD-46) with the conversation's name in it, null where nothing is stored."""
    shown: Row = orjson.loads(attributes)
    if name:
        shown["name"] = name
    return shown or None


def conversation_row(info: ConversationInfo, ids: AppIds) -> Row:
    """A row of ZD-05, for REST: times as text."""
    return {
        "conv_id": ids.text(info.id),
        "conv_type": int(info.kind),
        "client_num": info.members,
        "app_id": ids.app,
        "conv_extend": extension(info.attributes, info.name),
        "conv_creater_id": info.creator,
        "ctime": date_text(info.created_ms),
        "mtime": date_text(info.updated_ms),
    }


def conversation_entry(info: ConversationInfo, ids: AppIds) -> Row:
    """A conversation in an answer on the socket: the keys of ZD-05 with times in ms (null: never), then `name`,
    `owner`, `first_seq`, `last_seq`, and `last_message` where it is known."""
    row = conversation_row(info, ids)
    row["ctime"] = info.created_ms
    row["mtime"] = info.updated_ms or None
    row["name"] = info.name
    row["owner"] = info.owner
    row["first_seq"] = info.first_seq
    row["last_seq"] = info.last_seq
    if info.last_message is not None:
        row["last_message"] = message_entry(info.last_message, ids)
    return row


def user_entry(user: UserInfo) -> Row:
    """A user in an answer on the socket."""
    return {
        "client_id": user.user,
        "attributes": orjson.loads(user.attributes),
        "online": user.online,
        "ctime": user.created_ms,
        "mtime": user.updated_ms or None,
    }


def page(rows: Sequence[object], number: int, size: int, total: int) -> Row:
    """The page object of ZD-05 and ZD-08. An empty list has one page, as in the origin's framework."""
    return {
        "current_page": number,
        "data": list(rows),
        "last_page": max(1, -(-total // size)),
        "per_page": size,
        "total": total,
    }
