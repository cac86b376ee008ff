"""What the answers print: a group, and a person, out of the conversation and the user behind them.

The law: the attributes `group_avatar`, `organization_id` and `description` of a conversation, and `nickname`, `name` and
`avatar` of a user, have just these names, so every dialect reads and writes the same; a value of another type counts as
not there. Times are whole Unix seconds (HI-22).
"""

from __future__ import annotations

import re
from typing import cast

import orjson

from adminapi.dialect import Ask
from protocol.records import ConversationInfo

Row = dict[str, object]

GROUP, USER = "group", "user"
"""The types of a contact (HI-13)."""
APPLIED = "已为您提交加群申请"
"""HI-17."""


def attributes_of(raw: bytes) -> Row:
    return cast(Row, orjson.loads(raw))  # made by our own writer, so it needs no door


def text_of(attributes: Row, *keys: str) -> str:
    """The first of these attributes that is a text with something in it, else ""."""
    return next((value for key in keys if isinstance(value := attributes.get(key), str) and value), "")


def group_name(info: ConversationInfo) -> str:
    return info.name or text_of(attributes_of(info.attributes), "name")


def object_id(ask: Ask, info: ConversationInfo) -> str:
    """The `conversation_id`: in LeanCloud's form, and of a group that comes from there the very id it had."""
    return info.alias or ask.ids.hex24(info.id)


def group_row(ask: Ask, info: ConversationInfo) -> Row:
    """A group of HI-11 and HI-12."""
    attributes = attributes_of(info.attributes)
    return {
        "id": info.id,
        "group_avatar": text_of(attributes, "group_avatar"),
        "group_name": group_name(info),
        "description": text_of(attributes, "description"),
        "level": info.most,
        "conversation_id": object_id(ask, info),
        "create_time": info.created_ms // 1000,
    }


def group_row_with_organization(ask: Ask, info: ConversationInfo) -> Row:
    """A group of HI-15 and HI-16; `organization_id` is 0 where it has none."""
    organization = attributes_of(info.attributes).get("organization_id")
    return {**group_row(ask, info), "organization_id": organization if type(organization) is int else 0}


def group_contact(info: ConversationInfo) -> Row:
    """HI-13."""
    avatar = text_of(attributes_of(info.attributes), "group_avatar")
    return {"id": info.id, "avatar": avatar, "name": group_name(info), "type": GROUP}


def user_contact(user: str, attributes: Row) -> Row:
    """HI-13. `id` is the number in the client id; an id of another form stands there as it is."""
    number = re.fullmatch(r"[a-z]([0-9]{1,18})", user)
    identifier: object = int(number[1]) if number else user
    return {"id": identifier, "avatar": text_of(attributes, "avatar"), "name": nickname(user, attributes), "type": USER}


def nickname(user: str, attributes: Row) -> str:
    """What a person is called: the client id where nothing else is known."""
    return text_of(attributes, "nickname", "name") or user


def member_row(user: str, attributes: Row, *, is_admin: bool) -> Row:
    """A member of HI-16."""
    return {
        "is_admin": int(is_admin),
        "avatar": text_of(attributes, "avatar"),
        "nickname": nickname(user, attributes),
        "client_id": user,
    }
