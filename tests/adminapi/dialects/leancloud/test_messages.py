"""Sending, editing, recalling and deleting messages: LC-10 to LC-13, and LC-20, what addresses a message."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from protocol.commands import DeleteMessage, EditMessage, Managed, RecallMessage, SendMessage
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import (
    AT,
    CONV,
    CONV_ID,
    FOREIGN,
    HEADERS,
    HERE,
    MSG,
    MSG_ID,
    call,
    managed,
    ok,
    refused,
    sent,
)


async def test_lc10_send(served: Served) -> None:
    answer = await ok(served, "POST", f"{HERE}/messages", json={"from_client": "tom", "message": "hello"})
    assert answer == {"msg-id": MSG_ID, "timestamp": 1495431811151}
    assert len(MSG_ID) == 22
    command = SendMessage(conversation=CONV, type=-1, body=b'{"text":"hello","lc":"hello"}')
    assert served.broker.last == managed(command, "tom", "tom")


async def test_lc10_all_fields(served: Served) -> None:
    rich = '{"_lctype":-2,"_lctext":"pic","_lcfile":{"url":"http://x/y"}}'
    body = {
        "from_peer": "tom",
        "message": rich,
        "transient": True,
        "no_sync": True,
        "push_data": {"alert": "hi"},
        "priority": "LOW",
        "mention_all": True,
        "mention_client_ids": ["a", "b"],
    }
    await ok(served, "POST", f"{HERE}/messages", json=body)
    assert served.broker.last.user == "tom"
    assert served.broker.last.command == SendMessage(
        conversation=CONV,
        type=-2,
        body=json.dumps({"text": "pic", "url": "http://x/y", "lc": rich}, separators=(",", ":")).encode(),
        transient=True,
        no_sync=True,
        push_data=b'{"alert":"hi"}',
        priority=3,
        mention_all=True,
        mentions=("a", "b"),
    )


@pytest.mark.parametrize(
    ("priority", "kept"),
    [(None, 1), ("", 1), ("high", 1), ("HIGH", 1), ("Normal", 2), ("normal", 2), ("low", 3), ("lOW", 3)],
)
async def test_lc10_priority_is_high_unless_said_and_any_case(served: Served, priority: Any, kept: int) -> None:
    assert (await sent(served, priority=priority)).priority == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, b""),
        ("", b""),
        ({"alert": "x"}, b'{"alert":"x"}'),
        ('{"alert": "x"}', b'{"alert":"x"}'),
        ("just text", b'"just text"'),
    ],
)
async def test_lc10_push_data_is_kept_as_json(served: Served, given: Any, kept: bytes) -> None:
    assert (await sent(served, push_data=given)).push_data == kept


async def test_lc10_a_message_that_is_an_object_is_kept_as_its_compact_json(served: Served) -> None:
    command = await sent(served, message={"_lctype": -1, "_lctext": "hi"})
    assert json.loads(command.body) == {"text": "hi", "lc": '{"_lctype":-1,"_lctext":"hi"}'}


async def test_lc10_five_kilobytes_and_not_a_byte_more(served: Served) -> None:
    await sent(served, message="é" * 2560)
    body: dict[str, Any] = {"from_client": "tom", "message": "é" * 2560 + "x"}
    assert await refused(served, "POST", f"{HERE}/messages", json=body) == (413, 116)
    body = {"from_client": "tom", "message": {"_lctype": -1, "_lcattrs": "x" * 5120}}
    assert await refused(served, "POST", f"{HERE}/messages", json=body) == (413, 116)


async def test_a_post_with_an_idempotency_key_is_done_once(served: Served) -> None:
    headers = {**HEADERS, "Idempotency-Key": "k"}
    body = {"from_client": "tom", "message": "x"}
    first = await ok(served, "POST", f"{HERE}/messages", json=body, headers=headers)
    assert await ok(served, "POST", f"{HERE}/messages", json=body, headers=headers) == first
    assert len(served.broker.heard) == 1


async def test_a_message_whose_answer_was_lost_is_sent_again_by_the_same_name(served: Served) -> None:
    """Under the same key, another message has another name, or the hub would take it for the first. What is transient has
    none: whether it was said stays unknown."""
    headers, first = {**HEADERS, "Idempotency-Key": "k" * 255}, served.broker.table[SendMessage]
    old = {"from_client": "tom", "message": "x", "conv_id": CONV_ID}
    posts: list[tuple[str, Any]] = [
        (f"{HERE}/messages", {"from_client": "tom", "message": "x"}),
        (f"{HERE}/messages", {"from_client": "tom", "message": "y"}),
        (f"/1.2/rtm/chatrooms/{CONV_ID}/messages", {"from_client": "tom", "message": "x"}),
        ("/1.1/rtm/messages", old),
    ]
    names = []
    for path, body in posts:
        served.broker.on(SendMessage, Refused(Reason.OUTCOME_UNKNOWN))
        assert await refused(served, "POST", path, json=body, headers=headers) == (504, 124)
        served.broker.table[SendMessage] = first
        assert (await ok(served, "POST", path, json=body, headers=headers))["msg-id"] == MSG_ID
        lost, again = (cast(SendMessage, cast(Managed, each).command) for each in served.broker.heard[-2:])
        assert lost.client_msg_id == again.client_msg_id
        names.append(lost.client_msg_id)
    assert len(set(names) - {""}) == len(posts)
    heard = len(served.broker.heard)
    served.broker.on(SendMessage, Refused(Reason.OUTCOME_UNKNOWN))
    for _ in range(2):
        body = {**old, "transient": True}
        assert await refused(served, "POST", "/1.1/rtm/messages", json=body, headers=headers) == (504, 124)
    assert len(served.broker.heard) == heard + 1
    assert not cast(SendMessage, served.broker.last.command).client_msg_id


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_lc11_edit(served: Served, method: str) -> None:
    body = {"from_client": "tom", "message": "new", "timestamp": AT}
    assert await ok(served, method, f"{HERE}/messages/{MSG_ID}", json=body) == {"result": {}}
    patch = b'{"text":"new","attr":null,"url":null,"lc":"new"}'
    assert served.broker.last == managed(
        EditMessage(conversation=CONV, message=MSG, body=patch, type=-1, author="tom"), user="tom"
    )


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_lc12_recall_ignores_the_message_of_the_example(served: Served, method: str) -> None:
    body = {"from_client": "tom", "message": "", "timestamp": AT}
    assert await ok(served, method, f"{HERE}/messages/{MSG_ID}/recall", json=body) == {"result": {}}
    assert served.broker.last == managed(RecallMessage(conversation=CONV, message=MSG, author="tom"), user="tom")


@pytest.mark.parametrize("field", ["from_client", "client_id", "from_peer"])
async def test_lc13_delete_with_the_name_of_the_table_or_of_the_example(served: Served, field: str) -> None:
    assert await ok(served, "DELETE", f"{HERE}/messages/{MSG_ID}?{field}=tom&timestamp={AT}") == {"result": {}}
    assert served.broker.last == managed(DeleteMessage(conversation=CONV, message=MSG, author="tom"), user="tom")


EDITS = [
    ("POST", f"{HERE}/messages/{MSG_ID}"),
    ("PUT", f"{HERE}/messages/{MSG_ID}"),
    ("POST", f"{HERE}/messages/{MSG_ID}/recall"),
    ("PUT", f"{HERE}/messages/{MSG_ID}/recall"),
    ("DELETE", f"{HERE}/messages/{MSG_ID}"),
]


@pytest.mark.parametrize(("method", "path"), EDITS)
async def test_lc20_message_and_time_address_it_together_and_its_author_only(served: Served, method: str, path: str) -> None:
    good = {"from_client": "tom", "message": "x", "timestamp": AT}
    assert await refused(served, method, path, json={**good, "timestamp": 123}) == (404, 4404)
    assert await refused(served, method, path, json={**good, "timestamp": AT + 1}) == (404, 4404)
    for missing in ("from_client", "timestamp"):
        assert await refused(served, method, path, json={**good, missing: None}) == (400, 1)
    for bad in (-1, 1.5, "x", True, [AT]):
        assert await refused(served, method, path, json={**good, "timestamp": bad}) == (400, 107)
    assert served.broker.heard == []
    for kind in (EditMessage, RecallMessage, DeleteMessage):
        served.broker.on(kind, lambda c, m: Refused(Reason.NOT_ALLOWED, f"not sent by {c.author}"))
    assert await refused(served, method, path, json={**good, "from_client": "jerry"}) == (403, 4403)


@pytest.mark.parametrize(("method", "path"), EDITS)
async def test_a_message_is_addressed_by_the_id_it_had(served: Served, method: str, path: str) -> None:
    """LC-11 to LC-13 of what was imported. Whether it is there, the broker knows."""
    for kind in (EditMessage, RecallMessage, DeleteMessage):
        served.broker.on(kind, lambda c, m: Refused(Reason.UNKNOWN_MESSAGE, c.message))
    old = IdForms("bare").base64(MSG)
    said = {"from_client": "tom", "message": "x", "timestamp": AT}
    assert await refused(served, method, path.replace(MSG_ID, old), json=said) == (404, 4404)
    assert served.broker.last.command.message == old  # type: ignore[attr-defined]


OLD = {"conv_id": CONV_ID, "from_peer": "tom", "message": "x"}


async def test_a_message_by_the_old_call(served: Served) -> None:
    """As the storage SDKs send it (`protocols.md` 2.12)."""
    body = {**OLD, "transient": False, "no_sync": True, "push_data": {"alert": "x"}, "to_peers": []}
    assert await ok(served, "POST", "/1.1/rtm/messages", json=body) == {"msg-id": MSG_ID, "timestamp": AT}
    command = served.broker.last.command
    assert served.broker.last == managed(command, "tom", "tom")
    assert isinstance(command, SendMessage)
    assert (command.conversation, command.no_sync, command.push_data) == (CONV, True, b'{"alert":"x"}')


async def test_a_sender_that_is_missing_is_called_as_the_version_calls_it(served: Served) -> None:
    """LC-10: from_client, and from_peer of 1.1."""
    for path, field in (("/1.1/rtm/messages", "from_peer"), (f"{HERE}/messages", "from_client")):
        answer = await call(served, "POST", path, json={"conv_id": CONV_ID, "message": "x"})
        assert (answer.status_code, answer.json()["error"]) == (400, f"{field} is missing.")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"conv_id": None}, (400, 1)),
        ({"conv_id": FOREIGN}, (404, 4303)),
        ({"conv_id": {}}, (400, 107)),
        ({"from_peer": ""}, (400, 1)),
        ({"message": None}, (400, 1)),
        ({"message": "x" * 5121}, (413, 116)),
        ({"to_peers": {"ann": 1}}, (400, 107)),
        ({"to_peers": [f"u{n}" for n in range(21)]}, (400, 107)),
    ],
)
async def test_old_call_refusals(served: Served, change: dict[str, Any], expected: tuple[int, int]) -> None:
    assert await refused(served, "POST", "/1.1/rtm/messages", json={**OLD, **change}) == expected
    assert served.broker.heard == []
