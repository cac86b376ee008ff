"""A LeanCloud app whose SDK knows one HTTP address alone, and its back office that uses the storage SDK's calls."""

from __future__ import annotations

import time
from typing import Any

import httpx
import trio

from protocol.tokens import make_jwt
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op, read, write
from tests.journeys.programs import APP, Host
from tests.journeys.test_back_office import office
from tests.journeys.wire import WAIT_SECONDS, WebSocketPeer, json_peer, open_peer

MASTER = {"X-LC-Id": APP["id"], "X-LC-Key": f"{APP['master_key']},master"}
RELEASED = {"X-LC-Id": APP["id"], "X-LC-Key": APP["key"]}
OBJECTS = "/1.1/classes/_Conversation"


class Client:
    """A socket of the vendor's SDK."""

    def __init__(self, peer: WebSocketPeer) -> None:
        self.peer = peer

    async def ask(self, **fields: Any) -> Any:
        await self.peer.put_raw(write(GenericCommand(i=1, **fields)))
        return await self.until(lambda command: command.HasField("i"))

    async def until(self, wanted: Any) -> Any:
        with trio.fail_after(WAIT_SECONDS):
            while True:
                message = await self.peer.socket.get_message()
                assert isinstance(message, bytes)
                command = read(message)
                if wanted(command):
                    return command

    async def open(self, user: str, **said: Any) -> Any:
        return await self.ask(
            cmd=Cmd.SESSION, op=Op.OPEN, appId=APP["id"], peerId=user, sessionMessage={"ua": "js/5.0.0", **said}
        )


def value(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_released_app_finds_its_way_by_the_router_alone(host: Host) -> None:
    host.configure({**APP, "token_required": True})
    host.broker()
    host.configure({**APP, "token_required": True}, admin={"socket_url": host.url})
    host.admin()
    async with office(host, RELEASED) as app, office(host, MASTER) as backend:
        found = value(await app.get("/v1/route", params={"appId": APP["id"], "secure": "true"}))
        assert found["secondary"] == found["server"]
        token = make_jwt(APP["secret"], {"sub": "tom", "iat": int(time.time()) - 60})
        proof = value(await app.post("/1.1/rtm/sign", json={"session_token": token}))
        async with open_peer(found["server"], cbor=True, subprotocols=["lc.protobuf2.3"]) as peer:
            tom = Client(peer)
            assert (await tom.open("tom")).op != Op.OPENED
            signed = {"s": proof["signature"], "t": proof["timestamp"], "n": proof["nonce"]}
            opened = await tom.open("tom", **signed)
            assert opened.op == Op.OPENED
            body = {"name": "team", "m": {"__op": "AddUnique", "objects": ["tom", "ann"]}, "c": "ann"}
            cid = value(await backend.post(OBJECTS, json=body), 201)["objectId"]
            assert (await tom.until(lambda command: command.op == Op.JOINED)).convMessage.cid == cid

            app.headers["X-LC-IM-Session-Token"] = opened.sessionMessage.st
            roles = {"where": f'{{"cid":"{cid}"}}', "client_id": "tom"}
            info = "/1.1/classes/_ConversationMemberInfo"
            rows = value(await app.get(info, params=roles))["results"]
            assert rows == [{"cid": cid, "clientId": "ann", "role": "Owner"}]
            missed = "/1.1/rtm/notifications"
            since = {"client_id": "tom", "start_ts": opened.serverTs, "notification_type": "permanent"}
            told = value(await app.get(missed, params=since))["notifications"]
            assert [(each["op"], each["cid"]) for each in told] == [("joined", cid), ("members_joined", cid)]
            since["start_ts"] = told[-1]["serverTs"]
            assert value(await app.get(missed, params=since)) == {"hasMore": False, "notifications": []}
            assert value(await app.get(f"{OBJECTS}/{cid}"), 401)["code"] == 401

            value(await backend.put(f"{OBJECTS}/{cid}", json={"m": {"__op": "Remove", "objects": ["tom"]}}))
            await tom.until(lambda command: command.op == Op.LEFT)
            assert value(await app.get(info, params=roles), 403)["code"] == 4317
            value(await backend.post("/1.2/rtm/clients/tom/kick", json={}))
            await tom.until(lambda command: command.op == Op.CLOSED)
        # What was withdrawn opens nothing any more.
        assert value(await app.get(missed), 401)["code"] == 4112
        proof = value(await app.post("/1.1/rtm/sign", json={"session_token": token}))
        async with open_peer(found["server"], cbor=True, subprotocols=["lc.protobuf2.3"]) as peer:
            signed = {"s": proof["signature"], "t": proof["timestamp"], "n": proof["nonce"]}
            assert (await Client(peer).open("tom", **signed)).op != Op.OPENED


async def test_a_back_office_with_the_storage_sdks_calls(host: Host) -> None:
    host.broker()
    host.admin()
    async with office(host, MASTER) as http, json_peer(host.url) as ann:
        await ann.login("ann")
        cid = value(await http.post(OBJECTS, json={"name": "team", "m": ["tom", "ann"], "color": "red"}), 201)["objectId"]
        await ann.push("conv.joined")
        sending = {"from_peer": "tom", "conv_id": cid, "message": '{"_lctype":-1,"_lctext":"hello"}', "transient": False}
        sent = value(await http.post("/1.1/rtm/messages", json=sending))
        assert (await ann.push("msg.new"))["text"] == "hello"
        (row,) = value(await http.get("/1.1/rtm/messages/history", params={"convid": cid, "limit": 10}))
        assert (row["msg-id"], row["data"]) == (sent["msg-id"], sending["message"])
        unread = "/1.2/rtm/clients/ann/unread-count"
        assert value(await http.get(unread)) == value(await http.get(unread, params={"conv_id": cid})) == {"count": 1}
        assert value(await http.get("/1.2/rtm/clients/nobody/unread-count")) == {"count": 0}

        value(await http.put(f"{OBJECTS}/{cid}", json={"name": "crew", "m": ["ann", "eve"], "color": {"__op": "Delete"}}))
        shown = value(await http.get(f"{OBJECTS}/{cid}"))
        assert (shown["name"], set(shown["m"]), "color" in shown) == ("crew", {"ann", "eve"}, False)
        query = {"where": '{"m":"eve"}', "order": "-createdAt", "keys": "name", "count": "1"}
        found = value(await http.get(OBJECTS, params=query))
        assert [(row["objectId"], row["name"], "m" in row) for row in found["results"]] == [(cid, "crew", False)]
        assert found["count"] == 1

        room = value(await http.post("/1.2/rtm/chatrooms", json={"name": "lobby"}))["objectId"]
        await ann.ok("conv.join", conv_id=room)
        assert value(await http.get(f"/1.2/rtm/chatrooms/{room}/members")) == {"result": ["ann"]}
        rooms = value(await http.get("/1.2/rtm/chatrooms"))["results"]
        assert [(row["objectId"], row["tr"]) for row in rooms] == [(room, True)]
        value(await http.post(f"/1.2/rtm/chatrooms/{room}/messages", json={"from_client": "tom", "message": "hi"}))
        assert (await ann.push("msg.new"))["text"] == "hi"

        value(await http.post("/1.1/rtm/broadcast", json={"from_peer": "news", "message": "to all", "conv_id": cid}))
        assert (await ann.push("system.new"))["content"] == {"from_client": "news", "message": "to all"}
        assert value(await http.delete(f"{OBJECTS}/{cid}")) == {}
        assert value(await http.get(f"{OBJECTS}/{cid}"), 404)["code"] == 4303
