"""A crowd: senders that go as fast as they are answered, and listeners, all of whom write a ledger and come back after
each crash, until somebody looks at the invariants."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import trio
from trio_websocket import ConnectionClosed, HandshakeError

from tests.faults import checker
from tests.faults.ledger import Ask, Ledger, Outcome, Said, said
from tests.journeys.programs import Host
from tests.journeys.wire import Peer, framed_peer, json_peer

LOST = (
    EOFError,
    OSError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    HandshakeError,
    ConnectionClosed,
)
"""What a client sees of a broker's death."""
STORE_SECONDS = 20
HANDSHAKE_SECONDS = 1
"""After which a connection has been lost in it."""
REFUSED_SECONDS = 0.05
"""After which somebody who was refused tries something else."""
LISTENER = "listener"


class Crowd:
    """`senders` members and a listener in each of two groups; made with a broker that is running."""

    def __init__(self, host: Host, *, senders: int = 4, burst: int = 4, size: int = 0) -> None:
        """`burst`: how many sends each has on the way at once; `size`: characters of each text."""
        self.host = host
        self.ledger = Ledger()
        self.senders = [f"sender{n}" for n in range(senders)]
        self.conversations: list[str] = []
        self._burst = burst
        self._size = size
        self._rounds = 0

    async def gather(self) -> None:
        """Make the conversations."""
        async with json_peer(self.host.url) as peer:
            for sender in self.senders:
                async with json_peer(self.host.url) as other:
                    await other.login(sender)
            await peer.login(LISTENER)
            for _ in range(2):
                made = await peer.ok("conv.create", conv_type=3, to_client_ids=self.senders)
                self.conversations.append(made["conv_id"])
                self.ledger.reading(LISTENER, made["conv_id"])

    async def talk_until_lost(self) -> None:
        """Everybody at once, until the broker is gone for each of them."""
        self._rounds += 1
        async with trio.open_nursery() as nursery:
            for number, sender in enumerate(self.senders):
                framed = (number + self._rounds) % 2 == 0
                nursery.start_soon(until_lost, self._open(framed), self._send_on, sender, self.conversations[number % 2])
            nursery.start_soon(until_lost, self._open(False), self._listen)

    def _open(self, framed: bool) -> AbstractAsyncContextManager[Peer]:
        if framed:
            return framed_peer(self.host.tcp_port)
        return json_peer(self.host.url, handshake_seconds=HANDSHAKE_SECONDS)

    async def _send_on(self, peer: Peer, sender: str, conversation: str) -> None:
        await peer.login(sender, device_id="d")
        await say(peer, self.ledger, self.ledger.unknown(sender))
        while True:
            asks = [self.ledger.ask(sender, conversation, self._size) for _ in range(self._burst)]
            await say(peer, self.ledger, asks)
            if asks[-1].outcome is not Outcome.OK:
                await trio.sleep(REFUSED_SECONDS)

    async def _listen(self, peer: Peer) -> None:
        await peer.login(LISTENER, device_id="l")
        for conversation in self.conversations:
            await self._catch_up(peer, LISTENER, conversation)
        while True:
            frame = peer.pushes.popleft() if peer.pushes else await peer.take()
            if frame["type"] == "msg.new":
                self._note(frame["data"])

    def _note(self, data: dict[str, Any]) -> None:
        if not data["seq"]:
            return  # transient: promised to nobody
        self.ledger.hear(LISTENER, data)
        reading = self.ledger.reading(LISTENER, data["conv_id"])
        if data["seq"] > reading.last:
            reading.seen.append(said(data))  # a hole in what is pushed is the checker's to find

    async def _catch_up(self, peer: Peer, user: str, conversation: str) -> None:
        reading = self.ledger.reading(user, conversation)
        reading.seen += await read_history(peer, conversation, reading.last)

    async def check(self) -> dict[str, list[Said]]:
        """After a recovery: the invariants 1 to 5. The histories, by conversation."""
        async with self._open(True) as peer:
            await peer.login(LISTENER, device_id="check")
            for conversation in self.conversations:
                await self._catch_up(peer, LISTENER, conversation)
            histories = {conversation: await read_history(peer, conversation) for conversation in self.conversations}
        checker.acknowledged_is_there_once(self.ledger, histories)
        checker.nothing_is_there_unasked(self.ledger, histories)
        checker.seqs_have_no_gap(histories)
        checker.what_was_heard_is_there(self.ledger, histories)
        checker.everybody_catches_up(self.ledger, histories)
        return histories

    async def check_store(self, histories: checker.Histories) -> None:
        """Invariant 6, once the store has caught up; the broker goes on running."""
        deadline = time.monotonic() + STORE_SECONDS
        while True:
            try:
                checker.the_store_holds_the_same(self.host.data / "parley.db", histories)
            except LookupError as error:
                if time.monotonic() > deadline:
                    raise checker.Broken(f"invariant 6: {error}") from None
                await trio.sleep(0.05)
            else:
                return

    async def check_all(self) -> None:
        """All seven; leaves a broker running that has been killed once more in between."""
        before = await self.check()
        self.host.kill()
        self.host.broker()
        after = await self.check()
        checker.another_crash_changes_nothing(before, after)
        await self.check_store(after)


async def say(peer: Peer, ledger: Ledger, asks: Sequence[Ask]) -> None:
    """Send them all, then wait for all answers."""
    waiting: dict[int, Ask] = {}
    for ask in asks:
        peer.requests += 1
        waiting[peer.requests] = ask
        ask.attempts += 1
        await peer.put({"type": "msg.send", "id": peer.requests, "data": content(ask)})
    while waiting:
        frame = await peer.take()
        answered = waiting.pop(frame.get("id", 0), None)
        if answered is None:
            peer.pushes.append(frame)
        else:
            ledger.answered(answered, frame)


def content(ask: Ask) -> dict[str, Any]:
    return {"conv_id": ask.conversation, "type": -1, "text": ask.text, "client_msg_id": ask.text.rstrip(".")}


async def read_history(peer: Peer, conversation: str, after: int = 0) -> list[Said]:
    messages: list[Said] = []
    more = True
    while more:
        page = await peer.ok("msg.history", conv_id=conversation, after=messages[-1].seq if messages else after, limit=100)
        messages += map(said, page["messages"])
        more = page["more"]
    return messages


async def until_lost(opened: AbstractAsyncContextManager[Peer], act: Any, *arguments: Any) -> None:
    """Do it until the connection is lost, which is what a death does; anything else is a failure of the test."""
    try:
        async with opened as peer:
            await act(peer, *arguments)
    except* LOST:
        pass
