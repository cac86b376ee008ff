"""`[sockets] nesting`: how deep documents may be, the same at every door of both programs."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import httpx
import pytest

from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

DEEP: dict[str, Any] = reduce(lambda inner, _: {"a": inner}, range(30), {"a": 1})


@pytest.mark.parametrize("raised", [True, False])
async def test_a_document_as_deep_as_the_setting_allows_passes_every_door(host: Host, raised: bool) -> None:
    host.configure(**({"sockets": {"nesting": 40}} if raised else {}))
    host.broker()
    host.admin()
    proof = {"app-id": "666666", "app-key": "master"}
    async with (
        json_peer(host.url) as ann,
        json_peer(host.url) as tom,
        httpx.AsyncClient(base_url=host.admin_url, headers=proof) as http,
    ):
        await ann.login("ann")
        await tom.login("tom")
        made = await http.post(
            "/im/conversations",
            json={"client_id": "tom", "to_client_ids": ["ann"], "conv_type": 3, "conv_extend": {"x": DEEP}},
        )
        if not raised:
            assert "16 levels deep" in made.json()["message"], made.text
            await tom.put({"type": "msg.send", "id": 9, "data": {"to": "tom", "type": -1, "text": "t", "attr": DEEP}})
            frame = await tom.take()
            assert "16 levels deep" in frame["msg"], frame
            return
        assert made.json()["code"] == 0, made.text
        conversation = made.json()["data"]["conv_id"]
        await tom.ok("msg.send", conv_id=conversation, type=-1, text="t", attr=DEEP)
        listed = await http.get(f"/im/conversations/{conversation}/message")
        assert json.dumps(DEEP) in json.dumps(listed.json())
        found = await http.get("/im/conversations", params={"where": json.dumps([["conv_id", "=", conversation]])})
        assert json.dumps(DEEP) in json.dumps(found.json())
        got = await tom.ok("conv.get", conv_id=conversation)
        assert json.dumps(DEEP) in json.dumps(got)
