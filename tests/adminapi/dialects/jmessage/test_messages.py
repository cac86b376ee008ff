"""Sending a message (JM-02): the printed request and answer, every type of body, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.commands import SendMessage
from tests.adminapi.conftest import APP
from tests.adminapi.dialects.jmessage.conftest import GID, MESSAGE, MSG, Jiguang, error_of


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/"])
async def test_jm02_send_a_message(served: Jiguang, path: str) -> None:
    answer = await served.call("POST", path, json=MESSAGE)
    assert answer.status_code == 200
    assert answer.json() == {"msg_id": 43143728109}
    assert type(answer.json()["msg_id"]) is int
    managed = served.broker.last
    assert managed.user == "fang"
    command = managed.command
    assert isinstance(command, SendMessage)
    assert (command.to, command.conversation, command.type, command.transient) == ("javen", 0, -1, False)
    attr = {key: MESSAGE[key] for key in MESSAGE if not key.startswith("target_") and key != "from_id"}
    attr["target_name"] = "Javen Fang"
    assert json.loads(command.body) == {"text": "Hello, JMessage!", "attr": attr}


MEDIA = {"media_id": "qiniu/image/j/1", "media_crc32": 12345, "fsize": 10}
BODIES: dict[str, tuple[int, dict[str, Any]]] = {
    "text": (-1, {"text": "hi", "extras": {"k": [1]}}),
    "image": (-2, {**MEDIA, "width": 1, "height": 2, "format": "png"}),
    "voice": (-3, {**MEDIA, "duration": 1.5, "format": "mp3"}),
    "video": (-4, {"video": {**MEDIA, "fname": "x.mp4"}, "duration": 9}),
    "location": (-5, {"latitude": 22.5, "longitude": 114, "scale": 1, "lable": "深圳"}),
    "file": (-6, {**MEDIA, "fname": "x.pdf"}),
    "custom": (1, {"anything": {"at": "all"}}),
}


@pytest.mark.parametrize("msg_type", BODIES)
async def test_jm02_every_type_to_a_group_keeps_its_body_whole(served: Jiguang, msg_type: str) -> None:
    number, msg_body = BODIES[msg_type]
    body = {**MESSAGE, "target_type": "group", "target_id": GID, "msg_type": msg_type, "msg_body": msg_body}
    assert (await served.call("POST", "/v1/messages", json=body)).json() == {"msg_id": MSG}
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.to, command.conversation, command.type) == ("", GID, number)
    kept = json.loads(command.body)
    assert (kept["attr"]["msg_type"], kept["attr"]["msg_body"]) == (msg_type, msg_body)
    assert kept.get("url") == (MEDIA["media_id"] if msg_type in ("image", "voice", "video", "file") else None)
    assert kept.get("text") == msg_body.get("text")


async def test_jm02_an_admin_is_made_by_his_first_message(served: Jiguang) -> None:
    body = {**MESSAGE, "from_type": "admin", "from_id": "boss"}
    assert (await served.call("POST", "/v1/messages", json=body)).json() == {"msg_id": MSG}
    assert served.broker.last.newcomers == ("boss",)
    error_of(await served.call("POST", "/v1/messages", json={**body, "target_id": "nobody"}), 403, 899002)
    error_of(await served.call("POST", "/v1/messages", json={**body, "from_id": "_x"}), 403, 899002)


async def test_jm02_a_user_is_not(served: Jiguang) -> None:
    for change in ({"from_id": "boss"}, {"target_id": "nobody"}):
        error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, **change}), 403, 899002)
        assert served.broker.last.newcomers == ()


@pytest.mark.parametrize("truth", [True, "True", "true", 1, "1"])
async def test_jm02_flags_of_the_later_sdks(served: Jiguang, truth: Any) -> None:
    notification = {"title": "t", "alert": "a"}
    await served.call("POST", "/v1/messages", json={**MESSAGE, "no_offline": truth, "notification": notification})
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.transient, json.loads(command.push_data)) == (True, notification)
    await served.call("POST", "/v1/messages", json={**MESSAGE, "no_offline": "False", "no_notification": truth})
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.transient, command.push_data) == (False, b'{"no_notification":true}')


async def test_jm02_only_what_is_needed(served: Jiguang) -> None:
    body = {key: MESSAGE[key] for key in ("target_type", "target_id", "from_type", "from_id", "msg_type", "msg_body")}
    assert (await served.call("POST", "/v1/messages", json=body)).status_code == 200


async def test_jm02_the_body_has_4096_bytes(served: Jiguang) -> None:
    frame = len(b'{"text":""}')
    for size, status in ((4096, 200), (4097, 400)):
        body = {**MESSAGE, "msg_body": {"text": "x" * (size - frame)}}
        assert (await served.call("POST", "/v1/messages", json=body)).status_code == status


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": "x"},
        {"target_type": None},
        {"target_type": "chatroom"},
        {"target_type": ["single"]},
        {"target_id": None},
        {"target_id": ""},
        {"target_id": {}},
        {"target_id": True},
        {"from_type": None},
        {"from_type": "robot"},
        {"from_id": None},
        {"from_id": []},
        {"create_time": "yesterday"},
        {"create_time": -1},
        {"target_name": 7},
        {"from_name": "x" * 257},
        {"msg_type": None},
        {"msg_type": "event"},
        {"msg_type": {}},
        {"msg_body": None},
        {"msg_body": "text"},
        {"msg_body": []},
        {"msg_body": {}},
        {"msg_body": {"text": ""}},
        {"msg_body": {"text": 5}},
        {"msg_body": {"text": "x", "extras": "y"}},
        {"msg_body": {"text": "x", "extras": deep(14)}},
        {"msg_type": "image"},
        {"msg_type": "image", "msg_body": {**MEDIA, "width": "1", "height": 2}},
        {"msg_type": "image", "msg_body": {**MEDIA, "width": True, "height": 2}},
        {"msg_type": "voice", "msg_body": {**MEDIA, "duration": 1}},
        {"msg_type": "video", "msg_body": {"video": [], "duration": 1}},
        {"msg_type": "video", "msg_body": {"video": {}, "duration": 1}},
        {"msg_type": "location", "msg_body": {"latitude": 1, "longitude": 1, "scale": 1}},
        {"no_offline": "perhaps"},
        {"no_offline": []},
        {"notification": "x"},
    ],
)
async def test_jm02_refusals(served: Jiguang, change: dict[str, Any]) -> None:
    message = error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, **change}), 400, 899003)
    assert message.startswith("Parameter invalid! ")
    assert served.broker.heard == []


async def test_a_message_across_apps_is_899009(served: Jiguang) -> None:
    for field in ("target_appkey", "from_appkey"):
        error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, field: "bare"}), 400, 899009)
        assert (await served.call("POST", "/v1/messages", json={**MESSAGE, field: APP.id})).status_code == 200
