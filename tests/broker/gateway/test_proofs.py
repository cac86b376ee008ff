"""Wrong passwords and tokens on sockets: whose answers wait, and who does not notice."""

from __future__ import annotations

import pytest
import trio

from protocol.errors import Reason, Refused
from tests.broker.gateway.conftest import Broker, Client, Clock, FakeCore, WebSocketClient, running
from tests.broker.gateway.test_deadlines import pass_time

GUESSER, OTHER = "203.0.113.9", "203.0.113.10"


async def guess(broker: Broker, address: str = GUESSER, words: bytes = b"wrong") -> Client:
    """Somebody behind a proxy says the wrong thing; the answer is not read yet."""
    client = WebSocketClient(await broker.connect(), headers=f"X-Forwarded-For: {address}\r\n")
    await client.begin()
    await client.send(words)
    return client


@pytest.mark.F31
async def test_slips_are_answered_at_once_and_guesses_wait_and_nobody_else_does() -> None:
    clock = Clock()
    async with running(clock=clock, wrong_proofs=2) as broker:
        for _ in range(2):
            assert await (await guess(broker)).receive() == b"no bad_token"
        third = await guess(broker)
        await broker.until(lambda: broker.reactor.statistics().paused["proof"] == 1)
        assert await (await guess(broker, OTHER)).receive() == b"no bad_token"
        assert await (await guess(broker, words=b"login")).receive() == b"ok login"
        assert broker.reactor.statistics().paused["proof"] == 1
        await third.send(b"login")  # is not heard before the answer to the first is out
        await pass_time(broker, clock, 1.3)
        assert await third.receive() == b"no bad_token"
        assert broker.reactor.statistics().paused["proof"] == 0
        await pass_time(broker, clock, 70.0)
        assert await (await guess(broker)).receive() == b"no bad_token"


@pytest.mark.F31
async def test_of_those_who_wait_there_is_a_bound_and_more_are_refused() -> None:
    clock = Clock()
    async with running(clock=clock, wrong_proofs=0, wrong_proofs_waiting=1) as broker:
        first = await guess(broker)
        await broker.until(lambda: broker.reactor.statistics().paused["proof"] == 1)
        assert await (await guess(broker)).receive() == b"no too_fast"
        await first.stream.aclose()  # who leaves meanwhile harms nobody, and his place comes back
        await pass_time(broker, clock, 1.3)
        assert broker.reactor.statistics().paused["proof"] == 0
        await guess(broker)
        await broker.until(lambda: broker.reactor.statistics().paused["proof"] == 1)


async def test_other_refusals_and_trusted_programs_never_wait() -> None:
    core = FakeCore()
    core.refusal = Refused(Reason.BANNED)
    async with running(core, wrong_proofs=0) as broker:
        assert await (await guess(broker)).receive() == b"no banned"
        core.refusal = None
        unnamed = await broker.client(login=None)
        await unnamed.send(b"wrong")
        with trio.fail_after(0.9):
            assert await unnamed.receive() == b"no bad_token"
