"""A repeated POST with one `Idempotency-Key` is carried out once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from adminapi import repeats
from adminapi.dialect import Answer
from adminapi.repeats import Repeats
from protocol.commands import BanUser, Done
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import APP, OPERATOR, Served

PATH = f"/-/api/apps/{APP.id}/users/tom/ban"


async def ban(served: Served, key: str, token: str = APP.master_key) -> httpx.Response:
    return await served.client.post(PATH, headers={"authorization": f"Bearer {token}", "idempotency-key": key})


async def test_a_repeat_gets_the_first_answer(served: Served) -> None:
    served.broker.on(BanUser, lambda command, managed: Done(time_ms=len(served.broker.heard)))
    for key, time_ms in (("a", 1), ("a", 1), ("b", 2), ("", 3), ("", 4), ("a", 1)):
        assert (await ban(served, key)).json() == {"time_ms": time_ms}
    assert (await ban(served, "x" * 300)).status_code == 400


async def test_repeats_at_the_same_time_wait_for_the_first(served: Served) -> None:
    async def slow(command: Any, managed: Any) -> Done:
        await trio.sleep(0.05)
        return Done(time_ms=1)

    served.broker.on(BanUser, slow)
    async with trio.open_nursery() as nursery:
        for token in (APP.master_key, OPERATOR) * 3:
            nursery.start_soon(ban, served, "k", token)
    assert len(served.broker.heard) == 1


async def test_a_refusal_is_tried_afresh(served: Served) -> None:
    served.broker.on(BanUser, Refused(Reason.OVERLOADED))
    assert (await ban(served, "k")).status_code == 503
    served.broker.on(BanUser, Done(time_ms=1))
    assert (await ban(served, "k")).status_code == 200


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(text: bytes) -> Answer:
        await trio.lowlevel.checkpoint()
        return Answer(body=text)

    memory = Repeats()
    monkeypatch.setattr(repeats, "KEPT_ANSWERS", 3)
    for number in range(9):
        await memory.once(number, lambda: answer(b"x" * 10))
    assert list(memory._answers) == [6, 7, 8]
    monkeypatch.setattr(repeats, "KEPT_BYTES", 25)
    await memory.once(9, lambda: answer(b"y" * 10))
    assert list(memory._answers) == [8, 9]
    assert memory._bytes == 20
    monkeypatch.setattr(repeats, "KEPT_SECONDS", 0.0)
    assert (await memory.once(9, lambda: answer(b"z"))).body == b"z"
    assert memory._bytes == 11


async def test_a_repeated_upload_keeps_one_file(served: Served) -> None:
    """The second body is cut into parts by another boundary, as a client's retry is."""

    async def upload(key: str, content: bytes) -> httpx.Response:
        headers = {"app-id": APP.id, "app-key": APP.key, "idempotency-key": key}
        return await served.call(
            "POST", "/im/file/upload", headers=headers, files={"file": ("a.txt", content, "text/plain")}
        )

    first, again = await upload("k", b"one"), await upload("k", b"one")
    assert first.json()["code"] == 0, first.text
    assert again.content == first.content
    assert len(list((served.files.root / APP.id).iterdir())) == 1
    for key, content in (("k", b"two"), ("l", b"one")):
        assert (await upload(key, content)).content != first.content
    assert len(list((served.files.root / APP.id).iterdir())) == 3
