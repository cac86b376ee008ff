"""The printed requests have their printed answers: as a library sends them, and as curl makes them of the lines."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from protocol.signatures import sign_request
from tests.adminapi.dialects.maxleap.conftest import OURS, World
from tests.adminapi.dialects.maxleap.printed import ANY, EXAMPLES, Book


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
