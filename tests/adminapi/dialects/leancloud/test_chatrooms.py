"""Chatrooms by their later paths (`protocols.md` 2.13)."""

from __future__ import annotations

from protocol.commands import (
    Condition,
    ConversationPage,
    CreateConversation,
    DeleteConversation,
    ListConversations,
    SendMessage,
    UpdateConversation,
)
from protocol.records import Kind
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import AT, CONV, CONV_ID, MSG_ID, UPDATED, Talk, managed, ok, refused

PATH = "/1.2/rtm/chatrooms"
HERE = f"{PATH}/{CONV_ID}"


async def test_a_chatroom_is_a_room(served: Served) -> None:
    made = await ok(served, "POST", PATH, json={"name": "lobby", "unique": True, "tr": False})
    assert made == {"objectId": CONV_ID, "createdAt": "2018-01-16T03:40:32.814Z"}
    assert served.broker.last == managed(CreateConversation(kind=Kind.ROOM, members=(), name="lobby"))
    assert await refused(served, "POST", PATH, json={"name": 5}) == (400, 107)


async def test_only_rooms_are_found(served: Served) -> None:
    room = Talk([], Kind.ROOM).info().conversation
    served.broker.on(ListConversations, ConversationPage(conversations=[room], total=1))
    found = await ok(served, "GET", PATH, params={"where": '{"name":"lobby"}'})
    assert [row["tr"] for row in found["results"]] == [True]
    where = (Condition("name", "=", "lobby"), Condition("kind", "=", int(Kind.ROOM)))
    assert served.broker.last == managed(ListConversations(where=where, size=100, with_members=True))


async def test_what_is_done_to_it_is_what_is_done_to_conversations(served: Served) -> None:
    assert await ok(served, "PUT", HERE, json={"name": "hall"}) == UPDATED
    assert served.broker.last == managed(UpdateConversation(conversation=CONV, name="hall", merge=True))
    assert await ok(served, "GET", f"{HERE}/members") == {"result": ["client1", "client2"]}
    said = await ok(served, "POST", f"{HERE}/messages", json={"from_client": "tom", "message": "x", "priority": "low"})
    assert said == {"msg-id": MSG_ID, "timestamp": AT}
    assert isinstance(served.broker.last.command, SendMessage)
    assert [row["data"] for row in await ok(served, "GET", f"{HERE}/messages")] == ["m1"]
    body = {"from_client": "tom", "message": "y", "timestamp": AT}
    assert await ok(served, "PUT", f"{HERE}/messages/{MSG_ID}", json=body) == {"result": {}}
    assert await ok(served, "PUT", f"{HERE}/messages/{MSG_ID}/recall", json=body) == {"result": {}}
    assert await ok(served, "DELETE", f"{HERE}/messages/{MSG_ID}", params=body) == {"result": {}}
    assert await ok(served, "DELETE", HERE) == {}
    assert served.broker.last == managed(DeleteConversation(conversation=CONV))
