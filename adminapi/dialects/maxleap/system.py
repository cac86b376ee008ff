"""System messages: ML-42 and ML-43. They reach who is online, and nothing of them is kept."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes
from adminapi.dialects.maxleap import fields, schemas
from adminapi.dialects.maxleap.conversations import found
from adminapi.schemas import About
from protocol.codec import write_json
from protocol.commands import SendSystem
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST
from protocol.media import TEXT, VIDEO
from protocol.records import Kind
from protocol.wires.native.fields import Data, bad, missing, text_or, whole

routes = Routes()

EXPECTED = {bool: "true or false", str: f"text of at most {fields.PUSH_TEXT_MOST} characters", int: "an integer"}


def content_of(ask: Ask) -> bytes:
    """The message as sockets receive it: `media` and `body`, and `remark` if there is one."""
    data = ask.json_object()
    content = data.get("content")
    if content is None:
        missing("content")
    if not isinstance(content, dict):
        bad("content", "an object with media and body")
    media = whole(content, "media", 0, LARGEST, TEXT)
    if media > VIDEO:
        raise Refused(Reason.UNKNOWN_TYPE, "content.media is 0 text, 1 image, 2 audio or 3 video; the others are reserved.")
    body = content.get("body")
    if body is None or body == "":
        missing("content.body")
    if not isinstance(body, str):
        bad("content.body", "text or a URL")
    most = ask.app.settings.text_bytes
    if len(body.encode()) > most:
        raise Refused(Reason.TOO_LARGE, f"content.body has {len(body.encode())} bytes, {most} are allowed.")
    remark = text_or(data, "remark", fields.REMARK_MOST)
    whole(data, "ts", 0, LARGEST, 0)
    check_push(data.get("push"))
    said: Data = {"media": media, "body": body}
    return write_json({**said, "remark": remark} if remark else said)


def check_push(push: object) -> None:
    if push is None:
        return
    if not isinstance(push, dict):
        bad("push", "an object")
    for name, kind in fields.PUSH_FIELDS.items():
        value = cast(Data, push).get(name)
        if value is None:
            continue
        if type(value) is not kind or (isinstance(value, str) and len(value) > fields.PUSH_TEXT_MOST):
            bad(f"push.{name}", EXPECTED[kind])


@routes.add("POST", "/system", about=About(status=202, body=schemas.TO_ALL))
async def send_to_all(ask: Ask, broker: Broker) -> Answer:
    """ML-42. Say something to all users who are online.

    Nothing of it is kept."""
    await broker.call(ask.managed(SendSystem(content=content_of(ask))))
    return Answer(status=202)


@routes.add("POST", "/system/{target}", about=About(status=202, body=schemas.TO_TARGET, query=schemas.TARGET_KIND))
async def send_to_target(ask: Ask, broker: Broker) -> Answer:
    """ML-43. Say something to a user, or to the members of a group or room.

    To those who are online; nothing of it is kept."""
    content = content_of(ask)
    kinds = [kind for kind, flag in ((Kind.GROUP, "group"), (Kind.ROOM, "room")) if flag in ask.query]
    if len(kinds) > 1:
        raise Refused(Reason.BAD_FORMAT, "Say ?group or ?room, not both.")
    if kinds:
        info = await found(ask, broker, kinds[0], ask.path["target"])
        await broker.call(ask.managed(SendSystem(content=content, conversation=info.id)))
    else:
        await broker.call(ask.managed(SendSystem(content=content, users=(fields.user_of(ask, "target"),))))
    return Answer(status=202)
