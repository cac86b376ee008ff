"""F32 over REST: a back office's messages, whose answers were lost with the admin API, are sent again under their
`Idempotency-Key`: each is one message, and gets the id it has (LC-10, LC-30)."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.faults.proxy import open_proxy
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

pytestmark = pytest.mark.F32

HEADERS = {"X-LC-Id": str(APP["id"]), "X-LC-Key": f"{APP['master_key']},master"}
ROOT = "/1.2/rtm/conversations"
MANY = 8
"""Messages of one sender that are on their way at the same time."""


@pytest.fixture
def lossy() -> Iterator[Path]:
    """A name for a Unix socket, which has at most 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="parley-"))
    yield folder / "control.sock"
    shutil.rmtree(folder)


async def post(host: Host, path: str, body: dict[str, Any], key: str = "") -> httpx.Response:
    headers = {**HEADERS, **({"Idempotency-Key": key} if key else {})}
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=30) as http:
        return await http.post(path, headers=headers, json=body)


async def cut_off(host: Host, path: str, body: dict[str, Any], key: str) -> None:
    with pytest.raises(httpx.TransportError):
        await post(host, path, body, key)


async def history(host: Host, conversation: str) -> dict[str, str]:
    """The ids, by what was said."""
    async with httpx.AsyncClient(base_url=host.admin_url) as http:
        rows = (await http.get(f"{ROOT}/{conversation}/messages", headers=HEADERS)).json()
    found = {row["data"]: row["msg-id"] for row in rows}
    assert len(found) == len(rows)
    return found


async def test_each_of_many_whose_answers_were_lost_is_said_once(host: Host, lossy: Path) -> None:
    host.broker()
    async with open_proxy(host.data / "control.sock", lossy) as proxy, json_peer(host.url) as ann:
        host_admin = {"environ": {"PARLEY_CONTROL_PATH": str(lossy)}}
        await trio.to_thread.run_sync(lambda: host.admin(**host_admin))
        await ann.login("ann")
        group = (await post(host, ROOT, {"m": ["boss", "ann"], "name": "g"})).json()["objectId"]
        path, whole = f"{ROOT}/{group}/messages", {"from_client": "boss"}
        posts = [(path, {**whole, "message": f"m{number}"}, "of all of them") for number in range(MANY)]
        posts.append(("/1.1/rtm/messages", {**whole, "message": "old", "conv_id": group}, "of all of them"))
        async with trio.open_nursery() as nursery:
            proxy.answers = False
            for each in posts:
                nursery.start_soon(cut_off, host, *each)
            heard = [await ann.push("msg.new") for _ in posts]
            host.admin_program.signal(signal.SIGKILL)
            await trio.to_thread.run_sync(host.admin_program.wait)
        proxy.answers = True
        await trio.to_thread.run_sync(lambda: host.admin(**host_admin))
        first = await history(host, group)
        assert len(first) == len(heard) == len(posts)
        for path, body, key in posts * 2:
            assert (await post(host, path, body, key)).json()["msg-id"] == first[body["message"]]
        assert await history(host, group) == first
