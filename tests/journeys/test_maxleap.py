"""A MaxLeap back office and apps on native sockets: one set of data over both programs, also after a kill."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import trio
from PIL import Image

from protocol.signatures import sign_request
from tests.journeys.programs import APP, Host
from tests.journeys.test_back_office import office
from tests.journeys.wire import json_peer


def sign() -> dict[str, str]:
    now_ms = time.time_ns() // 1_000_000
    return {"X-ML-AppId": APP["id"], "X-ML-Request-Sign": sign_request(APP["master_key"], now_ms)}


def value(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_a_maxleap_back_office_and_native_apps(host: Host) -> None:
    host.broker()
    host.admin()
    async with office(host, sign()) as http, json_peer(host.url) as tom, json_peer(host.url) as ann:
        value(await http.post("/ctx/tom/attributes", json={"name": "隔壁老王", "age": 46}), 201)
        friends = value(await http.post("/ctx/tom/friends/ann"))
        await tom.login("tom", install_id="installid1")
        assert (await tom.ok("user.get"))["attributes"] == {"name": "隔壁老王", "age": 46}

        assert not value(await http.get("/ctx/tom/friends/ann"))["online"]
        await ann.login("ann", device_id="phone")
        assert value(await http.get("/ctx/tom/friends/ann")) == {
            "id": friends["id"],
            "from": "tom",
            "to": "ann",
            "online": True,
            "ts": friends["ts"],
        }
        (change,) = (await tom.push("presence.changed"))["changes"]
        assert (change["client_id"], change["online"]) == ("ann", True)

        group = value(await http.post("/groups", json={"owner": "tom", "name": "us", "members": ["ann"]}), 201)
        assert (await ann.push("conv.joined"))["conv_id"] == group
        assert (await ann.ok("conv.get", conv_id=group))["name"] == "us"
        sent = await ann.ok("msg.send", conv_id=group, type=-2, url="http://h/me.png")
        row = {"speaker": "ann", "content": {"media": 1, "body": "http://h/me.png"}, "ts": sent["time"]}
        assert value(await http.get(f"/groups/{group}/chats")) == [row]
        value(await http.put(f"/groups/{group}", json={"owner": "ann"}), 201)
        assert value(await http.get(f"/groups/{group}"))["owner"] == "ann"

        value(await http.post("/system", json={"content": {"media": 0, "body": "hello all!"}}), 202)
        for peer in (tom, ann):
            assert (await peer.push("system.new"))["content"] == {"media": 0, "body": "hello all!"}

        picture = io.BytesIO()
        Image.effect_noise((300, 200), 20).save(picture, "PNG")
        files = {"attachment": ("me.png", picture.getvalue())}
        original, thumbnail = value(await http.post("/attachment", files=files))
        assert (await http.get(original)).content == picture.getvalue()
        small = Image.open(io.BytesIO((await http.get(thumbnail)).content))
        assert (small.size, small.format) == ((128, 85), "JPEG")

        shown = value(await http.get("/ctx/tom"))
        assert (shown["sessions"], shown["installs"], shown["friends"]) == (1, ["installid1"], ["ann"])
        assert shown["groups"] == [group]


async def test_a_visitor_is_there_after_a_kill_and_what_was_wiped_is_not(host: Host) -> None:
    host.broker()
    host.admin()
    async with office(host, sign()) as http:
        for user in ("tom", "ann"):
            value(await http.post(f"/ctx/{user}/attributes", json={}), 201)
        visitor = value(await http.post("/passengers", json={"name": "王尼玛"}), 201)
        group = value(await http.post("/groups", json={"owner": "tom", "members": ["ann"]}), 201)
        async with json_peer(host.url) as guest, json_peer(host.url) as tom:
            await guest.login(visitor)
            await tom.login("tom")
            await guest.ok("msg.send", to="tom", type=-1, text="help")
            new = await tom.push("msg.new")
            await tom.ok("msg.send", conv_id=new["conv_id"], type=-1, text="yes?")
            await tom.ok("msg.send", conv_id=group, type=-1, text="gone soon")
            value(await http.delete(f"/groups/{group}/chats"), 204)
            await tom.ok("msg.send", conv_id=group, type=-1, text="after")
        host.kill()
        host.broker()
        chats = f"/passengers/{visitor}/chats/tom"
        with trio.fail_after(20):
            while (answer := await http.get(chats)).status_code == 503:
                await trio.sleep(0.05)
        said = [(row["speaker"], row["content"]["body"]) for row in value(answer)]
        assert said == [(visitor, "help"), ("tom", "yes?")]
        assert value(await http.get(f"/passengers/{visitor}")) == {"name": "王尼玛"}
        rows = value(await http.get(f"/groups/{group}/chats"))
        assert [row["content"]["body"] for row in rows] == ["after"]
        assert visitor not in [row["id"] for row in value(await http.get("/ctx"))]
        async with json_peer(host.url) as ann:
            await ann.login("ann")
            (state,) = [each for each in (await ann.ok("sync"))["conversations"] if each["conv_id"] == group]
            assert (state["unread"], state["first_seq"]) == (1, 2)
