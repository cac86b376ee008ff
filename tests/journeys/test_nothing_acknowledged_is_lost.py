"""kill -9 at random moments, twenty times, under senders that go as fast as their acknowledgements come.

Afterwards every acknowledged message is in history exactly once, at the seq it was acknowledged with; seqs have no gap;
nothing is there that nobody sent; nobody was pushed what is not there; and a retry of what stayed unanswered makes no
second message.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, HandshakeError

from tests.journeys.programs import Host
from tests.journeys.wire import Peer, framed_peer, json_peer

SENDERS = 4


class Record:
    """What a sender asked, and what it was told."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.sent = 0
        self.unanswered: dict[str, str] = {}
        """client_msg_id -> text."""
        self.acknowledged: dict[str, tuple[int, str]] = {}
        """text -> (seq, msg_id)."""

    async def run(self, peer: Peer, conversation: str) -> None:
        await peer.login(self.user, device_id="d")
        for key, text in list(self.unanswered.items()):
            await self.send(peer, conversation, key, text)
        while True:
            self.sent += 1
            text = f"{self.user} {self.sent}"
            self.unanswered[text] = text
            await self.send(peer, conversation, text, text)

    async def send(self, peer: Peer, conversation: str, key: str, text: str) -> None:
        data = await peer.ok("msg.send", conv_id=conversation, type=-1, text=text, client_msg_id=key)
        assert text not in self.acknowledged
        self.acknowledged[text] = (data["seq"], data["msg_id"])
        del self.unanswered[key]


async def test_twenty_kills(host: Host) -> None:
    await kill_again_and_again(host, 20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_kills(host: Host) -> None:
    await kill_again_and_again(host, 200)


async def kill_again_and_again(host: Host, rounds: int) -> None:
    host.broker()
    records = [Record(f"sender{n}") for n in range(SENDERS)]
    pushed: dict[int, str] = {}
    async with json_peer(host.url) as peer:
        await peer.login("listener")
        for record in records:
            async with json_peer(host.url) as other:
                await other.login(record.user)
        made = await peer.ok("conv.create", conv_type=3, to_client_ids=[record.user for record in records])
        conversation = made["conv_id"]

    for turn in range(rounds):
        async with trio.open_nursery() as nursery:
            for index, record in enumerate(records):
                nursery.start_soon(send_until_killed, host, record, conversation, (index + turn) % 2 == 0)
            nursery.start_soon(listen_until_killed, host, pushed)
            await trio.sleep(random.uniform(0.05, 0.6))
            host.kill()
        host.broker()

    async with json_peer(host.url) as peer:
        await peer.login("listener")
        history = await read_all(peer, conversation)
    assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
    texts = [message["text"] for message in history]
    assert len(texts) == len(set(texts))
    acknowledged = {text: place for record in records for text, place in record.acknowledged.items()}
    found = {message["text"]: (message["seq"], message["msg_id"]) for message in history}
    for text, place in acknowledged.items():
        assert found[text] == place
    asked = set(acknowledged) | {text for record in records for text in record.unanswered.values()}
    assert set(texts) <= asked
    for seq, text in pushed.items():
        assert texts[seq - 1] == text
    assert len(acknowledged) > rounds * SENDERS


async def send_until_killed(host: Host, record: Record, conversation: str, framed: bool) -> None:
    try:
        async with framed_peer(host.tcp_port) if framed else json_peer(host.url) as peer:
            await record.run(peer, conversation)
    except* Exception as group:
        only_lost(group)


async def listen_until_killed(host: Host, pushed: dict[int, str]) -> None:
    try:
        async with json_peer(host.url) as peer:
            await peer.login("listener", device_id="l")
            while True:
                frame = await peer.take()
                if frame["type"] == "msg.new":
                    data = frame["data"]
                    assert pushed.setdefault(data["seq"], data["text"]) == data["text"]
    except* Exception as group:
        only_lost(group)


def only_lost(group: BaseExceptionGroup[Any]) -> None:
    """The connection was lost, which is what a kill does; anything else is a failure of the test."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            only_lost(error)
        elif isinstance(error, AssertionError) or not isinstance(
            error,
            EOFError | OSError | trio.BrokenResourceError | trio.ClosedResourceError | HandshakeError | ConnectionClosed,
        ):
            raise error


async def read_all(peer: Peer, conversation: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    more = True
    while more:
        after = messages[-1]["seq"] if messages else 0
        page = await peer.ok("msg.history", conv_id=conversation, after=after, limit=100)
        messages += page["messages"]
        more = page["more"]
    return messages
