"""The same protocol over TLS: trio-websocket's listener, the same wires, outboxes and take-over."""

from __future__ import annotations

import signal
import socket
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
    context = issue(tmp_path)
    host.configure(
        sockets={
            "tls_listen": "127.0.0.1:0",
            "tls_cert": str(tmp_path / "cert.pem"),
            "tls_key": str(tmp_path / "key.pem"),
        }
    )
    return context


def issue(folder: Path) -> ssl.SSLContext:
    """Write a certificate of a new authority, and give what trusts that one alone."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
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


async def test_a_hang_up_takes_the_new_certificate_and_leaves_sessions_alone(
    host: Host, context: ssl.SSLContext, tmp_path: Path
) -> None:
    broker = host.broker()
    url = f"wss://127.0.0.1:{broker.wait_door('tls')}"
    async with json_peer(url, tls=context) as tom:
        await tom.login("tom")
        (tmp_path / "cert.pem").write_text("no certificate")
        broker.signal(signal.SIGHUP)
        broker.wait_line("settings not reloaded")
        async with json_peer(url, tls=context) as ann:
            await ann.login("ann")
        renewed = issue(tmp_path)
        broker.signal(signal.SIGHUP)
        broker.wait_line("settings reloaded")
        async with json_peer(url, tls=renewed) as ann:
            await ann.login("ann")
        await tom.ok("ping")


def test_the_admin_api_speaks_https_and_takes_the_new_certificate(host: Host, tmp_path: Path) -> None:
    trusted = issue(tmp_path)
    host.configure(admin={"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")})
    host.broker()
    admin = host.admin()
    url = host.admin_url.replace("http:", "https:")
    assert httpx.get(f"{url}/-/ready", verify=trusted, timeout=10).status_code == 200
    renewed = issue(tmp_path)
    admin.signal(signal.SIGHUP)
    admin.wait_line("certificate read again")
    assert httpx.get(f"{url}/-/ready", verify=renewed, timeout=10).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/-/ready", verify=trusted, timeout=10)


def test_parley_up_waits_for_an_admin_api_that_speaks_https(host: Host, tmp_path: Path) -> None:
    issue(tmp_path)
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    tls = {"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    host.configure(
        sockets={"listen": f"127.0.0.1:{ports[0]}", "tcp_listen": ""}, admin={"listen": f"127.0.0.1:{ports[1]}", **tls}
    )
    up = host.start("-m", "adminapi.cli", "up")
    up.wait_line(f"https://127.0.0.1:{ports[1]}")
    up.signal(signal.SIGTERM)
    assert up.wait() == 0


def test_a_tls_listener_without_its_files_is_refused_in_words(host: Host) -> None:
    host.configure(sockets={"tls_listen": "127.0.0.1:0"})
    program = host.start("-m", "broker")
    assert program.wait() == 64
    assert "tls_cert" in program.lines[-1]
