"""What the endpoints print, and how they read what is asked."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, json_answer
from protocol.apps import App
from protocol.codec import read_json
from protocol.commands import Command, Done, Patched
from protocol.errors import Reason, Refused
from protocol.records import UserInfo
from protocol.wires.native.fields import Data, whole

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
    data: Data = {name: int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else text}
    return whole(data, name, least, most, default)


def app_shape(app: App) -> Data:
    settings = {field: getattr(app.settings, field) for field in app.settings.__struct_fields__}
    return {"id": app.id, "rev": app.rev, "disabled": app.disabled, "settings": settings}


def user_shape(user: UserInfo) -> Data:
    return {
        "user": user.user,
        "attributes": read_json(user.attributes),
        "online": user.online,
        "banned": user.banned,
        "created_ms": user.created_ms,
        "updated_ms": user.updated_ms or None,
    }
