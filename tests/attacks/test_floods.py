"""Senders who send as fast as they can (F15): each is held or ended by its own rate, and nobody else feels it."""

from __future__ import annotations

import pytest
import trio

from tests.attacks.strangers import UPGRADE, close_code, login, masked, memory, pulse, put, rest, stranger
from tests.journeys.programs import APP, Host

ASK = masked(0x81, b'{"type":"presence.query","data":{"client_ids":[]}}')
PING = masked(0x89, b"")


@pytest.mark.F15
async def test_floods_cost_their_sender_and_nobody_else(host: Host) -> None:
    """F15: requests at a hundred times the rate, 10^5 pings, acknowledgements without end, and a byte at a time."""
    host.configure({**APP, "frames_per_second": 50})
    broker = host.broker()
    before = memory(broker.process.pid)
    codes: list[int] = []

    async def asks(user: str) -> None:
        async with stranger(host.port) as stream:
            await put(stream, UPGRADE + login(user) + ASK * 5000)
            codes.append(close_code(await rest(stream)))

    async def floods(user: str, frames: bytes) -> None:
        async with stranger(host.port) as stream:
            await put(stream, UPGRADE + login(user) + frames)

    async def bytewise(user: str) -> None:
        async with stranger(host.port) as stream:
            for byte in UPGRADE + login(user) + ASK * 20:
                await put(stream, bytes((byte,)))

    async with pulse(host.url) as beats:
        with trio.move_on_after(2):
            async with trio.open_nursery() as nursery:
                for number in range(4):
                    nursery.start_soon(asks, f"asks{number}")
                    nursery.start_soon(floods, f"pings{number}", PING * 100_000)
                    nursery.start_soon(floods, f"acks{number}", masked(0x81, b'{"type":"ping"}') * 50_000)
                    nursery.start_soon(bytewise, f"bytes{number}")
    beats.check()
    assert codes == [4504] * 4
    assert memory(broker.process.pid) - before < 48 << 20
