"""Messages and files: ZD-09, ZD-08 and ZD-11 beside their printed answers, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import ListMessages, Managed, SendMessage, Sent
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.native.conftest import CONV, CONV_ID, HEADERS, MSG, MSG_ID, SEND, ok, post_message


async def test_zd09_send_message(served: Served) -> None:
    path = f"/im/conversations/{CONV_ID}/message"
    answer = await served.call("POST", path, json={"from_client": 2, "type": -1, "text": "HELLO !"})
    assert answer.json() == ok({"msg_id": MSG_ID, "time": 1608126111686})
    assert served.broker.last == Managed(
        app=APP.id,
        rev=3,
        user="2",
        numeric_user=True,
        heed_ban=True,
        command=SendMessage(conversation=CONV, type=-1, body=b'{"text":"HELLO !"}'),
    )


async def test_zd09_all_fields(served: Served) -> None:
    body = {
        "from_client": "2",
        "type": "-2",
        "attr": {"w": 1},
        "url": "http://x/y.jpg",
        "transient": 1,
        "mention_all": "1",
        "mention_client_ids": '["3",4]',
    }
    headers = {**HEADERS, "Request-Id": "r-1"}
    answer = await served.call("POST", f"/im/conversations/{CONV_ID}/message/", json=body, headers=headers)
    assert answer.json()["request-id"] == "r-1"
    assert served.broker.last.command == SendMessage(
        conversation=CONV,
        type=-2,
        body=b'{"attr":{"w":1},"url":"http://x/y.jpg"}',
        transient=True,
        mention_all=True,
        mentions=("3", "4"),
    )


async def test_a_message_may_be_answered_before_it_is_on_disk(served: Served) -> None:
    def sent(command: SendMessage, managed: Managed | None) -> Sent:
        return Sent(message=MSG, conversation=CONV, seq=1, time_ms=5, memory=command.memory)

    served.broker.on(SendMessage, sent)
    path = f"/im/conversations/{CONV_ID}/message"
    answer = await served.call("POST", path, json={**SEND, "durability": "memory"})
    assert answer.json() == ok({"msg_id": MSG_ID, "time": 5, "durability": "memory"})
    answer = await served.call("POST", path, json={**SEND, "durability": "disk"})
    assert answer.json() == ok({"msg_id": MSG_ID, "time": 5})
    assert served.broker.last.command == SendMessage(conversation=CONV, type=-1, body=b'{"text":"x"}')


@pytest.mark.parametrize(("sent", "kept"), [(0, True), ("0", True), (1, False), ("1", False), (None, False)])
async def test_zd09_no_sync_means_what_is_printed(served: Served, sent: Any, kept: bool) -> None:
    body = {"from_client": "2", "type": -1, "text": "x", "no_sync": sent}
    await served.call("POST", f"/im/conversations/{CONV_ID}/message", json=body)
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert command.no_sync is kept


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from_client": None}, 4001),
        ({"type": None}, 4001),
        ({"text": None}, 4001),
        ({"text": ""}, 4001),
        ({"text": 5}, 4406),
        ({"type": 0}, 4406),
        ({"type": -7}, 4406),
        ({"type": 1}, 4406),
        ({"type": "text"}, 4406),
        ({"transient": 2}, 4406),
        ({"no_sync": True}, 4406),
        ({"mention_client_ids": {"a": 1}}, 4406),
        ({"mention_client_ids": "nonsense"}, 4406),
        ({"url": 7}, 4406),
        ({"durability": "none"}, 4406),
        ({"durability": True}, 4406),
    ],
)
async def test_zd09_refusals(served: Served, change: dict[str, Any], code: int) -> None:
    assert await post_message(served, HEADERS, {**SEND, **change}) == code
    assert served.broker.heard == []


async def test_zd08_list_messages_with_a_body_on_get(served: Served) -> None:
    path = f"/im/conversations/{CONV_ID}/message"
    answer = await served.call("GET", path, json={"page": 3, "size": 5})
    row = {
        "msg_id": MSG_ID,
        "conv_id": CONV_ID,
        "type": -1,
        "text": "123323333211112321",
        "attr": None,
        "url": "null",
        "ctime": 1608298323027,
        "msg_status": 1,
        "no_sync": 0,
        "mention_all": 0,
        "mention_client_ids": "null",
        "transient": 0,
        "mtime": None,
        "client_id": "2",
    }
    page = {"current_page": 3, "data": [row], "last_page": 48, "per_page": 5, "total": 237}
    assert answer.json() == ok(page)
    assert list(answer.json()["data"]["data"][0]) == list(row)
    assert served.broker.last.command == ListMessages(conversation=CONV, page=3, size=5)
    await served.call("GET", path)
    assert served.broker.last.command == ListMessages(conversation=CONV, page=1, size=10)
    await served.call("GET", path + "?page=2&size=7")
    assert served.broker.last.command == ListMessages(conversation=CONV, page=2, size=7)


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "size=0", "size=101", "size=1e3", "page=99999999999"])
async def test_paging_is_bounded(served: Served, query: str) -> None:
    answer = await served.call("GET", f"/im/conversations/{CONV_ID}/message?{query}")
    assert answer.json()["code"] == 4406


async def test_zd11_upload_answers_a_bare_url_where_the_file_is(served: Served) -> None:
    name = "2020-04-28 16.25.13.jpg"
    answer = await served.call("POST", "/im/file/upload", files={"file": (name, b"\xff\xd8picture", "image/jpeg")})
    body = answer.json()
    assert (body["code"], body["message"]) == (0, "ok")
    assert body["data"].startswith(f"http://{served.host}/-/files/666666/")
    assert body["data"].endswith(".jpg")
    got = await served.client.get(body["data"])
    assert got.content == b"\xff\xd8picture"
    assert got.headers["content-type"] == "image/jpeg"
