"""Frames no client sends: too large, too many pieces, not UTF-8, compressed, too deep (F26, F27, F29, F30; CVE)."""

from __future__ import annotations

import zlib

import pytest

from tests.attacks.strangers import KEY, UPGRADE, close_code, login, masked, memory, put, rest, stranger
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

GROWTH = 32 << 20
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


@pytest.mark.F26
@pytest.mark.parametrize("logged_in", [False, True])
async def test_no_declared_length_and_no_row_of_fragments_is_believed(host: Host, logged_in: bool) -> None:
    """F26: 2^63 bytes declared, one byte too many, 10^5 fragments; CVE-2026-33219 (nats-server)."""
    broker = host.broker()
    before = memory(broker.process.pid)
    fragments = masked(0x01, b"") + masked(0x00, b"x") * 100_000
    limit = 65_536 if logged_in else 4096
    for sent in (
        masked(0x81, b"x" * 1000, declared=(1 << 63) - 1),
        masked(0x82, b"x" * 100, declared=limit + 1),
        masked(0x81, b"x" * (limit + 1)),
        fragments,
        masked(0x01, b"x" * (limit // 2)) + masked(0x80, b"x" * (limit // 2 + 1)),
    ):
        async with stranger(host.port) as stream:
            await put(stream, UPGRADE + (login("eve") if logged_in else b"") + sent)
            assert close_code(await rest(stream)) == 1009, sent[:20]
    assert memory(broker.process.pid) - before < GROWTH
    async with json_peer(host.url) as peer:
        await peer.login("tom")


@pytest.mark.F27
@pytest.mark.F30
async def test_what_is_not_utf8_ends_the_connection(host: Host) -> None:
    """F27: overlong, surrogates, beyond Unicode, cut in a character, over two fragments; the same inside JSON (F30)."""
    host.broker()
    for sent in (
        masked(0x81, b"\xc0\xaf"),
        masked(0x81, b"\xed\xa0\x80"),
        masked(0x81, b"\xf4\x90\x80\x80"),
        masked(0x81, b"\xe2\x82"),
        masked(0x01, b"\xe2\x82") + masked(0x80, b"\x28"),
        masked(0x01, b"\xe2\x82") + masked(0x80, b""),
        masked(0x81, b'{"type":"sync","data":{"x":"\xff"}}'),
    ):
        async with stranger(host.port) as stream:
            await put(stream, UPGRADE + login("eve") + sent)
            assert close_code(await rest(stream)) == 1007, sent


@pytest.mark.F29
@pytest.mark.CVE
async def test_compression_is_never_agreed_to_and_a_bomb_is_no_frame(host: Host) -> None:
    """F29; CVE-2018-1000518, CVE-2026-27571, CVE-2026-116579, CVE-2014-2741: 64 MiB of zeros in 64 KiB."""
    broker = host.broker()
    before = memory(broker.process.pid)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeezer.compress(bytes(64 << 20)) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    for first in (b"", login("eve")):
        async with stranger(host.port) as stream:
            await put(stream, UPGRADE.replace(KEY, DEFLATE + KEY) + first + masked(0xC1, bomb[:60_000]))
            head, _, answer = (await rest(stream)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"xtensions" not in head
            assert close_code(answer) in (1002, 1009)  # before the login it is too large as well
    assert memory(broker.process.pid) - before < GROWTH
