"""The native API over the fake broker, which answers as the seed prints, and what is sent and checked again and again."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import (
    AddMembers,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    Done,
    ListConversations,
    ListMembers,
    ListMessages,
    MemberList,
    MembersChanged,
    MessagePage,
    RemoveMembers,
    SendMessage,
    Sent,
    UpdateConversation,
    UpdateConversations,
)
from protocol.ids import IdForms, first_at
from protocol.records import ConversationInfo, MemberInfo, Message
from tests.adminapi.conftest import APP, Served

IDS = IdForms(APP.id)
CREATED_MS = 1_597_994_197_000
"""2020-08-21 07:16:37, as the seed prints it."""
CONV = first_at(CREATED_MS)
CONV_ID = IDS.hex32(CONV)
MSG = first_at(1_608_298_323_027)
MSG_ID = IDS.hex32(MSG)
HEADERS = {"app-id": "666666", "app-key": "master"}
SEND = {"from_client": "8", "type": -1, "text": "x"}


def info(kind: int = 2, attributes: bytes = b"{}", members: int = 0, updated_ms: int = 0) -> ConversationInfo:
    return ConversationInfo(
        id=CONV,
        kind=kind,
        name="",
        attributes=attributes,
        owner="1597500303",
        creator="1597500303",
        members=members,
        created_ms=CREATED_MS,
        updated_ms=updated_ms,
    )


def ok(data: Any, request_id: str | None = None) -> dict[str, Any]:
    return {"code": 0, "message": "ok", "data": data, "request-id": request_id}


async def post_message(served: Served, headers: dict[str, str], body: Any = SEND) -> int:
    answer = await served.call("POST", f"/im/conversations/{CONV_ID}/message", json=body, headers=headers)
    return int(answer.json()["code"])


@pytest.fixture
async def served(served: Served) -> Served:
    """The fake answers as the seed prints."""
    broker = served.broker
    broker.on(AddMembers, lambda command, managed: MembersChanged(allowed=list(command.users), failed=[]))
    broker.on(RemoveMembers, lambda command, managed: MembersChanged(allowed=list(command.users), failed=[]))
    members = [MemberInfo(user=user, role=0, online=False) for user in ("Tom", "Alex", "Iron")]
    broker.on(ListMembers, MemberList(members=members, total=len(members)))
    broker.on(
        CreateConversation,
        lambda command, managed: Created(conversation=info(command.kind, command.attributes), created=True),
    )
    broker.on(ListConversations, ConversationPage(conversations=[info(2), info(1)], total=20))
    broker.on(UpdateConversations, Done(time_ms=1))
    broker.on(UpdateConversation, Done(time_ms=1))
    broker.on(DeleteConversation, Done(time_ms=1))
    broker.on(SendMessage, Sent(message=MSG, conversation=CONV, seq=1, time_ms=1_608_126_111_686))
    message = Message(id=MSG, conversation=CONV, seq=7, sender="2", type=-1, body=b'{"text":"123323333211112321"}')
    broker.on(ListMessages, MessagePage(messages=[message], total=237))
    return served
