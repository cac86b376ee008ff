"""What the MaxLeap API prints: rows of chats, users, groups and rooms. Times are Unix milliseconds, ids 32 hex digits."""

from __future__ import annotations

import hashlib
from typing import cast

from protocol.codec import read_json
from protocol.ids import IdForms
from protocol.media import content_of
from protocol.records import ConversationInfo, Message, Status, UserInfo
from protocol.wires.native.fields import Data


def chat_row(message: Message) -> Data:
    """A row of ML-10, and `recent` of ML-11 and ML-12."""
    content = content_of(message)
    row: Data = {
        "speaker": message.sender,
        "content": {"media": content.media, "body": content.body},
        "ts": message.time_ms,
    }
    return {**row, "remark": content.remark} if content.remark else row


def recent(message: Message | None) -> Data:
    """{} if there is nothing to show."""
    shown = message is not None and message.status == Status.NORMAL
    return {"recent": chat_row(cast(Message, message))} if shown else {}


def attributes_of(info: ConversationInfo) -> Data:
    """With the name, which is one of them here."""
    shown = cast(Data, read_json(info.attributes))
    return {**shown, "name": info.name} if info.name else shown


def group_row(info: ConversationInfo, members: list[str]) -> Data:
    """ML-16; `members` without the owner, as the vendor's samples."""
    others = [user for user in members if user != info.owner]
    return {"owner": info.owner, "members": others, "attributes": attributes_of(info), "ts": info.created_ms}


def room_row(info: ConversationInfo, members: list[str]) -> Data:
    """ML-30."""
    return {"members": members, "attributes": attributes_of(info), "ts": info.created_ms}


def user_row(user: UserInfo) -> Data:
    """A row of the search for users (ML-52)."""
    changed_ms = user.updated_ms or user.created_ms
    return {"id": user.user, "online": user.online, "ts": changed_ms, "attributes": read_json(user.attributes)}


def conversation_id(ids: IdForms, info: ConversationInfo) -> str:
    return ids.hex32(info.id)


def friendship_id(app: str, one: str, other: str) -> str:
    """32 hex digits that are the same from both sides (ML-07, ML-08)."""
    names = "\0".join([app, *sorted((one, other))])
    return hashlib.blake2b(names.encode(), digest_size=16, person=b"parley-friends").hexdigest()
