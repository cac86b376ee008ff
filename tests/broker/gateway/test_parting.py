"""Whether somebody was there to see that another login ended his session (DESIGN 3)."""

from __future__ import annotations

import socket

import pytest
import trio

from protocol.errors import CloseReason
from protocol.wires.wire import Ending
from tests.broker.gateway.conftest import Clock, running
from tests.broker.gateway.test_deadlines import pass_time
from tests.broker.gateway.test_seats import login, shared


@pytest.mark.F31
@pytest.mark.parametrize("framed", [False, True])
async def test_a_loser_whose_machine_takes_the_farewell_was_there_though_he_leaves_tcp_open(framed: bool) -> None:
    async with running(linger_seconds=3600) as broker:
        client = await broker.client(framed)
        (session,) = broker.core.sessions()
        broker.kick(session, CloseReason.REPLACED)
        await broker.until(lambda: broker.core.departed == [session])
        assert broker.reactor.statistics().connections == 1
        await client.stream.aclose()
        await broker.until(lambda: broker.reactor.statistics().connections == 0)
        assert broker.core.departed == [session]


async def test_a_loser_who_takes_nothing_is_not_gone_before_his_linger_is_over() -> None:
    """What his machine does not take is what a cut cable looks like from here."""
    clock = Clock()
    async with running(clock=clock, linger_seconds=4.0, outbox_seconds=60.0) as broker:
        client = await broker.client(framed=True)
        (session,) = broker.core.sessions()
        client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        while not broker.reactor.table.blocked:  # it tells nobody
            broker.post([session], b"x" * 60_000)
            await trio.sleep(0.001)
        broker.kick(session, CloseReason.REPLACED)
        await pass_time(broker, clock, 2.0)
        assert broker.core.departed == []
        await pass_time(broker, clock, 4.0)
        assert broker.core.departed == [session]


async def test_a_seat_is_gone_when_its_connection_shows_life() -> None:
    async with shared() as (broker, client):
        ann, bob = await login(broker, client, "ann", "bob")
        connection = broker.reactor.table.outboxes[ann].connection
        connection.end(Ending(CloseReason.REPLACED), "ann")
        assert broker.core.departed == []
        await broker.until(lambda: broker.core.departed == [ann])
        assert await client.receive() == b"ann replaced"
        await client.send(b"bob echo")
        assert await client.receive() == b"ok bob echo"
        broker.kick(bob, CloseReason.KICKED)
        await broker.until(lambda: broker.core.departed == [ann, bob])
