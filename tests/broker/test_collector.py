"""The collector has nothing to look for: what is closed is gone without it, and what has stayed it does not look at."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from broker.collector import GROWTH, LEAST, frozen
from broker.gateway.connection import Connection
from broker.gateway.outbox import Outbox
from broker.gateway.seats import Seats
from broker.gateway.websocket import WebSocketFraming
from protocol.wires.wire import Inbound, Submit
from tests.broker.gateway.conftest import FakeWire, running

KEPT = (Connection, Outbox, Seats, WebSocketFraming)
ROUNDS, CLIENTS = 40, 50


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> Counter[str]:
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, KEPT))


async def test_thousands_of_connections_leave_nothing_that_only_the_collector_would_free(
    uncollected: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = FakeWire.receive

    def seated(self: FakeWire, *frame: Any) -> list[Inbound]:
        return [
            Submit(item.request, item.command, "seat") if isinstance(item, Submit) and self.logged_in else item
            for item in receive(self, *frame)
        ]

    monkeypatch.setattr(FakeWire, "receive", seated)
    monkeypatch.setattr(FakeWire, "follow_up", lambda self: (), raising=False)  # a wire with seats
    before = alive()
    async with running() as broker:
        for _ in range(ROUNDS):
            clients = [await broker.client(framed=number % 2 > 0) for number in range(CLIENTS)]
            for client in clients[:10]:
                await client.send(b"echo x")
                await client.receive()
            broker.post(broker.core.sessions(), b"x")
            for client in clients:
                await client.stream.aclose()
            await broker.until(lambda: not broker.reactor.table.connections)
        broker.reactor.wake()
        await broker.until(lambda: not broker.reactor.table.resume)
        assert alive() - before == {}


def test_what_is_there_is_frozen_when_it_has_grown_by_a_share_and_only_then() -> None:
    try:
        assert frozen(LEAST - 1, LEAST / GROWTH) == LEAST / GROWTH
        grown = [[number] for number in range(10_000)]
        before = gc.get_freeze_count()
        assert frozen(LEAST, LEAST / GROWTH) == LEAST
        assert gc.get_freeze_count() - before >= len(grown)
        before = gc.get_freeze_count()
        assert [frozen(number, LEAST) for number in (0, LEAST, int(LEAST * GROWTH) - 1)] == [LEAST] * 3
        assert gc.get_freeze_count() <= before
    finally:
        gc.unfreeze()
