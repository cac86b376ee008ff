"""The back office over REST and the apps over sockets see one set of data; the broker may go away and come back."""

from __future__ import annotations

import signal
from typing import Any

import httpx
import trio

from protocol.tokens import make_jwt
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

KEY = {"app-id": "666666", "app-key": "master"}


def office(host: Host, headers: dict[str, str] = KEY) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=host.admin_url, headers=headers, timeout=15)


def data(answer: httpx.Response) -> Any:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (200, 0), body
    return body["data"]


async def test_what_the_back_office_does_reaches_the_sockets_and_the_reverse(host: Host) -> None:
    host.broker()
    host.admin()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann, office(host) as http:
        await tom.login("tom")
        await ann.login("ann")
        made = data(
            await http.post(
                "/im/conversations",
                json={"client_id": "tom", "to_client_ids": ["ann"], "conv_type": 3, "conv_extend": {"conv_name": "x"}},
            )
        )
        assert made["conv_extend"] == {"conv_name": "x"}
        conversation = made["conv_id"]
        assert (await ann.push("conv.joined"))["conv_id"] == conversation
        sent = data(
            await http.post(
                f"/im/conversations/{conversation}/message", json={"from_client": "tom", "type": -1, "text": "HELLO !"}
            )
        )
        new = await ann.push("msg.new")
        assert (new["msg_id"], new["text"], new["from_client"], new["ctime"]) == (
            sent["msg_id"], "HELLO !", "tom", sent["time"],
        )  # fmt: skip
        assert (await tom.push("msg.new"))["msg_id"] == sent["msg_id"]
        await ann.ok("msg.send", conv_id=conversation, type=-1, text="hello back")
        page = data(await http.get(f"/im/conversations/{conversation}/message"))
        assert [(row["client_id"], row["text"]) for row in page["data"]] == [("ann", "hello back"), ("tom", "HELLO !")]
        assert (page["total"], page["current_page"], page["last_page"], page["per_page"]) == (2, 1, 1, 10)
        await ann.ok("msg.send", to="tom", type=-1, text="in private")
        where = f'[["conv_id","=","{conversation}"]]'
        found = data(await http.get("/im/conversations", params={"where": where}))
        assert [row["conv_id"] for row in found["data"]] == [conversation]
        assert (found["data"][0]["client_num"], found["data"][0]["conv_creater_id"]) == (2, "tom")
        assert data(
            await http.put(
                "/im/conversations", json={"where": [["conv_id", "=", conversation]], "update": {"conv_extend": {}}}
            )
        )
        assert (await ann.push("conv.updated"))["conv_id"] == conversation
        async with json_peer(host.url) as bob:
            await bob.login("bob")
            assert data(await http.post(f"/im/conversations/{conversation}/members", json={"client_ids": ["bob"]})) is True
            assert (await bob.push("conv.joined"))["conv_id"] == conversation
        assert data(await http.get(f"/im/conversations/{conversation}/members")) == ["tom", "ann", "bob"]
        assert data(await http.delete(f"/im/conversations/{conversation}")) is True
        assert (await ann.push("conv.deleted"))["conv_id"] == conversation


async def test_operators_manage_users_and_sessions(host: Host) -> None:
    host.configure({**APP, "token_required": True})
    host.broker()
    host.admin()
    base = "/-/api/apps/666666"
    async with office(host, {"Authorization": "Bearer the-master-key"}) as http:
        made = await http.put(f"{base}/users/tom", json={"password": "correct horse", "attributes": {"city": "Oslo"}})
        assert made.status_code in (200, 201)
        async with json_peer(host.url) as peer:
            assert await peer.refused("login", app_id="666666", client_id="tom", password="wrong") == 214
        async with json_peer(host.url) as tom:
            await tom.login("tom", password="correct horse", device_id="d")
            (session,) = (await http.get(f"{base}/sessions")).json()["sessions"]
            assert (session["user"], session["device"]) == ("tom", "d")
            await http.post(f"{base}/system", json={"content": {"notice": 1}})
            assert (await tom.push("system.new"))["content"] == {"notice": 1}
            await http.post(f"{base}/users/tom/kick", json={"reason": "enough"})
            assert (await tom.push("logout.kick"))["reason"] == "kicked"
            assert await tom.end() == 4002
        await http.post(f"{base}/users/tom/ban")
        async with json_peer(host.url) as peer:
            assert await peer.refused("login", app_id="666666", client_id="tom", password="correct horse") == 213
            assert await peer.end() == 4010
        await http.post(f"{base}/users/tom/unban")
        token = make_jwt("the-secret", {"unique_name": "tom"})
        async with json_peer(host.url) as peer:
            await peer.login("tom", token=token)
        async with json_peer(f"{host.url}/?token={token}") as peer:
            await peer.login("tom")
            deleted = await http.delete(f"{base}/users/tom")
            assert deleted.status_code < 300
            assert (await peer.push("logout.kick"))["reason"] == "deleted"


async def test_while_the_broker_is_away_calls_say_so_and_recover_by_themselves(host: Host) -> None:
    host.broker()
    host.admin()
    async with office(host) as http:
        assert (await http.get("/-/ready")).status_code == 200
        host.kill()
        with trio.fail_after(10):
            while (answer := await http.get("/im/conversations", params={"where": "[]"})).json()["code"] == 0:
                await trio.sleep(0.01)
        assert answer.status_code == 200
        assert answer.json()["code"] in (5031, 5034)
        assert answer.json()["message"]
        assert (await http.get("/-/ready")).status_code == 503
        assert (await http.get("/-/health")).status_code == 200
        host.broker()
        with trio.fail_after(20):
            while (await http.get("/-/ready")).status_code != 200:
                await trio.sleep(0.05)
        data(await http.get("/im/conversations", params={"where": "[]"}))


async def test_metrics_are_for_the_operator(host: Host) -> None:
    host.broker()
    host.admin()
    async with office(host, {}) as http, json_peer(host.url) as tom:
        assert (await http.get("/-/metrics")).status_code == 401
        await tom.login("tom")
        text = (await http.get("/-/metrics", headers={"Authorization": "Bearer the-master-key"})).text
        assert 'parley_sessions{app="666666",wire="native"} 1.0' in text
        assert "the-master-key" not in text


async def test_the_control_socket_is_for_us_alone(host: Host) -> None:
    host.broker()
    mode = (host.data / "control.sock").stat().st_mode & 0o777
    assert mode == 0o660


async def test_a_file_is_served_whole_and_in_ranges(host: Host) -> None:
    host.broker()
    admin = host.admin()
    content = bytes(range(256)) * 8
    async with office(host) as http:
        url = data(await http.post("/im/file/upload", files={"file": ("sound.mp3", content)}))
        whole = await http.get(url)
        assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, content, "bytes")
        for asked, start, end in (("bytes=-5", 2043, 2048), ("bytes=0-99999", 0, 2048), ("bytes=100-199", 100, 200)):
            part = await http.get(url, headers={"Range": asked})
            assert (part.status_code, part.content) == (206, content[start:end])
            assert part.headers["content-range"] == f"bytes {start}-{end - 1}/2048"
        beyond = await http.get(url, headers={"Range": "bytes=2048-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */2048")
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "eA==",
        }
        assert (await http.get("/", headers=upgrade)).status_code >= 400
    assert not any("Traceback" in line for line in admin.lines)


async def test_a_client_that_reads_nothing_does_not_keep_the_admin_api_from_stopping(host: Host) -> None:
    host.broker()
    admin = host.admin()
    port = int(host.admin_url.rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        # Answers so large that they fill the kernel long before the thousandth, behind which a connection ends.
        request = b"GET /-/parley.js HTTP/1.1\r\nHost: x\r\n\r\n"
        with trio.move_on_after(3):  # until neither side can write any more
            while True:
                await stream.send_all(request * 1000)
        began = trio.current_time()
        admin.signal(signal.SIGTERM)
        assert admin.wait() == 0
        assert trio.current_time() - began < 3
