"""Sending a message (JM-02): the message protocol, version 1, and how it becomes the one form messages have here.

The law: what every dialect can show (type, text, url) is filled in, and the vendor's own object is kept whole under
`attr`, so that nothing sent is lost.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.jmessage.groups import group
from adminapi.dialects.jmessage.parameters import NEW_NAME, USERNAME, Data, bad, flag, missing, text, username, whole
from adminapi.schemas import About, boolean, integer, obj, sent
from adminapi.schemas import text as text_schema
from protocol.codec import Unreadable, read_json, write_json
from protocol.commands import SendMessage, Sent
from protocol.errors import Reason, Refused

routes = Routes()

BODY_BYTES = 4096
"""Of `msg_body` (`protocols.md` 5.1)."""
NAME_BYTES = 256
TYPES = {"text": -1, "image": -2, "voice": -3, "video": -4, "location": -5, "file": -6, "custom": 1}
MEDIA = {"media_id": str, "media_crc32": int, "fsize": int}
NEEDED: dict[str, dict[str, type]] = {
    "text": {"text": str},
    "image": {**MEDIA, "width": int, "height": int},
    "voice": {**MEDIA, "duration": int, "format": str},
    "video": {"video": dict, "duration": int},
    "location": {"latitude": int, "longitude": int, "scale": int, "label": str},
    "file": {**MEDIA, "fname": str},
    "custom": {},
}
"""Keys a body must have (`protocols.md` 5.2); int stands for any number."""
KEPT = ("version", "target_name", "from_type", "from_name", "from_platform", "create_time", "msg_type", "msg_body")
NAME = text_schema(most=NAME_BYTES)
SENDING = sent(
    {
        "target_type": text_schema(among=("single", "group"), example="single"),
        "target_id": text_schema("A username, or a gid.", least=1, example="javen"),
        "from_type": text_schema("An admin need not exist before.", among=("user", "admin"), example="admin"),
        "from_id": {**USERNAME, "description": "Who sends it.", "examples": ["fang"]},
        "msg_type": text_schema(among=tuple(TYPES), example="text"),
        "msg_body": obj(
            {},
            {"extras": obj({}, rest=True)},
            f"At most {BODY_BYTES} bytes. By type it has: "
            + "; ".join(f"{kind}: {', '.join(keys) or 'anything'}" for kind, keys in NEEDED.items()),
            rest=True,
            example={"extras": {}, "text": "Hello, JMessage!"},
        ),
    },
    {
        "version": integer(among=(1,), default=1),
        "target_name": NAME,
        "from_name": NAME,
        "from_platform": NAME,
        "create_time": integer("Kept as sent.", least=0, most=(1 << 53) - 1),
        "from_appkey": text_schema("This app's."),
        "target_appkey": text_schema("This app's."),
        "no_offline": boolean("Only to those online now; not stored.", default=False),
        "no_notification": boolean("Without an offline push.", default=False),
        "notification": obj({}, about="What the offline push shows.", rest=True),
    },
)
SENT = obj({"msg_id": integer(least=1)})


@routes.add("POST", "/v1/messages", about=About(answer=SENT, body=SENDING))
async def send(ask: Ask, broker: Broker) -> Answer:
    """JM-02. Send a message."""
    data = ask.json_object()
    check_head(ask, data)
    kind, body = content(data)
    sender = username(data.get("from_id"), "from_id")
    target = data.get("target_id")
    if target is None or target == "":
        missing("target_id")
    single = choice(data, "target_type", ("single", "group")) == "single"
    made_by_sending = choice(data, "from_type", ("admin", "user")) == "admin"
    to = username(target, "target_id") if single else ""
    command = SendMessage(
        type=kind,
        body=body,
        to=to,
        conversation=0 if single else (await group(ask, broker, target)).id,
        transient=flag(data, "no_offline"),
        push_data=push_data(data),
    )
    newcomers = (sender,) if made_by_sending and NEW_NAME.fullmatch(sender) else ()
    reply = await broker.call(ask.managed(command, user=sender, newcomers=newcomers))
    return json_answer({"msg_id": cast(Sent, reply).message})


def choice(data: Data, field: str, values: tuple[str, ...]) -> str:
    value = data.get(field)
    if value is None:
        missing(field)
    if not isinstance(value, str) or value not in values:
        bad(field, " or ".join(values))
    return value


def check_head(ask: Ask, data: Data) -> None:
    """What is said about the message and does nothing here but be kept."""
    whole(data.get("version", 1), "version", 1, 1)
    if data.get("create_time") is not None:
        whole(data["create_time"], "create_time", 0, (1 << 53) - 1)
    for field in ("target_name", "from_name", "from_platform"):
        if data.get(field) is not None:
            text(data[field], field, NAME_BYTES)
    for field in ("from_appkey", "target_appkey"):
        if data.get(field) not in (None, "", ask.app.id):
            raise Refused(Reason.UNKNOWN_APP)


def content(data: Data) -> tuple[int, bytes]:
    """The message's type and body as `records.Message` has them."""
    msg_type = choice(data, "msg_type", tuple(TYPES))
    msg_body = data.get("msg_body")
    if msg_body is None:
        missing("msg_body")
    if not isinstance(msg_body, dict):
        bad("msg_body", "an object")
    if len(write_json(msg_body)) > BODY_BYTES:
        raise Refused(Reason.TOO_LARGE, f"msg_body has more than {BODY_BYTES} bytes.")
    check_body(msg_type, msg_body)
    body: Data = {"text": msg_body["text"]} if msg_type == "text" else {}
    media = msg_body["video"] if msg_type == "video" else msg_body
    if "media_id" in NEEDED[msg_type] or msg_type == "video":
        body["url"] = media["media_id"]
    body["attr"] = {field: data[field] for field in KEPT if data.get(field) is not None}
    written = write_json(body)
    try:
        read_json(written)
    except Unreadable:  # `attr` is one level more than the request had
        bad("msg_body", "nested less deeply")
    return TYPES[msg_type], written


def check_body(msg_type: str, msg_body: Data) -> None:
    if msg_type == "location" and "label" not in msg_body:
        msg_body = {**msg_body, "label": msg_body.get("lable")}  # as the vendor's own table spells it
    check_keys(msg_body, NEEDED[msg_type], "msg_body")
    if msg_type == "video":
        check_keys(cast(Data, msg_body["video"]), {**MEDIA, "fname": str}, "msg_body.video")
    if msg_body.get("extras") is not None and not isinstance(msg_body["extras"], dict):
        bad("msg_body.extras", "an object")


def check_keys(data: Data, needed: dict[str, type], path: str) -> None:
    for field, kind in needed.items():
        value = data.get(field)
        if value is None or value == "":
            missing(f"{path}.{field}")
        if not (type(value) is kind or (kind is int and type(value) is float)):
            bad(f"{path}.{field}", {str: "text", int: "a number", dict: "an object"}[kind])


def push_data(data: Data) -> bytes:
    """For the offline push (LC-24)."""
    notification = data.get("notification")
    if notification is not None and (not isinstance(notification, dict) or len(write_json(notification)) > BODY_BYTES):
        bad("notification", f"an object of at most {BODY_BYTES} bytes")
    if flag(data, "no_notification"):
        return b'{"no_notification":true}'
    return write_json(notification) if notification else b""
