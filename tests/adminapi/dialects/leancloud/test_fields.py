"""How a request is read: what curl makes of the printed lines (MUX-11), every form of an id, and what is refused before
anything is asked of the broker."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import trio

from protocol.commands import SendMessage
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import (
    AT,
    CONV,
    CONV_ID,
    FOREIGN,
    HEADERS,
    HERE,
    IDS,
    MSG,
    MSG_ID,
    ROOT,
    UPDATED,
    ok,
    refused,
)


async def curl(served: Served, *arguments: str) -> Any:
    headers = [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]
    line = ["curl", "-sS", "--max-time", "5", *headers, "-H", "Content-Type: application/json", *arguments]
    done = await trio.run_process(line, capture_stdout=True, capture_stderr=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def has_curl() -> bool:
    try:
        return subprocess.run(["curl", "--version"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


CURL = pytest.mark.skipif(not has_curl(), reason="there is no curl here")


@CURL
async def test_the_printed_lines_work_in_curl(served: Served) -> None:
    here = f"http://{served.host}{HERE}"
    send = '{"from_client":"tom","message":"a+b%20c"}'
    assert await curl(served, "-X", "POST", "-d", send, f"{here}/messages") == {"msg-id": MSG_ID, "timestamp": AT}
    # -G moves the body into the query string, as it is; with --data-urlencode it is escaped.
    for data in ("-d", "--data-urlencode"):
        assert await curl(served, "-X", "POST", "-G", data, send, f"{here}/messages") == {"msg-id": MSG_ID, "timestamp": AT}
        command = served.broker.last.command
        assert isinstance(command, SendMessage)
        assert json.loads(command.body)["text"] == "a+b%20c"
        edit = '{"from_client":"tom","message":"new","timestamp":' + f"{AT}}}"
        assert await curl(served, "-X", "POST", "-G", data, edit, f"{here}/messages/{MSG_ID}") == {"result": {}}
        assert await curl(served, "-X", "POST", "-G", data, edit, f"{here}/messages/{MSG_ID}/recall") == {"result": {}}
    spaced = '{"from_client": "tom", "message": "a b"}'
    await curl(served, "-X", "POST", "-G", "--data-urlencode", spaced, f"{here}/messages")
    assert json.loads(served.broker.last.command.body)["text"] == "a b"  # type: ignore[attr-defined]
    pairs = ("--data-urlencode", "client_id=tom", "--data-urlencode", f"timestamp={AT}")
    assert await curl(served, "-X", "DELETE", "-G", *pairs, f"{here}/messages/{MSG_ID}") == {"result": {}}
    assert await curl(served, "-X", "DELETE", "-G", *pairs[:2], f"{here}/mutes") == UPDATED
    more = ("-d", "from_client=tom", "--data-urlencode", "message=a b", "-d", "transient=true", "-d", "priority=low")
    await curl(served, "-X", "POST", "-G", *more, f"{here}/messages")
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.transient, command.priority, json.loads(command.body)["text"]) == (True, 3, "a b")


@pytest.mark.parametrize(
    "query",
    [
        '{"from_client":"tom","message":"a b"}',
        "{%22from_client%22:%22tom%22,%22message%22:%22a%20b%22}",
        "%7B%22from_client%22%3A%22tom%22%2C+%22message%22%3A%22a+b%22%7D",
        "from_client=tom&message=a%20b",
        "from_client=tom&message=a+b",
    ],
)
async def test_mux11_json_or_pairs_in_the_query_with_an_empty_body(served: Served, query: str) -> None:
    await ok(served, "POST", f"{HERE}/messages?{query}")
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert served.broker.last.user == "tom"
    assert json.loads(command.body)["text"] == "a b" or "+" in query


async def test_mux11_a_body_goes_before_the_query(served: Served) -> None:
    body = {"from_client": "tom", "message": "body"}
    await ok(served, "POST", HERE + '/messages?{"from_client":"x","message":"query"}', json=body)
    assert served.broker.last.user == "tom"
    await ok(served, "POST", f"{HERE}/messages?from_client=x&no_sync=1", json=body)
    assert served.broker.last.user == "tom"
    assert served.broker.last.command.no_sync  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", ["{", "{nonsense}", "%7B%22a%22", '{"a":1,"a":2}'])
async def test_mux11_what_only_begins_like_json_is_refused(served: Served, query: str) -> None:
    assert await refused(served, "POST", f"{HERE}/messages?{query}") == (400, 107)


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", ROOT, {"m": "tom"}, (400, 107)),
        ("POST", ROOT, {"m": [{}]}, (400, 107)),
        ("POST", ROOT, {"m": ["a\u0000b"]}, (400, 107)),
        ("POST", ROOT, {"m": ["x" * 129]}, (400, 107)),
        ("POST", ROOT, {"m": [str(n) for n in range(501)]}, (400, 107)),
        ("POST", ROOT, {"name": 5}, (400, 107)),
        ("POST", ROOT, {"name": "x" * 257}, (400, 107)),
        ("POST", ROOT, {"unique": "perhaps"}, (400, 107)),
        ("POST", ROOT, {"unique": [1]}, (400, 107)),
        ("POST", ROOT, {"sys": "maybe"}, (400, 107)),
        ("POST", ROOT, {"m": ["a"], "c": "b"}, (400, 107)),
        ("POST", ROOT, {"objectId": "x"}, (400, 107)),
        ("POST", ROOT, {"createdAt": "x"}, (400, 107)),
        ("POST", ROOT, {"a.b": 1}, (400, 107)),
        ("POST", ROOT, {"": 1}, (400, 107)),
        ("POST", ROOT, {"$x": 1}, (400, 107)),
        ("POST", ROOT, {"n": {"__op": "Increment", "amount": "1"}}, (400, 107)),
        ("PUT", HERE, {"m": ["a"]}, (400, 107)),
        ("PUT", HERE, {"m": None}, (400, 107)),
        ("PUT", HERE, {"unique": True}, (400, 107)),
        ("PUT", HERE, {"updatedAt": "x"}, (400, 107)),
        ("PUT", HERE, {"mu": []}, (400, 107)),
        ("PUT", HERE, {"name": []}, (400, 107)),
        ("POST", f"{HERE}/members", {}, (400, 1)),
        ("POST", f"{HERE}/members", {"client_ids": "[1"}, (400, 107)),
        ("POST", f"{HERE}/members", {"client_ids": {"a": 1}}, (400, 107)),
        ("POST", f"{HERE}/members", {"client_ids": [None]}, (400, 107)),
        ("DELETE", f"{HERE}/members", {}, (400, 1)),
        ("POST", f"{HERE}/mutes", {}, (400, 1)),
        ("POST", f"{HERE}/mutes", {"client_id": "a"}, (400, 1)),
        ("POST", f"{HERE}/mutes", {"client_id": "a", "ttl": 0}, (400, 107)),
        ("POST", f"{HERE}/mutes", {"client_id": "a", "ttl": 86_401}, (400, 107)),
        ("POST", f"{HERE}/mutes", {"client_id": "a", "ttl": "soon"}, (400, 107)),
        ("POST", f"{HERE}/mutes", {"client_id": ["a"], "ttl": 5}, (400, 107)),
        ("DELETE", f"{HERE}/mutes", {}, (400, 1)),
        ("POST", f"{HERE}/messages", {}, (400, 1)),
        ("POST", f"{HERE}/messages", {"from_client": "", "message": ""}, (400, 1)),
        ("POST", f"{HERE}/messages", {"from_client": "a"}, (400, 1)),
        ("POST", f"{HERE}/messages", {"from_client": ["a"], "message": "x"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": 5}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": ["x"]}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "transient": 2}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "no_sync": "maybe"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "priority": "urgent"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "priority": 1}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "push_data": 5}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "push_data": "{nonsense"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "push_data": "x" * 4097}, (413, 116)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "mention_client_ids": 5}, (400, 107)),
        ("POST", f"{HERE}/messages/{MSG_ID}", {"from_client": "a", "timestamp": AT}, (400, 1)),
        ("POST", "/1.2/rtm/clients/tom/kick", {"reason": "x" * 21}, (400, 107)),
        ("POST", "/1.2/rtm/clients/tom/kick", {"reason": 5}, (400, 107)),
        ("POST", "/1.2/rtm/clients/check-online", {}, (400, 1)),
        ("POST", "/1.2/rtm/clients/check-online", {"client_ids": [str(n) for n in range(21)]}, (400, 107)),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_asked(
    served: Served, method: str, path: str, body: Any, expected: tuple[int, int]
) -> None:
    assert await refused(served, method, path, json=body) == expected
    assert served.broker.heard == []


@pytest.mark.parametrize("conversation", [FOREIGN, "x", "0" * 24, "5a5d7432c3422b31ed845e75", "%00", "a" * 500])
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/members", {"client_ids": ["a"]}),
        ("DELETE", "/members", {"client_ids": ["a"]}),
        ("GET", "/members", None),
        ("POST", "/mutes", {"client_id": "a", "ttl": 5}),
        ("POST", "/mutes", {"client_ids": ["a"]}),
        ("DELETE", "/mutes", {"client_id": "a"}),
        ("GET", "/mutes", None),
        ("POST", "/messages", {"from_client": "a", "message": "x"}),
        ("POST", f"/messages/{MSG_ID}", {"from_client": "a", "message": "x", "timestamp": AT}),
        ("PUT", f"/messages/{MSG_ID}/recall", {"from_client": "a", "timestamp": AT}),
        ("DELETE", f"/messages/{MSG_ID}", {"from_client": "a", "timestamp": AT}),
        ("GET", "/messages", None),
    ],
)
async def test_a_conversation_of_another_app_is_none(
    served: Served, method: str, rest: str, body: Any, conversation: str
) -> None:
    assert await refused(served, method, f"{ROOT}/{conversation}{rest}", json=body) == (404, 4303)
    assert served.broker.heard == []


async def test_every_form_of_an_id_is_accepted_and_its_own_emitted(served: Served) -> None:
    for form in (IDS.hex32(CONV), IDS.hex24(CONV), IDS.base64(CONV), str(CONV)):
        assert (await ok(served, "PUT", f"{ROOT}/{form}", json={}))["objectId"] == CONV_ID
    for form in (IDS.hex32(MSG), IDS.base64(MSG), str(MSG)):
        await ok(served, "DELETE", f"{HERE}/messages/{form}?from_client=tom&timestamp={AT}")
