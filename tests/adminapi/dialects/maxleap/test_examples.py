"""Every request the seed prints, as it prints it, beside its answer: ML-01 to ML-44 in the order of the document."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from protocol.commands import AddFriend, Login
from protocol.signatures import sign_request
from tests.adminapi.dialects.maxleap.conftest import OURS, World

Book = dict[str, Any]
"""What an example needs to find: ids by the words its path has in braces."""


@pytest.fixture
async def book(world: World) -> Book:
    """The world the examples speak of."""
    await world.users("testuser1", "testuser2", "testuser3", "baz", "friendid1")
    await world.does("POST", "/ctx/testuser1/attributes", 201, {"key1": "value1", "key2": "value2", "name": "隔壁老王"})
    for install in ("installid1", "installid2"):
        world.script.ask(world.script.number(install), Login(app=OURS.id, user="testuser1", install=install, device=install))
    world.manage(AddFriend(user="testuser2"), user="testuser1")
    group = await world.group("testuser1", "testuser2", name="testgroup1")
    room = await world.room("testuser1", "testuser2", name="room_test")
    await world.does("POST", f"/rooms/{room}/attributes", 201, {"company": "maxleap"})
    visitor = await world.does("POST", "/passengers", 201, {"name": "王尼玛"})
    said = [
        {"speaker": user, "content": {"media": 0, "body": words}, "ts": world.say(user, words, to=to)}
        for user, words, to in (("testuser1", "hi", "testuser2"), ("testuser2", "hello", "testuser1"))
    ]
    in_group = {"media": 1, "body": "http://h/a.png"}
    ts = world.say("testuser2", "http://h/a.png", conversation=group, kind=-2, key="url")
    grouped = [{"speaker": "testuser2", "content": in_group, "ts": ts}]
    ts = world.say(visitor, "help", to="testuser1")
    visited = [{"speaker": visitor, "content": {"media": 0, "body": "help"}, "ts": ts}]
    return {
        "group": group,
        "room": room,
        "passenger": visitor,
        "friends_chats": said,
        "group_chats": grouped,
        "passenger_chats": visited,
        "now": world.script.ms,
    }


USER = {
    "attributes": {"key1": "value1", "key2": "value2", "name": "隔壁老王"},
    "installs": ["installid1", "installid2"],
    "sessions": 2,
    "friends": ["testuser2"],
    "groups": ["{group}"],
    "rooms": ["{room}"],
}
ANY = object()
"""Whatever it is, it is tested elsewhere."""
EXAMPLES: list[tuple[str, str, str, Any, int, Any]] = [
    ("ML-01", "GET", "/ctx/testuser1", None, 200, USER),
    ("ML-02", "POST", "/ctx/testuser1/attributes", {"name": "隔壁老王", "age": 46, "gender": "male"}, 201, None),
    ("ML-03", "PUT", "/ctx/testuser1/attributes", {"name": "隔壁老李"}, 201, None),
    ("ML-04", "GET", "/ctx/testuser1/attributes", None, 200, USER["attributes"]),
    ("ML-05", "GET", "/ctx/testuser1/attributes/name", None, 200, "隔壁老王"),
    ("ML-06", "DELETE", "/ctx/testuser1/attributes", None, 204, None),
    ("ML-07", "POST", "/ctx/testuser1/friends/testuser2", None, 200, ANY),
    ("ML-08", "GET", "/ctx/testuser1/friends/testuser2", None, 200, ANY),
    ("ML-09", "DELETE", "/ctx/testuser1/friends/testuser2", None, 204, None),
    ("ML-10", "GET", "/ctx/testuser1/friends/testuser2/chats", None, 200, "{friends_chats}"),
    ("ML-11", "GET", "/ctx/testuser1/friends?detail", None, 200, ANY),
    ("ML-12", "GET", "/ctx/testuser1/groups?detail", None, 200, ANY),
    ("ML-13", "GET", "/ctx/testuser1/rooms?detail", None, 200, ANY),
    ("ML-14", "POST", "/groups", {"owner": "testuser1", "name": "testgroup1", "members": ["testuser2"]}, 201, ANY),
    ("ML-15", "GET", "/groups", None, 200, ANY),
    ("ML-16", "GET", "/groups/{group}", None, 200, ANY),
    ("ML-17", "PUT", "/groups/{group}", {"owner": "baz"}, 201, None),
    ("ML-18", "DELETE", "/groups/{group}", None, 204, None),
    ("ML-19", "POST", "/groups/{group}/attributes", {"company": "maxleap", "star": 5}, 201, None),
    ("ML-20", "PUT", "/groups/{group}/attributes", {"flag": "Game"}, 201, None),
    ("ML-21", "GET", "/groups/{group}/attributes", None, 200, {"name": "testgroup1"}),
    ("ML-22", "GET", "/groups/{group}/attributes/name", None, 200, "testgroup1"),
    ("ML-23", "DELETE", "/groups/{group}/attributes", None, 204, None),
    ("ML-24", "POST", "/groups/{group}/members", {"members": ["testuser3"]}, 201, None),
    ("ML-25", "DELETE", "/groups/{group}/members", {"members": ["testuser3"]}, 204, None),
    ("ML-26", "GET", "/groups/{group}/chats", None, 200, "{group_chats}"),
    ("ML-27", "DELETE", "/groups/{group}/chats", None, 204, None),
    ("ML-28", "POST", "/rooms", {"name": "room_test", "members": ["testuser1", "testuser2"]}, 201, ANY),
    ("ML-29", "GET", "/rooms", None, 200, ANY),
    ("ML-30", "GET", "/rooms/{room}", None, 200, ANY),
    ("ML-31", "DELETE", "/rooms/{room}", None, 204, None),
    ("ML-32", "POST", "/rooms/{room}/attributes", {"company": "maxleap", "star": 5}, 201, None),
    ("ML-33", "PUT", "/rooms/{room}/attributes", {"rate": "100%"}, 201, None),
    ("ML-34", "GET", "/rooms/{room}/attributes", None, 200, {"name": "room_test", "company": "maxleap"}),
    ("ML-35", "GET", "/rooms/{room}/attributes/company", None, 200, "maxleap"),
    ("ML-36", "DELETE", "/rooms/{room}/attributes", None, 204, None),
    ("ML-37", "POST", "/rooms/{room}/members", {"members": ["testuser3"]}, 201, None),
    ("ML-38", "DELETE", "/rooms/{room}/members", {"members": ["testuser3"]}, 204, None),
    ("ML-39", "POST", "/passengers", {"name": "王尼玛"}, 201, ANY),
    ("ML-40", "GET", "/passengers/{passenger}", None, 200, {"name": "王尼玛"}),
    ("ML-41", "GET", "/passengers/{passenger}/chats/testuser1", None, 200, "{passenger_chats}"),
    ("ML-42", "POST", "/system", {"content": {"media": 0, "body": "hello all!"}}, 202, None),
    ("ML-43", "POST", "/system/testuser1", {"content": {"media": 0, "body": "hello!"}}, 202, None),
]


def filled(value: Any, book: Book) -> Any:
    """With what the book says in place of words in braces."""
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return book[value[1:-1]]
    if isinstance(value, list):
        return [filled(each, book) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, book) for key, each in value.items()}
    return value


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_printed_request_has_its_answer(world: World, book: Book, example: Any, slash: str) -> None:
    """With the seed's headers; MUX-7: with a slash at the end as well."""
    _, method, template, body, status, expected = example
    path, question, query = template.format(**book).partition("?")
    now_ms = time.time_ns() // 1_000_000
    headers = {
        "X-ML-AppId": OURS.id,
        "X-ML-Request-Sign": sign_request(OURS.key, now_ms),
        "Content-Type": "application/json",
    }
    more = {"json": body} if body is not None else {}
    answer = await world.client.request(method, f"{path}{slash}{question}{query}", headers=headers, **more)
    assert answer.status_code == status, answer.text
    if expected is None:
        assert answer.content == b""
    elif expected is not ANY:
        assert answer.json() == filled(expected, book)


def curl(host: str, line: str, **paths: str) -> subprocess.CompletedProcess[str]:
    """The seed's line in a shell, with our host and ids."""
    return subprocess.run(
        ["sh", "-c", line.replace("http://im.maxleap.cn", f"http://{host}").format(**paths)],
        capture_output=True,
        text=True,
        timeout=20,
    )


def has_curl() -> bool:
    try:
        return subprocess.run(["curl", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


HEAD = "curl -s -w '%{{http_code}}' -H 'X-ML-AppId: {app}' -H 'X-ML-APIKey: {key}'"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (
            """-X DELETE -H "Content-Type: application/json" \\
             -d '{{"members": ["testuser2"]}}' "http://im.maxleap.cn/groups/{group}/members" """,
            "204",
        ),
        ("""-X GET -H "Content-Type: application/json" "http://im.maxleap.cn/ctx/testuser1/rooms" """, '["{room}"]200'),
        (
            """-X POST -H "Content-Type: multipart/form-data;" \\
             -F "attachment=@{file}" "http://im.maxleap.cn/attachment" """,
            "200",
        ),
    ],
    ids=["ML-25", "ML-13", "ML-44, MUX-12"],
)
@pytest.mark.skipif(not has_curl(), reason="there is no curl here")
async def test_curl_says_it(world: World, book: Book, folder: Path, line: str, answer: str) -> None:
    """Bodies of DELETE (MUX-10), two semicolons in a content type (MUX-12): what curl makes of the printed lines."""
    file = folder / "local.bin"
    file.write_bytes(b"12345")
    names = {"app": OURS.id, "key": OURS.key, "group": book["group"], "room": book["room"], "file": str(file)}
    said = await trio.to_thread.run_sync(partial(curl, world.host, f"{HEAD} {line}", **names))
    assert said.stdout.endswith(answer.format(**names)), said
