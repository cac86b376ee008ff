"""Service conversations and broadcasts (`protocols.md` 2.13)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.commands import (
    AddMembers,
    Condition,
    ConversationFound,
    ConversationPage,
    CreateConversation,
    DeleteConversation,
    DeleteMessage,
    EditMessage,
    GetConversation,
    ListConversations,
    ListMembers,
    Managed,
    MemberList,
    RecallMessage,
    RemoveMembers,
    SendMessage,
    UpdateConversation,
)
from protocol.ids import first_at
from protocol.records import Kind, MemberInfo, Message
from protocol.richtext import body_of, patch_of
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import (
    AT,
    CONV,
    CONV_ID,
    IDS,
    MSG,
    MSG_ID,
    UPDATED,
    Talk,
    call,
    managed,
    ok,
    refused,
    said,
)
from tests.adminapi.dialects.leancloud.conftest import (
    HERE as GROUP,
)

PATH = "/1.2/rtm/service-conversations"
HERE = f"{PATH}/{CONV_ID}"
SYSTEM = Condition("kind", "=", int(Kind.SYSTEM))
SENT = {"msg-id": MSG_ID, "timestamp": AT}
SAID = {"from_client": "news", "message": "x"}
KIND, BODY = body_of("x")


class Service(Talk):
    """The fake's conversation is one of these, to which ann has subscribed; its second message is a broadcast."""

    def __init__(self) -> None:
        messages = [said(seq, "news", ms=AT + seq) for seq in (1, 2, 3)]
        messages[1] = msgspec.structs.replace(messages[1], everyone=True)
        super().__init__(messages, Kind.SYSTEM)

    def info(self, command: Any = None, envelope: Managed | None = None) -> ConversationFound:
        found = super().info()
        found.conversation.joined_ms = AT if envelope is not None and envelope.user == "ann" else 0
        return found

    def history(self, command: Any, envelope: Any) -> Any:
        if command.older_than is not None:
            rows = [each for each in self.messages if command.newer_than < each.id < command.older_than]
            return msgspec.structs.replace(super().history(msgspec.structs.replace(command), envelope), messages=rows)
        return super().history(command, envelope)


@pytest.fixture
async def served(served: Served) -> Served:
    talk = Service()
    talk.answer(served.broker)
    info = talk.info().conversation
    served.broker.on(ListConversations, ConversationPage(conversations=[info], total=1))
    return served


async def test_they_are_made_found_changed_and_deleted(served: Served) -> None:
    made = await ok(served, "POST", PATH, json={"name": "daily", "tr": True, "color": "red"})
    assert made == {"objectId": CONV_ID, "createdAt": "2018-01-16T03:40:32.814Z"}
    command = CreateConversation(kind=Kind.SYSTEM, members=(), name="daily", attributes=b'{"color":"red"}')
    assert served.broker.last == managed(command)
    found = await ok(served, "GET", PATH, params={"where": '{"name":"daily"}'})
    assert [(row["objectId"], row["sys"], "m" in row) for row in found["results"]] == [(CONV_ID, True, False)]
    where = (Condition("name", "=", "daily"), SYSTEM)
    assert served.broker.last == managed(ListConversations(where=where, size=100, with_members=True))
    assert await ok(served, "PUT", HERE, json={"name": "hall"}) == UPDATED
    assert served.broker.last == managed(UpdateConversation(conversation=CONV, name="hall", merge=True))
    assert await ok(served, "DELETE", HERE) == {}
    assert served.broker.last == managed(DeleteConversation(conversation=CONV))


async def test_clients_are_subscribed(served: Served) -> None:
    assert await ok(served, "POST", f"{HERE}/subscribers", json={"client_id": "ann"}) == {}
    assert served.broker.last == managed(AddMembers(conversation=CONV, users=("ann",), strict=True), "", "ann")
    assert await ok(served, "DELETE", f"{HERE}/subscribers/ann") == {}
    assert served.broker.last == managed(RemoveMembers(conversation=CONV, users=("ann",), strict=True))
    assert await ok(served, "GET", f"{HERE}/subscribers/count") == {"count": 2}


async def test_subscribers_are_listed_a_page_at_a_time(served: Served) -> None:
    everybody = [MemberInfo(f"u{number}", 0, False, joined_ms=AT + number) for number in range(1200)]

    def page(command: ListMembers, _: Any) -> MemberList:
        start = (command.page - 1) * command.size
        return MemberList(members=everybody[start : start + command.size], total=1200)

    served.broker.on(ListMembers, page)

    async def listed(**query: Any) -> list[str]:
        rows = await ok(served, "GET", f"{HERE}/subscribers", params=query)
        assert all(row["conv_id"] == CONV_ID and row["timestamp"] == AT + int(row["subscriber"][1:]) for row in rows)
        return [row["subscriber"] for row in rows]

    assert await listed() == [f"u{number}" for number in range(50)]
    assert await listed(limit=2, client_id="u49") == ["u50", "u51"]
    assert await listed(limit=2, client_id="u998") == ["u999", "u1000"]
    assert await listed(limit=2, client_id="u999") == ["u1000", "u1001"]
    assert await listed(client_id="u1199") == []
    assert await refused(served, "GET", f"{HERE}/subscribers?client_id=eve") == (403, 4317)
    assert await refused(served, "GET", f"{HERE}/subscribers?limit=51") == (400, 107)


async def test_what_a_client_has_subscribed_to(served: Served) -> None:
    info = Service().info().conversation
    infos = [msgspec.structs.replace(info, id=first_at(AT + number), joined_ms=AT + 10 - number) for number in range(3)]
    served.broker.on(ListConversations, ConversationPage(conversations=infos, total=3))
    path, ids = "/1.2/rtm/clients/ann/service-conversations", [IDS.hex24(each.id) for each in infos]

    async def listed(**query: Any) -> list[tuple[int, str]]:
        rows = await ok(served, "GET", path, params=query)
        assert all(row["subscriber"] == "ann" for row in rows)
        return [(row["timestamp"] - AT, row["conv_id"]) for row in rows]

    assert await listed() == [(8, ids[2]), (9, ids[1]), (10, ids[0])]
    where = (Condition("member", "=", "ann"), SYSTEM)
    assert served.broker.last == managed(ListConversations(where=where, size=1000), "ann")
    assert await listed(direction="old", limit=1) == [(10, ids[0])]
    assert await listed(conv_id=ids[2].upper(), timestamp=AT + 8, limit=1) == [(9, ids[1])]
    assert await refused(served, "GET", f"{path}?conv_id={'0' * 24}") == (403, 4317)
    assert await refused(served, "GET", f"{path}?direction=up") == (400, 107)
    served.broker.on(ListConversations, ConversationPage(conversations=infos, total=1001))
    assert await refused(served, "GET", path) == (400, 4310)


async def test_all_subscribers_are_told(served: Served) -> None:
    command = SendMessage(conversation=CONV, type=KIND, body=BODY, push_data=b'{"alert":"x"}')
    body = {**SAID, "push": {"alert": "x"}}
    assert await ok(served, "POST", f"{HERE}/broadcasts", json=body) == SENT
    assert served.broker.last == managed(command, "news", "news")
    old = {"from_peer": "news", "message": "x", "conv_id": CONV_ID, "push": '{"alert":"x"}'}
    assert await ok(served, "POST", "/1.1/rtm/broadcast/subscriber", json=old) == SENT
    assert served.broker.last == managed(command, "news", "news")


async def test_clients_are_told_by_name(served: Served) -> None:
    told = {**SAID, "to_clients": ["ann", "bob"], "transient": False, "no_sync": True, "priority": "low"}
    assert await ok(served, "POST", f"{HERE}/messages", json=told) == SENT
    command = SendMessage(
        conversation=CONV, type=KIND, body=BODY, only=("ann", "bob"), transient=True, no_sync=True, priority=3
    )
    assert served.broker.last == managed(command, "news", "news", "ann", "bob")
    old = {"from_peer": "news", "message": "x", "conv_id": CONV_ID, "to_peers": ["ann"], "transient": False}
    assert await ok(served, "POST", "/1.1/rtm/messages", json=old) == SENT
    assert served.broker.last == managed(
        SendMessage(conversation=CONV, type=KIND, body=BODY, only=("ann",), transient=True), "news", "news", "ann"
    )
    assert await refused(served, "POST", f"{HERE}/messages", json=SAID) == (400, 1)
    many = {**SAID, "to_clients": [f"u{number}" for number in range(21)]}
    assert await refused(served, "POST", f"{HERE}/messages", json=many) == (400, 107)
    # What was told by name is not there to be changed.
    named = {**SAID, "timestamp": AT, "to_clients": ["ann"]}
    assert await refused(served, "PUT", f"{HERE}/messages/{MSG_ID}", json=named) == (404, 4404)
    assert await refused(served, "PUT", f"{HERE}/messages/{MSG_ID}/recall", json=named) == (404, 4404)


async def test_what_all_were_told_is_edited_and_taken_back(served: Served) -> None:
    body = {**SAID, "timestamp": AT}
    assert await ok(served, "PUT", f"{HERE}/messages/{MSG_ID}", json=body) == {"result": {}}
    kind, patch = patch_of("x")
    edited = EditMessage(conversation=CONV, message=MSG, author="news", type=kind, body=patch)
    assert served.broker.last == managed(edited, "news")
    assert await ok(served, "PUT", f"{HERE}/messages/{MSG_ID}/recall", json=body) == {"result": {}}
    assert served.broker.last == managed(RecallMessage(conversation=CONV, message=MSG, author="news"), "news")


async def test_its_history(served: Served) -> None:
    for path in (f"{HERE}/messages", f"{HERE}/subscribers/ann/messages"):
        assert [row["data"] for row in await ok(served, "GET", path)] == ["m3", "m2", "m1"]
    assert served.broker.heard[-3] == managed(GetConversation(conversation=CONV), "ann")
    assert await refused(served, "GET", f"{HERE}/subscribers/eve/messages") == (403, 4317)


@pytest.mark.parametrize("path", ["/1.1/rtm/broadcast", "/1.2/rtm/broadcasts"])
async def test_a_broadcast_is_for_everyone(served: Served, path: str) -> None:
    body = {"from_peer": "news", "message": "x", "conv_id": CONV_ID, "push": {"alert": "x"}, "valid_till": AT}
    assert await ok(served, "POST", path, json=body) == SENT
    command = SendMessage(conversation=CONV, type=KIND, body=BODY, everyone=True, push_data=b'{"alert":"x"}')
    assert served.broker.last == managed(command, "news", "news")
    assert await ok(served, "POST", path, json={**body, "transient": True}) == SENT
    assert served.broker.last.command.transient
    assert await refused(served, "POST", path, json={**body, "conv_id": None}) == (400, 1)
    assert await refused(served, "POST", path, json={**body, "from_peer": None}) == (400, 1)


async def test_broadcasts_are_listed_and_deleted(served: Served) -> None:
    path = "/1.2/rtm/broadcasts"
    rows = await ok(served, "GET", path, params={"conv_id": CONV_ID})
    assert [row["data"] for row in rows] == ["m2"]
    assert await ok(served, "GET", path, params={"conv_id": CONV_ID, "skip": 1}) == []
    assert await ok(served, "DELETE", f"{path}/{rows[0]['msg-id']}") == {}
    deleted: Message = Service().messages[1]
    assert served.broker.last == managed(DeleteMessage(conversation=CONV, message=deleted.id))
    # What subscribers alone were told is no broadcast.
    assert await refused(served, "DELETE", f"{path}/{IDS.base64(first_at(AT + 1))}") == (404, 4404)
    assert await refused(served, "DELETE", f"{path}/{IDS.base64(first_at(AT + 9))}") == (404, 4404)
    assert await refused(served, "DELETE", f"{path}/nonsense") == (404, 4404)
    assert await refused(served, "GET", path) == (400, 1)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", HERE, {"name": "x"}),
        ("DELETE", HERE, None),
        ("POST", f"{HERE}/subscribers", {"client_id": "ann"}),
        ("DELETE", f"{HERE}/subscribers/ann", None),
        ("GET", f"{HERE}/subscribers", None),
        ("GET", f"{HERE}/subscribers/count", None),
        ("GET", f"{HERE}/subscribers/ann/messages", None),
        ("POST", f"{HERE}/broadcasts", SAID),
        ("POST", f"{HERE}/messages", {**SAID, "to_clients": ["ann"]}),
        ("GET", f"{HERE}/messages", None),
        ("PUT", f"{HERE}/messages/{MSG_ID}", {**SAID, "timestamp": AT}),
        ("PUT", f"{HERE}/messages/{MSG_ID}/recall", {**SAID, "timestamp": AT}),
        ("POST", "/1.2/rtm/broadcasts", {**SAID, "conv_id": CONV_ID}),
        ("GET", f"/1.2/rtm/broadcasts?conv_id={CONV_ID}", None),
    ],
)
async def test_a_group_is_no_service_conversation(served: Served, method: str, path: str, body: Any) -> None:
    Talk([said(1)]).answer(served.broker)
    assert await refused(served, method, path, json=body) == (404, 4303)
    assert [type(each.command) for each in served.broker.heard if isinstance(each, Managed)] == [GetConversation]
    assert (await call(served, "GET", f"{GROUP}/messages")).status_code == 200
