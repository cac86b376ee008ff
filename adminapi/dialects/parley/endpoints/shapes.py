"""What the endpoints print, and how they read what is asked."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, json_answer
from adminapi.dialects.parley.schemas import common as schemas
from protocol.apps import App
from protocol.codec import read_json
from protocol.commands import Command, Condition, ConversationPage, Done, Patched
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind, Message, Status, UserInfo
from protocol.wires.native.fields import Data, text_or, whole

NO_APP = App(id="", key="", master_key="", secret="")
"""Whose caller is an operator, where the path names no app."""


async def done(ask: Ask, broker: Broker, command: Command) -> Answer:
    reply = cast(Done | Patched, await broker.call(ask.managed(command)))
    return json_answer({"time_ms": reply.time_ms})


def conversation_id(ask: Ask, given: object = None) -> int:
    found = ask.ids.conversation(str(ask.path["conversation"] if given is None else given))
    if found is None:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no such conversation.")
    return found


def number(ask: Ask, name: str, default: int, least: int, most: int) -> int:
    text = ask.query.get(name)
    data: Data = {name: int(text) if text and text.isascii() and text.isdigit() and len(text) < 17 else text}
    return whole(data, name, least, most, default)


def words(ask: Ask, name: str, most: int = 256) -> str:
    """A text of the query, "" if it is not there."""
    return text_or({name: ask.query.get(name)}, name, most).strip()


def page_asked(ask: Ask) -> tuple[int, int]:
    """Where a page starts and how much is on it."""
    return number(ask, "start", 0, 0, 1_000_000), number(ask, "limit", 50, 1, schemas.PAGE_MOST)


def any_of(*ways: tuple[str, str, object]) -> tuple[Condition, ...]:
    """Where one of these holds."""
    return (Condition("", "any", [[list(way)] for way in ways]),)


def next_start(start: int, shown: int, total: int) -> int | None:
    """Where the next page starts, None if this was the last."""
    return start + shown if shown and start + shown < total else None


def app_shape(app: App) -> Data:
    settings = {field: getattr(app.settings, field) for field in app.settings.__struct_fields__}
    return {"id": app.id, "rev": app.rev, "disabled": app.disabled, "fixed": app.fixed, "settings": settings}


def user_shape(user: UserInfo) -> Data:
    return {
        "user": user.user,
        "attributes": read_json(user.attributes),
        "online": user.online,
        "banned": user.banned,
        "created_ms": user.created_ms,
        "updated_ms": user.updated_ms or None,
    }


def conversation_shape(ask: Ask, info: ConversationInfo) -> Data:
    last = info.last_message
    return {
        "conversation": ask.ids.hex32(info.id),
        "kind": Kind(info.kind).name.lower(),
        "name": info.name,
        "attributes": read_json(info.attributes),
        "owner": info.owner,
        "creator": info.creator,
        "members": info.members,
        "created_ms": info.created_ms,
        "updated_ms": info.updated_ms or None,
        "said_ms": info.said_ms or None,
        "first_seq": info.first_seq,
        "last_seq": info.last_seq,
        "last_message": None if last is None else message_shape(ask, last),
    }


def conversation_page(ask: Ask, reply: ConversationPage, start: int) -> Data:
    rows = [conversation_shape(ask, info) for info in reply.conversations]
    return {"conversations": rows, "next": next_start(start, len(rows), reply.total), "total": reply.total}


def message_shape(ask: Ask, message: Message) -> Data:
    return {
        "message": ask.ids.hex32(message.id),
        "seq": message.seq,
        "sender": message.sender,
        "type": message.type,
        "body": read_json(message.body),
        "status": Status(message.status).name.lower(),
        "time_ms": message.time_ms,
        "edited_ms": message.edited_ms or None,
    }
