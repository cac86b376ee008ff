"""The overview's stream: an hour, then every second, until the caller has gone or may not hear it any more."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from adminapi.operators.accounts import Accounts
from adminapi.shared import Shared
from protocol.commands import Command, ListSamples, Managed, Sample, SampleList
from tests.adminapi.conftest import APP, OPERATOR, Served
from tests.adminapi.dialects.parley.conftest import SignIn
from tests.streaming import streaming

SAMPLE = Sample(
    at_ms=1_750_000_000_000.0, sessions=2.0, messages_per_s=1.23456, deliveries_per_s=0.0, commit_p50_ms=0.5,
    commit_p99_ms=1.5, backlog_commits=0.0, errors_per_s=0.0,
)  # fmt: skip
SHOWN = {
    "at_ms": 1_750_000_000_000, "sessions": 2, "messages_per_s": 1.235, "deliveries_per_s": 0.0, "commit_p50_ms": 0.5,
    "commit_p99_ms": 1.5, "backlog_commits": 0, "errors_per_s": 0.0,
}  # fmt: skip
ALL = {"authorization": f"Bearer {OPERATOR}"}


def answering(command: Command, managed: Managed | None) -> SampleList:
    assert isinstance(command, ListSamples)
    return SampleList(samples=[SAMPLE] * min(command.limit, 3), now=SAMPLE)


async def test_first_comes_the_hour_then_now_every_second(served: Served, sign_in: SignIn) -> None:
    served.broker.on(ListSamples, answering)
    began = trio.current_time()
    async with streaming(served.host, "/-/api/live", await sign_in("viewer")) as live:
        assert await live.line() == {"samples": [SHOWN] * 3}
        for _ in range(3):
            assert await live.line() == {"now": SHOWN}
    assert 1 < trio.current_time() - began < 10


async def test_all_who_look_share_one_look_and_nobody_is_none(served: Served) -> None:
    served.broker.on(ListSamples, answering)

    async def look() -> None:
        async with streaming(served.host, "/-/api/live", ALL) as live:
            for _ in range(3):
                await live.line()

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(look)
    looks = [command for command in served.broker.heard if command == ListSamples(limit=0)]
    assert 2 <= len(looks) <= 4
    asked = len(served.broker.heard)
    await trio.sleep(1.5)
    assert len(served.broker.heard) == asked


async def test_while_the_broker_is_away_it_says_so_and_goes_on(served: Served, nursery: trio.Nursery) -> None:
    served.broker.on(ListSamples, answering)
    async with streaming(served.host, "/-/api/live", ALL) as live:
        assert "samples" in await live.line()
        served.broker.stop()
        with trio.fail_after(5):
            while "fault" not in (said := await live.line()):
                pass
        assert isinstance(said["fault"], str)
        await nursery.start(served.broker.run)
        with trio.fail_after(10):
            while "samples" not in await live.line():
                pass


async def test_it_ends_when_the_account_is_removed(served: Served, sign_in: SignIn, folder: Path) -> None:
    served.broker.on(ListSamples, answering)
    async with streaming(served.host, "/-/api/live", await sign_in("viewer")) as live:
        await live.line()
        Accounts(folder / "operators.json").change(lambda book: book.drop("viewer"))
        with trio.fail_after(5):
            while await live.line():
                pass


@pytest.mark.parametrize(("key", "status"), [(APP.master_key, 403), ("nobody", 401)])
async def test_it_is_for_operators(served: Served, key: str, status: int) -> None:
    answer = await served.client.get("/-/api/live", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == status


async def test_one_watcher_too_many_is_refused(served: Served, shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    served.broker.on(ListSamples, answering)
    async with streaming(served.host, "/-/api/live", ALL) as live:
        await live.line()
        monkeypatch.setattr(shared, "_most", 1)
        answer = await served.client.get("/-/api/live", headers=ALL)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
