"""Sending, editing, recalling and deleting messages: LC-10 to LC-13, in the order of the seed.

A message is addressed by its id and its time together (LC-20), and `from_client` must be its author. The time is in the
id; the hub checks the author, as it would let a back office change anybody's. The id that an imported message had says
nothing of its time, and is enough by itself.
"""

from __future__ import annotations

from typing import TypedDict, cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.schemas import About
from protocol.codec import Unreadable, read_json, write_json
from protocol.commands import DeleteMessage, EditMessage, MessageId, RecallMessage, SendMessage, Sent
from protocol.errors import Reason, Refused
from protocol.ids import time_of
from protocol.richtext import body_of, patch_of
from protocol.wires.native.fields import Data, bad, name

routes = Routes()

NAMED_MOST = 20
"""Clients one message is for alone."""
PRIORITIES = {"high": 1, "normal": 2, "low": 3}
PUSH_BYTES = 4096
"""Of push_data: what Apple's push service takes in one notification."""
SENDER = ("from_client", "from_peer")
"""The later name and the old one, which the seed's text still has (LC-10)."""


class Addressed(TypedDict):
    """What EditMessage, RecallMessage and DeleteMessage have in common."""

    conversation: int
    message: MessageId
    author: str


def priority_of(data: Data) -> int:
    """high (default), normal or low, in any case (LC-23)."""
    value = data.get("priority")
    if value is None or value == "":
        return PRIORITIES["high"]
    if not isinstance(value, str) or value.lower() not in PRIORITIES:
        bad("priority", "high, normal or low")
    return PRIORITIES[value.lower()]


def push_data_of(data: Data) -> bytes:
    """JSON for the push hook (LC-24): an object, its JSON text, or a text of its own."""
    value = data.get("push_data") or data.get("push")  # the latter in broadcasts
    if value is None or value == "":
        return b""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = read_json(value.encode())
        except Unreadable:
            bad("push_data", "a JSON object, the JSON text of one, or text")
    if not isinstance(value, str | dict):
        bad("push_data", "a JSON object, the JSON text of one, or text")
    written = write_json(value)
    if len(written) > PUSH_BYTES:
        raise Refused(Reason.TOO_LARGE, f"push_data has {len(written)} bytes, {PUSH_BYTES} are allowed.")
    return written


@routes.add("POST", "/1.2/rtm/conversations/{conv_id}/messages", about=About(answer=schemas.SENT, body=schemas.SENDING))
async def send_message(ask: Ask, broker: Broker) -> Answer:
    """LC-10. Send a message.

    What the sender may do is not checked; a sender that is not there yet is made."""
    return await send(ask, broker, fields.conversation_of(ask), fields.request(ask))


@routes.add("POST", "/1.1/rtm/messages", about=About(answer=schemas.SENT, body=schemas.OLD_SENDING))
async def send_message_to(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Send a message to the conversation `conv_id`."""
    data = fields.request(ask)
    conversation = fields.conversation(ask, name(data, "conv_id"))
    only = fields.users(ask, data, "to_peers", NAMED_MOST) if data.get("to_peers") else ()
    return await send(ask, broker, conversation, data, only=only)


async def send(
    ask: Ask, broker: Broker, conversation: int, data: Data, *, only: tuple[str, ...] = (), everyone: bool = False
) -> Answer:
    """`only` and `everyone` as in SendMessage."""
    # Whoever names nobody is told of the field of his version.
    sender = fields.user(data, *(SENDER if ask.url_path.startswith("/1.2/") else SENDER[::-1]))
    kind, body = body_of(fields.message_string(ask, data))
    named = data.get("mention_client_ids") not in (None, "")
    command = SendMessage(
        conversation=conversation,
        type=kind,
        body=body,
        transient=fields.flag(data, "transient") or bool(only),
        no_sync=fields.flag(data, "no_sync"),
        mention_all=fields.flag(data, "mention_all"),
        mentions=fields.users(ask, data, "mention_client_ids") if named else (),
        priority=priority_of(data),
        push_data=push_data_of(data),
        everyone=everyone,
        only=only,
    )
    sent = cast(Sent, await broker.call(ask.managed(command, user=sender, newcomers=(sender, *only))))
    return json_answer({"msg-id": ask.ids.base64(sent.message), "timestamp": sent.time_ms})


def addressed(ask: Ask, data: Data, *senders: str) -> Addressed:
    """The message a request is about, and whose it says it is. 4303, or 4404."""
    conversation, message = fields.conversation_of(ask), ask.ids.message(ask.path["mid"])
    sender, time_ms = fields.user(data, *senders), fields.milliseconds(data, "timestamp")
    check_time(message, time_ms)
    return {"conversation": conversation, "message": message, "author": sender}


def check_time(message: MessageId, time_ms: int) -> None:
    """Id and time belong together (LC-20); those of what was imported may not quite. 4404."""
    if isinstance(message, int) and time_of(message) != time_ms:
        raise Refused(Reason.UNKNOWN_MESSAGE, "There is no message with this id and this timestamp.")


async def edit_message(ask: Ask, broker: Broker) -> Answer:
    """LC-11. Edit a message.

    PUT is the later verb for it."""
    data = fields.request(ask)
    kind, body = patch_of(fields.message_string(ask, data))
    found = addressed(ask, data, *SENDER)
    await broker.call(ask.managed(EditMessage(**found, type=kind, body=body), user=found["author"]))
    return json_answer({"result": {}})


async def recall_message(ask: Ask, broker: Broker) -> Answer:
    """LC-12. Recall a message.

    PUT is the later verb for it. The `message` of the document's example is ignored."""
    found = addressed(ask, fields.request(ask), *SENDER)
    await broker.call(ask.managed(RecallMessage(**found), user=found["author"]))
    return json_answer({"result": {}})


for method in ("POST", "PUT"):  # the seed's verb and the later one
    about = About(answer=schemas.RESULT, body=schemas.EDIT)
    routes.add(method, "/1.2/rtm/conversations/{conv_id}/messages/{mid}", about=about)(edit_message)
for method in ("POST", "PUT"):
    about = About(answer=schemas.RESULT, body=schemas.RECALL)
    routes.add(method, "/1.2/rtm/conversations/{conv_id}/messages/{mid}/recall", about=about)(recall_message)


@routes.add(
    "DELETE", "/1.2/rtm/conversations/{conv_id}/messages/{mid}", about=About(answer=schemas.RESULT, query=schemas.DELETION)
)
async def delete_message(ask: Ask, broker: Broker) -> Answer:
    """LC-13. Delete a message here; clients keep their copy.

    `client_id`, as the document's example has it, is taken for `from_client`."""
    found = addressed(ask, fields.request(ask), *SENDER, "client_id")
    await broker.call(ask.managed(DeleteMessage(**found), user=found["author"]))
    return json_answer({"result": {}})
