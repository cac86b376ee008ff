"""What was said, and what is said from here."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes
from adminapi.dialects.parley import schemas
from adminapi.dialects.parley.endpoints.shapes import conversation_id, done
from adminapi.schemas import About
from protocol.codec import write_json
from protocol.commands import DeleteMessage, SendSystem
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import missing, name_or

routes = Routes()


@routes.add(
    "POST", "/-/api/apps/{app}/system", about=About(answer=schemas.DONE, body=schemas.SYSTEM), role=OperatorRole.SUPPORT
)
async def send_system(ask: Ask, broker: Broker) -> Answer:
    """Push to online sessions: of a user, of a conversation, or of the whole app."""
    data = ask.json_object()
    if "content" not in data:
        missing("content")
    user, conversation = name_or(data, "user", 128), data.get("conversation")
    if user and conversation is not None:
        raise Refused(Reason.BAD_FORMAT, "Give user or conversation, not both.")
    command = SendSystem(
        content=write_json(data["content"]),
        users=(user,) if user else (),
        conversation=0 if conversation is None else conversation_id(ask, conversation),
    )
    return await done(ask, broker, command)


@routes.add(
    "DELETE",
    "/-/api/apps/{app}/conversations/{conversation}/messages/{message}",
    about=About(answer=schemas.DONE),
    role=OperatorRole.SUPPORT,
)
async def delete_message(ask: Ask, broker: Broker) -> Answer:
    """Delete a message for everybody."""
    message = ask.ids.message(ask.path["message"])
    return await done(ask, broker, DeleteMessage(conversation=conversation_id(ask), message=message))
