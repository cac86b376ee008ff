"""What the console stands on, over both programs: an operator signs in, sees what happens, and does something about it."""

from __future__ import annotations

import sys
from typing import Any

import httpx
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import json_peer
from tests.streaming import streaming

APP = "/-/api/apps/666666"
PASSWORD = "open sesame"


async def operator(host: Host, *words: str, stdin: str = "") -> None:
    place = ("--config", str(host.config), "--data", str(host.data))
    command = [sys.executable, "-m", "adminapi.cli", "operator", *words, *place]
    await trio.run_process(command, stdin=stdin.encode(), capture_stdout=True)


async def sign_in(host: Host, name: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=host.admin_url) as client:
        answer = await client.post("/-/api/sign-in", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


async def test_an_operator_watches_finds_and_acts(host: Host) -> None:
    host.broker()
    await trio.to_thread.run_sync(host.admin)
    await operator(host, "add", "ann", "--role", "admin", stdin=PASSWORD + "\n")
    proof, address = await sign_in(host, "ann"), host.admin_url.removeprefix("http://")
    async with (
        json_peer(host.url) as tom,
        json_peer(host.url) as joe,
        httpx.AsyncClient(base_url=host.admin_url, headers=proof, timeout=15) as client,
    ):
        await tom.login("tom", device_id="phone-7")
        await joe.login("joe")

        async def found(path: str, **query: Any) -> Any:
            answer = await client.get(path, params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()

        async with streaming(address, "/-/api/live", proof) as live:
            assert "samples" in await live.line()
            assert (await live.line())["now"]["sessions"] == 2
            for number in range(20):
                await tom.ok("msg.send", to="joe", type=-1, text=f"word {number}")
            while not (now := (await live.line())["now"])["messages_per_s"]:
                pass
        assert now["commit_p99_ms"] >= now["commit_p50_ms"] > 0

        # Sessions, searched in the broker by user, device and address.
        for text, users in (("TOM", ["tom"]), ("phone", ["tom"]), ("127.0.0.1", ["tom", "joe"]), ("nobody", [])):
            page = await found(f"{APP}/sessions", search=text)
            assert ([each["user"] for each in page["sessions"]], page["total"]) == (users, len(users))
        session = (await found(f"{APP}/sessions", search="phone"))["sessions"][0]["session"]
        assert (await found(f"{APP}/sessions/{session}"))["stopped"] is None

        # Users and conversations, found and read.
        assert [each["user"] for each in (await found(f"{APP}/users", search="OM"))["users"]] == ["tom"]
        (talk,) = (await found(f"{APP}/conversations", search="tom"))["conversations"]
        path = f"{APP}/conversations/{talk['conversation']}"
        assert {each["user"] for each in (await found(f"{path}/members"))["members"]} == {"tom", "joe"}
        page = await found(f"{path}/messages", search="WORD 1")
        assert [each["body"]["text"] for each in page["messages"]] == ["word 1", *(f"word 1{n}" for n in range(10))]
        async with streaming(address, f"{path}/tail", proof) as tail:
            assert (await tail.line())["messages"] == []
            await joe.ok("msg.send", to="tom", type=-1, text="hello")
            assert [each["body"]["text"] for each in (await tail.line())["messages"]] == ["hello"]

        # Something is done, and the log says by whom.
        answer = await client.post(f"{APP}/announcements", json={"content": {"text": "noon"}})
        assert answer.json()["total"] == 2
        assert (await joe.push("system.new"))["content"] == {"text": "noon"}
        (progress,) = await found(f"{APP}/announcements")
        assert (progress["reached"], progress["done"]) == (2, True)
        assert (await client.post(f"{APP}/users/tom/kick", json={"reason": "enough"})).status_code == 200
        assert (await tom.end()) == 4002
        kicked = (await found("/-/api/audit", user="tom"))["lines"][0]
        assert (kicked["operator"], kicked["commands"]) == ("ann", ["Kick"])
        health = await found("/-/api/health")
        assert all(check["ok"] for check in health["checks"] if check["name"] not in ("limits", "files"))

        # Apps: one of the file is changed there, one that was added here is changed here.
        assert (await client.patch(APP, json={"settings": {"open_groups": True}})).status_code == 409
        made = (await client.post("/-/api/apps", json={"id": "shop"})).json()
        changed = await client.patch("/-/api/apps/shop", json={"settings": {"open_groups": True}})
        assert (changed.json()["settings"]["open_groups"], changed.json()["fixed"]) == (True, False)
        rotated = (await client.post("/-/api/apps/shop/keys", json={"which": "master_key"})).json()
        for key in (made["keys"]["master_key"], rotated["keys"]["master_key"]):
            own = await client.get("/-/api/me", headers={"authorization": f"Bearer {key}"})
            assert own.json()["app"] == "shop"


async def test_sessions_and_streams_outlive_the_programs(host: Host) -> None:
    host.broker()
    await trio.to_thread.run_sync(host.admin)
    await operator(host, "add", "ann", stdin=PASSWORD + "\n")
    proof, address = await sign_in(host, "ann"), host.admin_url.removeprefix("http://")
    async with streaming(address, "/-/api/live", proof) as live:
        assert "samples" in await live.line()
        host.kill()
        while "fault" not in await live.line():
            pass
        await trio.to_thread.run_sync(host.broker)
        while "samples" not in await live.line():
            pass
        began = trio.current_time()
        host.admin_program.signal(15)  # with a stream open
        assert await trio.to_thread.run_sync(host.admin_program.wait) == 0
        assert trio.current_time() - began < 1.5
    await trio.to_thread.run_sync(host.admin)
    async with httpx.AsyncClient(base_url=host.admin_url, headers=proof) as client:
        assert (await client.get("/-/api/me")).json()["name"] == "ann"
        await operator(host, "role", "ann", "support")
        assert (await client.get("/-/api/me")).status_code == 401
