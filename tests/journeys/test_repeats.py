"""A back office repeats a POST under its `Idempotency-Key` after the admin API was killed: nothing is done twice."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from protocol.errors import Reason
from protocol.wires.native.codes import CODES
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

NATIVE = {"app-id": str(APP["id"]), "app-key": str(APP["key"])}
OPERATOR_TOKEN = "the-operators-own-token"
OPERATOR = {"authorization": f"Bearer {OPERATOR_TOKEN}"}
GROUP = {"client_id": "boss", "conv_type": 3, "to_client_ids": ["ann"]}
NEW_APP = {"id": "made"}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Host]:
    """Both programs, an operator's token, and the users."""
    with Host(tmp_path, admin={"operator_token": OPERATOR_TOKEN}) as host:
        host.broker()
        host.admin()
        for user in ("boss", "ann"):
            async with json_peer(host.url) as peer:
                await peer.login(user)
        yield host


class Office:
    """A back office with keys of its own, which finds the admin API again wherever it is."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def post(self, path: str, headers: dict[str, str], body: dict[str, Any], key: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.host.admin_url, timeout=30) as http:
            return await http.post(path, headers={**headers, "Idempotency-Key": key}, json=body)

    async def native(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        answer = await self.post(path, NATIVE, body, key)
        found: dict[str, Any] = answer.json()
        return found

    async def groups(self) -> int:
        async with httpx.AsyncClient(base_url=self.host.admin_url) as http:
            answer = await http.get("/im/conversations", headers=NATIVE, params={"where": '[["user_id","=","boss"]]'})
        return len(answer.json()["data"]["data"])


async def kill_admin(host: Host) -> None:
    host.admin_program.signal(signal.SIGKILL)
    await trio.to_thread.run_sync(host.admin_program.wait)


async def test_after_a_kill_a_repeat_gets_the_first_answer_and_does_nothing(running: Host) -> None:
    office = Office(running)
    made = await office.native("/im/conversations", GROUP, "g")
    assert made["code"] == 0, made
    app = await office.post("/-/api/apps", OPERATOR, NEW_APP, "a")
    assert app.status_code == 200, app.text
    await kill_admin(running)
    await trio.to_thread.run_sync(running.admin)
    assert await office.native("/im/conversations", GROUP, "g") == made
    assert await office.groups() == 1
    again = await office.post("/-/api/apps", OPERATOR, NEW_APP, "a")
    assert (again.status_code, again.json()) == (200, app.json())  # the new keys, once more
    assert (await office.post("/-/api/apps", OPERATOR, NEW_APP, "b")).status_code == 409
    assert (await office.native("/im/conversations", GROUP, "h"))["data"] != made["data"]
    assert (running.data / "repeats.db").stat().st_mode & 0o777 == 0o600


async def test_a_call_that_was_killed_in_the_middle_is_not_done_again_but_a_message_is_recognised(running: Host) -> None:
    """The broker, which stands still meanwhile, carries both out; the admin API that asked it hears no answer."""
    office = Office(running)
    made = await office.native("/im/conversations", GROUP, "first")
    message = f"/im/conversations/{made['data']['conv_id']}/message"
    said = {"from_client": "boss", "type": -1, "text": "hello"}
    wal = running.data / "repeats.db-wal"
    before = wal.stat().st_size

    async def broken_off(path: str, body: dict[str, Any], key: str) -> None:
        with pytest.raises(httpx.TransportError):
            await office.native(path, body, key)

    running.running.signal(signal.SIGSTOP)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(broken_off, "/im/conversations", GROUP, "g")
        nursery.start_soon(broken_off, message, said, "m")
        with trio.fail_after(20):
            while wal.stat().st_size == before:  # another program's file has no Event
                await trio.sleep(0.02)
        await kill_admin(running)
    running.running.signal(signal.SIGCONT)
    await trio.to_thread.run_sync(running.admin)
    before_it = await office.groups()
    for _ in range(2):
        answer = await office.native("/im/conversations", GROUP, "g")
        assert answer["code"] == CODES[Reason.OUTCOME_UNKNOWN], answer
        assert "whether it was carried out is unknown" in answer["message"], answer
    assert await office.groups() == before_it <= 2
    sent = await office.native(message, said, "m")
    assert sent["code"] == 0, sent
    assert await office.native(message, said, "m") == sent
    async with httpx.AsyncClient(base_url=running.admin_url) as http:
        history = (await http.get(message, headers=NATIVE)).json()
    assert [each["msg_id"] for each in history["data"]["data"]] == [sent["data"]["msg_id"]]
