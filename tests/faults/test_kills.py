"""F1 and F2: kill -9, at random under load, at every boundary between memory, journal and store, and while recovering.

Afterwards the seven invariants of `tests.faults.checker` hold.
"""

from __future__ import annotations

import random
import signal

import pytest
import trio

from broker.persistence.killpoints import POINTS, VARIABLE
from tests.faults import checker
from tests.faults.crowd import Crowd
from tests.faults.ledger import Outcome
from tests.journeys.programs import APP, Host

IN_SERVICE = [point for point in POINTS if point not in ("during_replay", "during_checkpoint")]


@pytest.mark.F1
@pytest.mark.timeout(180)
async def test_twenty_kills_under_load_lose_nothing_acknowledged(host: Host) -> None:
    """F1. After each of them the invariants hold."""
    await kill_again_and_again(host, 20)


@pytest.mark.F1
@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_kills_under_load_lose_nothing_acknowledged(host: Host) -> None:
    """F1."""
    await kill_again_and_again(host, 200)


async def kill_again_and_again(host: Host, rounds: int) -> None:
    host.broker()
    crowd = Crowd(host)
    await crowd.gather()
    for _ in range(rounds):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(crowd.talk_until_lost)
            await trio.sleep(random.uniform(0.01, 0.25))
            host.kill()
        host.broker()
        await crowd.check()
    await crowd.check_all()
    assert len(crowd.ledger.of(Outcome.OK)) > rounds * len(crowd.senders)


@pytest.mark.F1
@pytest.mark.parametrize("point", IN_SERVICE)
async def test_a_death_at_a_boundary_loses_nothing_acknowledged(host: Host, point: str) -> None:
    """F1, at a named point in the middle of a load."""
    host.configure(store={"write_seconds": 0.01})
    host.broker(environ={VARIABLE: f"{point}:25"})
    crowd = Crowd(host)
    await crowd.gather()
    await talk_to_death(crowd)
    host.broker()
    await crowd.check_store(await crowd.check())


@pytest.mark.F1
@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", IN_SERVICE)
async def test_ten_deaths_at_a_boundary_lose_nothing_acknowledged(host: Host, point: str) -> None:
    """F1, at one point again and again, early and late."""
    host.configure(store={"write_seconds": 0.01})
    host.broker()
    crowd = Crowd(host)
    await crowd.gather()
    for _ in range(10):
        host.kill()
        host.broker(environ={VARIABLE: f"{point}:{random.randint(5, 100)}"})
        await talk_to_death(crowd)
        host.broker()
        await crowd.check_store(await crowd.check())


async def talk_to_death(crowd: Crowd) -> None:
    with trio.fail_after(30):
        await crowd.talk_until_lost()
    assert crowd.host.running.wait() == -signal.SIGKILL


@pytest.mark.F1
async def test_a_death_while_the_store_is_tidied_loses_nothing_acknowledged(host: Host) -> None:
    """F1: 16 MiB of the store's own log are about to be copied into its tables."""
    host.configure({**APP, "text_bytes": 40_000})
    host.broker(environ={VARIABLE: "during_checkpoint"})
    crowd = Crowd(host, size=40_000)
    await crowd.gather()
    await talk_to_death(crowd)
    host.broker()
    await crowd.check_store(await crowd.check())


@pytest.mark.F2
async def test_a_second_death_while_recovering_changes_nothing(host: Host) -> None:
    """F2: at the first commit of a replay and in its middle, and at random moments of a start."""
    host.configure(store={"write_seconds": 60.0})  # so everything is replayed
    host.broker()
    crowd = Crowd(host)
    await crowd.gather()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        await trio.sleep(0.3)
        host.kill()
    host.broker()
    before = await crowd.check()
    host.kill()
    for nth in (1, 20):
        dying = host.start("-m", "broker", environ={VARIABLE: f"during_replay:{nth}"})
        assert dying.wait() == -signal.SIGKILL
    for _ in range(2):
        dying = host.start("-m", "broker")
        await trio.sleep(random.uniform(0, 0.5))
        dying.signal(signal.SIGKILL)
        dying.wait()
    host.configure()
    host.broker()
    after = await crowd.check()
    checker.another_crash_changes_nothing(before, after)
    await crowd.check_store(after)
