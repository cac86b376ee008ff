"""An upgrade: both programs are stopped and started again, one after the other, while clients talk and a back office writes.

Clients come back, nothing acknowledged is lost, and the back office hears "busy", never an internal error."""

from __future__ import annotations

import signal

import httpx
import trio

from protocol.errors import Reason
from protocol.wires.native.codes import CODES
from tests.faults.crowd import Crowd, read_history
from tests.faults.ledger import Outcome
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

BUSY = {(200, CODES[reason]) for reason in (Reason.OVERLOADED, Reason.OUTCOME_UNKNOWN, Reason.GOING_AWAY)}
PAUSE_SECONDS = 0.02
"""Before a back office that was told to come back does."""


class Office:
    """A back office that sends one message after the other, each under its own key and again until it is acknowledged."""

    def __init__(self, host: Host, conversation: str) -> None:
        self.host = host
        self.conversation = conversation
        self.told: list[str] = []
        """The texts that were acknowledged."""
        self.heard: set[tuple[int, int]] = set()
        """HTTP statuses, and codes of the native API."""

    async def work(self) -> None:
        async with httpx.AsyncClient(timeout=15) as client:
            while True:
                text = f"notice {len(self.told)}"
                headers = {"app-id": str(APP["id"]), "app-key": str(APP["key"]), "idempotency-key": text}
                body = {"from_client": "boss", "type": -1, "text": text}
                url = f"{self.host.admin_url}/im/conversations/{self.conversation}/message"
                try:
                    answer = await client.post(url, headers=headers, json=body)
                except httpx.TransportError:  # it is just being started
                    await trio.sleep(PAUSE_SECONDS)
                    continue
                code = answer.json()["code"]
                self.heard.add((answer.status_code, code))
                if code == 0:
                    self.told.append(text)
                else:
                    await trio.sleep(PAUSE_SECONDS)

    async def go_on(self) -> None:
        """Until five more are acknowledged."""
        goal = len(self.told) + 5
        with trio.fail_after(20):
            while len(self.told) < goal:
                await trio.sleep(PAUSE_SECONDS)


async def test_both_programs_are_restarted_under_load_and_nothing_acknowledged_is_lost(host: Host) -> None:
    host.broker()
    host.admin()
    crowd = Crowd(host)
    await crowd.gather()
    async with json_peer(host.url) as boss:
        await boss.login("boss")
        made = await boss.ok("conv.create", conv_type=3, to_client_ids=["sender0"])
    office = Office(host, made["conv_id"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(office.work)
        nursery.start_soon(crowd.talk_until_lost)
        await office.go_on()
        host.running.signal(signal.SIGTERM)
        assert await trio.to_thread.run_sync(host.running.wait) == 0
        await trio.to_thread.run_sync(host.broker)
        nursery.start_soon(crowd.talk_until_lost)
        await office.go_on()
        before = len(crowd.ledger.of(Outcome.OK))
        host.admin_program.signal(signal.SIGTERM)
        assert await trio.to_thread.run_sync(host.admin_program.wait) == 0
        await trio.to_thread.run_sync(host.admin)
        await office.go_on()
        assert len(crowd.ledger.of(Outcome.OK)) > before  # sockets did not notice
        nursery.cancel_scope.cancel()
    assert office.heard <= BUSY | {(200, 0)}, office.heard
    assert len(office.heard) > 1, "it was never told to come back, so nothing was tried"
    async with json_peer(host.url) as boss:
        await boss.login("boss")
        history = await read_history(boss, made["conv_id"])
    said = [each.text for each in history]
    assert said[: len(office.told)] == office.told
    assert len(set(said)) == len(said)
    await crowd.check_store({**await crowd.check(), office.conversation: history})
