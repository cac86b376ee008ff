"""The pace of an app's calls, and what a wrong key costs whom."""

from __future__ import annotations

import msgspec
import pytest
import trio
from trio.testing import MockClock

from adminapi.gate import Gate
from adminapi.settings import Settings
from protocol.apps import App, AppSettings
from protocol.commands import ConversationPage, ListConversations
from protocol.errors import Reason, Refused
from protocol.guesses import WINDOW_SECONDS
from tests.adminapi.conftest import APP, Served

PACED = App(id="paced", key="k", master_key="m", secret="s", settings=AppSettings(calls_per_minute=60))


FREE, WAIT_SECONDS, WAITING = Settings().wrong_proofs, Settings().wrong_proof_seconds, Settings().wrong_proofs_waiting


def gate() -> Gate:
    return Gate(Settings())


async def test_an_app_has_its_calls_a_minute_and_no_others_pay(mock_clock: MockClock) -> None:
    paced, other, here = PACED, msgspec.structs.replace(PACED, id="other"), gate()
    for _ in range(60):
        here.pass_one(paced)
    with pytest.raises(Refused) as refused:
        here.pass_one(paced)
    assert refused.value.reason is Reason.TOO_FAST
    assert 0 < refused.value.retry_after_ms <= 1001
    here.pass_one(other)
    mock_clock.jump(refused.value.retry_after_ms / 1000)
    here.pass_one(paced)
    with pytest.raises(Refused):
        here.pass_one(paced)
    mock_clock.jump(600)
    for _ in range(60):
        here.pass_one(paced)
    with pytest.raises(Refused):
        here.pass_one(paced)


@pytest.mark.F37
async def test_slips_cost_nothing_and_guessing_costs_time(autojump_clock: MockClock) -> None:
    here = gate()
    began = trio.current_time()
    for _ in range(FREE):
        await here.hold_wrong("203.0.113.9")
    assert trio.current_time() == began
    await here.hold_wrong("203.0.113.9")
    assert trio.current_time() == began + WAIT_SECONDS
    await here.hold_wrong("198.51.100.1")
    assert trio.current_time() == began + WAIT_SECONDS
    await trio.sleep(WINDOW_SECONDS)
    began = trio.current_time()
    await here.hold_wrong("203.0.113.9")
    assert trio.current_time() == began


@pytest.mark.F37
async def test_those_who_wait_are_bounded(autojump_clock: MockClock) -> None:
    here = gate()
    for _ in range(FREE):
        await here.hold_wrong("203.0.113.9")
    refused = []

    async def guess() -> None:
        try:
            await here.hold_wrong("203.0.113.9")
        except Refused as error:
            refused.append(error.reason)

    async with trio.open_nursery() as nursery:
        for _ in range(WAITING + 5):
            nursery.start_soon(guess)
    assert refused == [Reason.TOO_FAST] * 5
    await here.hold_wrong("203.0.113.9")


async def test_over_its_pace_a_dialect_says_so_in_its_form(served: Served) -> None:
    await served.change(calls_per_minute=1)
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    assert (await served.call("GET", "/im/conversations", params={"where": "[]"})).json()["code"] != 4029
    refused = await served.call("GET", "/im/conversations")
    assert refused.json()["code"] == 4029
    assert "calls_per_minute" in refused.json()["message"]


async def test_a_proxy_names_the_caller_and_his_scheme(served: Served) -> None:
    """A file's link is HTTPS where the proxy in front speaks it; who guesses keys behind it is held by his own address."""
    headers = {"X-Forwarded-For": "203.0.113.9", "app-id": APP.id, "app-key": "wrong"}
    for _ in range(FREE):
        assert (await served.call("GET", "/im/conversations", headers=headers)).status_code == 200
    began = trio.current_time()
    await served.call("GET", "/im/conversations", headers=headers)
    assert trio.current_time() - began >= WAIT_SECONDS
    sent = await served.client.post(
        "/im/file/upload",
        headers={"app-id": APP.id, "app-key": APP.key, "X-Forwarded-Proto": "https"},
        files={"file": ("a.txt", b"hello", "text/plain")},
    )
    assert "https://" in sent.text
