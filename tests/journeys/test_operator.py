"""An operator's day at the command line: keys with an overlap, a user's data, the audit log, doctor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import trio

from protocol.tokens import make_jwt
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer


async def parley(host: Host, *arguments: str, code: int = 0, typed: str = "") -> str:
    """What it says on stdout; on stderr if it fails, which it must do with this exit code."""
    command = [sys.executable, "-m", "adminapi.cli", *arguments, "--config", str(host.config), "--data", str(host.data)]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=50, input=typed, check=False)

    done = await trio.to_thread.run_sync(run)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


async def shown(host: Host, *arguments: str, code: int = 0) -> Any:
    """The same with --json."""
    return json.loads(await parley(host, *arguments, "--json", code=code))


async def test_keys_are_rotated_with_an_overlap(host: Host) -> None:
    host.broker()
    host.admin()
    old = await shown(host, "app", "add", "mine")
    new = await shown(host, "app", "rotate", "mine", "--overlap", "2")
    assert not [kind for kind in ("key", "master_key", "secret") if old[kind] == new[kind]]
    assert [keys["secret"] for keys in new["earlier"]] == [old["secret"]]

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(base_url=host.admin_url) as client:
            path = "/-/api/apps/mine/sessions"
            headers = [{"Authorization": f"Bearer {each['master_key']}"} for each in (old, new)]
            return [(await client.get(path, headers=each)).status_code for each in headers]

    async def logins() -> list[str]:
        said = []
        for number, each in enumerate((old, new)):
            async with json_peer(host.url) as peer:
                token = make_jwt(each["secret"], {"unique_name": "tom"})
                frame = await peer.request("login", app_id="mine", client_id="tom", token=token, device_id=f"d{number}")
                said.append(frame["type"])
        return said

    assert await statuses() == [200, 200]
    assert await logins() == ["login.success", "login.success"]
    assert host.stop() == 0
    host.broker()
    assert await logins() == ["login.success", "login.success"]
    await shown(host, "app", "rotate", "mine", "--overlap", "1", "--only", "key")
    last = await shown(host, "app", "rotate", "mine", "--overlap", "0", "--only", "key")
    assert (last["secret"], last["earlier"]) == (new["secret"], [])
    assert await logins() == ["login.error", "login.success"]
    with trio.fail_after(10):
        while await statuses() != [401, 200]:
            await trio.sleep(0.05)
    refused = await shown(host, "app", "rotate", "666666", code=1)
    assert "settings file" in refused["message"]
    assert "reload" in refused["message"]


async def test_a_users_data_is_exported_page_by_page_and_the_user_deleted(host: Host, tmp_path: Path) -> None:
    host.broker()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann:
        await ann.login("ann")
        await tom.login("tom", device_id="d")
        await tom.ok("friend.add", client_id="ann")
        made = await tom.ok("conv.create", conv_type=3, to_client_ids=["ann"])
        for number in range(230):
            peer = ann if number % 23 == 0 else tom
            await peer.ok("msg.send", conv_id=made["conv_id"], type=-1, text=f"text {number}")
        file = tmp_path / "tom.jsonl"
        assert await shown(host, "user", "export", "666666", "tom", str(file)) == {
            "file": str(file),
            "friends": 1,
            "conversations": 1,
            "messages": 220,
        }
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert file.stat().st_mode & 0o777 == 0o600
        assert [line["type"] for line in lines[:4]] == ["user", "friend", "conversation", "message"]
        assert (lines[0]["user"], lines[1]["user"], lines[2]["id"]) == ("tom", "ann", made["conv_id"])
        assert [line["text"] for line in lines[3:]] == [f"text {number}" for number in range(230) if number % 23]
        assert (await parley(host, "user", "export", "666666", "tom")).splitlines() == file.read_text().splitlines()
        assert "exists" in await parley(host, "user", "export", "666666", "tom", str(file), code=78)
        assert "nobody" in (await shown(host, "user", "export", "666666", "nobody", code=1))["message"]
        assert (await shown(host, "announce", "666666", "down at ten"))["announced"] == "down at ten"
        assert (await ann.push("system.new"))["content"] == {"text": "down at ten"}
        assert await parley(host, "announce", "666666", "now") == "said to 2 sessions\n"
        assert "--yes" in await parley(host, "user", "delete", "666666", "tom", code=78)
        await parley(host, "user", "delete", "666666", "tom", "--yes")
        assert await tom.end() is not None
    assert (await shown(host, "user", "delete", "666666", "tom", "--yes", code=1))["error"] == "unknown_user"


async def test_what_was_changed_is_in_the_audit_log_and_the_doctor_reads_it(host: Host) -> None:
    host.broker()
    host.admin()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        await parley(host, "kick", "666666", "tom")
    assert await shown(host, "kick", "666666", "nobody", code=1)
    async with httpx.AsyncClient(base_url=host.admin_url) as client:
        headers = {"Authorization": "Bearer the-master-key"}
        assert (await client.post("/-/api/apps/666666/users/tom/ban", headers=headers)).status_code == 200
    lines = [json.loads(line) for line in (await parley(host, "audit", "tail")).splitlines()]
    assert [(line["dialect"], line["commands"], line["outcome"]) for line in lines] == [
        ("cli", ["Kick"], "done"),
        ("cli", ["Kick"], "unknown_user"),
        ("parley", ["BanUser"], "200"),
    ]
    assert lines[0]["from"].startswith(f"uid {os.getuid()} ")
    assert (await shown(host, "audit", "verify"))["lines"] == 3
    found = await shown(host, "doctor")
    assert found["sound"], found
    [log] = (host.data / "audit").glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b"nobody", b"anyone").replace(b"unknown_user", b"done"))
    command = ("audit", "verify", "--config", str(host.config), "--data", str(host.data))
    done = subprocess.run([sys.executable, "-m", "adminapi.cli", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "line 3: it does not follow from the line before" in done.stdout
