"""Requests whose head is the attack: too many lines, too long, made to be slow to read (CVE, F16, F37; A4)."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.attacks.strangers import KEY, UPGRADE, pulse, put, rest, stranger
from tests.journeys.programs import Host
from tests.journeys.test_tls import issue
from tests.journeys.wire import json_peer

LINES = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
PROTOCOLS = b"Sec-WebSocket-Protocol: "
UPGRADES = [
    UPGRADE.replace(KEY, LINES + KEY),
    UPGRADE.replace(KEY, b"".join(b"X-%d: y\r\n" % number for number in range(65)) + KEY),
    UPGRADE.replace(KEY, b"X: " + b"y" * (1 << 20) + b"\r\n" + KEY),
    UPGRADE.replace(KEY, PROTOCOLS + b" , " * 350_000 + b"x\r\n" + KEY),
]


@pytest.mark.CVE
async def test_upgrades_with_too_much_in_them_are_refused_at_once(host: Host) -> None:
    """CVE-2024-37890 (10,000 headers), CVE-2021-32640 (1 MiB of spaces and commas): refused by `headers`, `header_bytes`."""
    host.broker()
    async with pulse(host.url) as beats:
        for sent in UPGRADES:
            async with stranger(host.port) as stream:
                await put(stream, sent)
                assert (await rest(stream)).startswith(b"HTTP/1.1 431 ") or len(sent) > 1 << 16
        for few in (b" , " * 2000 + b"x", b"a" * 7000, b",," * 3000):
            began = time.monotonic()
            async with stranger(host.port) as stream:
                await put(stream, UPGRADE.replace(KEY, PROTOCOLS + few + b"\r\n" + KEY))
                with trio.fail_after(5):
                    assert (await stream.receive_some(12)).startswith(b"HTTP/1.1 ")
            assert time.monotonic() - began < 2
    beats.check()


@asynccontextmanager
async def secured(port: int, context: ssl.SSLContext) -> AsyncIterator[trio.SSLStream[trio.SocketStream]]:
    async with stranger(port) as tcp:
        yield trio.SSLStream(tcp, context, server_hostname="127.0.0.1", https_compatible=True)


@pytest.mark.CVE
@pytest.mark.F16
async def test_behind_tls_the_same_holds_and_silence_ends_in_time(host: Host, tmp_path: Path) -> None:
    """F16: a hello that never comes, on both doors; CVE-2024-37890 behind TLS."""
    context = issue(tmp_path)
    files = {"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    host.configure(
        sockets={"tls_listen": "127.0.0.1:0", "login_seconds": 1.5, **files}, admin={"head_seconds": 1.5, **files}
    )
    port = host.broker().wait_door("tls")
    admin_port = host.admin().doors["admin"]
    for lines in (65, 10_000):
        async with secured(port, context) as stream:
            many = b"".join(b"X-%d: y\r\n" % number for number in range(lines))
            await put(stream, UPGRADE.replace(KEY, many + KEY))
            answer = await rest(stream)
            assert answer.startswith(b"HTTP/1.1 4") or (lines > 65 and not answer)

    async def silent(port: int, first: bytes) -> None:
        async with stranger(port) as stream:
            await put(stream, first)
            await rest(stream, 8)

    async with trio.open_nursery() as nursery:
        for door in (port, admin_port):
            for first in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
                nursery.start_soon(silent, door, first)
    async with json_peer(f"wss://127.0.0.1:{port}", tls=context) as peer:
        await peer.login("tom")
