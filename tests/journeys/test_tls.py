"""The same protocol over TLS: trio-websocket's listener, the same wires, outboxes and take-over."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from tests.journeys.programs import Host
from tests.journeys.test_bad_input import UPGRADE, raw, read_to_end
from tests.journeys.wire import json_peer


@pytest.fixture
def context(tmp_path: Path, host: Host) -> ssl.SSLContext:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    host.configure(
        sockets={
            "tls_listen": "127.0.0.1:0",
            "tls_cert": str(tmp_path / "cert.pem"),
            "tls_key": str(tmp_path / "key.pem"),
        }
    )
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_and_plain_sessions_share_everything(host: Host, context: ssl.SSLContext) -> None:
    url = f"wss://127.0.0.1:{host.broker().wait_door('tls')}"
    async with json_peer(url, tls=context) as tom, json_peer(host.url) as ann:
        await tom.login("tom", device_id="phone")
        await ann.login("ann")
        sent = await tom.ok("msg.send", to="ann", type=-1, text="over TLS")
        assert (await ann.push("msg.new"))["text"] == "over TLS"
        await ann.ok("msg.send", conv_id=sent["conv_id"], type=-1, text="x" * 5000)
        assert len((await tom.push("msg.new"))["text"]) == 5000
        for _ in range(200):
            await tom.put({"type": "ping", "id": 1})
        for _ in range(200):
            await tom.answer(1)
        async with json_peer(host.url) as new:
            await new.login("tom", device_id="phone")
            assert (await tom.push("logout.kick"))["reason"] == "replaced"
            assert await tom.end() == 4001


async def test_a_plain_client_at_the_tls_door_harms_nobody(host: Host, context: ssl.SSLContext) -> None:
    port = host.broker().wait_door("tls")
    async with raw(port) as stream:
        await stream.send_all(UPGRADE)
        assert b"101" not in await read_to_end(stream)
    async with json_peer(f"wss://127.0.0.1:{port}", tls=context) as peer:
        await peer.login("tom")


async def test_leancloud_clients_that_want_tls_are_sent_to_the_listener_for_it(host: Host, context: ssl.SSLContext) -> None:
    port = host.broker().wait_door("tls")
    host.configure(sockets={"tls_listen": f"127.0.0.1:{port}"})  # as an operator does, who knows the port beforehand
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url) as http:
        found = (await http.get("/v1/route", params={"appId": "666666", "secure": "true"})).json()
    assert found["server"] == found["secondary"]
    async with json_peer(found["server"], tls=context) as peer:
        await peer.login("tom")


def test_a_tls_listener_without_its_files_is_refused_in_words(host: Host) -> None:
    host.configure(sockets={"tls_listen": "127.0.0.1:0"})
    program = host.start("-m", "broker")
    assert program.wait() == 64
    assert "tls_cert" in program.lines[-1]
