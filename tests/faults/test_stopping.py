"""F33: SIGTERM in the middle of a load: the broker drains and exits 0 in time, and nothing acknowledged is missing."""

from __future__ import annotations

import signal

import pytest
import trio

from tests.faults.crowd import Crowd
from tests.faults.ledger import Outcome
from tests.journeys.programs import Host

STOP_SECONDS = 10
"""It gives itself two; the rest is for a busy machine."""


@pytest.mark.F33
async def test_a_stop_under_load_answers_or_refuses_and_loses_nothing(host: Host) -> None:
    host.broker()
    crowd = Crowd(host)
    await crowd.gather()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        await trio.sleep(0.4)
        host.running.signal(signal.SIGTERM)
        with trio.fail_after(STOP_SECONDS):
            assert await trio.to_thread.run_sync(host.running.wait) == 0
    assert any("stopped commits_left" in line for line in host.running.lines)
    assert len(crowd.ledger.of(Outcome.OK)) > 10
    host.broker()
    await crowd.check_store(await crowd.check())
