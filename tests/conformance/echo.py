"""An echo behind the broker's own reactor, framing and outboxes: what a conformance suite talks to.

Only the wire and the core are not the broker's: the suite wants every message back as it came, and nobody logs in.
`python -m tests.conformance.echo` prints its port and serves until it is killed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from math import inf

import msgspec
import trio

from broker.gateway.limits import public
from broker.gateway.listeners import address_of, bind_tcp, websocket_door
from broker.gateway.reactor import Reactor
from broker.gateway.upgrade import Upgrade
from broker.hub.effects import Effect
from broker.settings import Sockets
from protocol.commands import Command, Managed, Reply
from protocol.errors import CloseReason, Refused
from protocol.pushes import Push
from protocol.wires.wire import Ending, Farewell, Inbound, Say

LIMIT = 64 << 20
"""Bytes of a message: the suite's largest has 16 MiB."""


class EchoWire:
    def __init__(self) -> None:
        self.text = True
        self.logged_in = False

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        self.text = text
        return [Say(payload)]

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        raise NotImplementedError

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        return None

    def follow_up(self) -> Sequence[Inbound]:
        return ()

    def push_key(self) -> Hashable:
        return "echo"

    def push(self, push: Push) -> bytes | None:
        return None

    def farewell(self, ending: Ending, now_ms: int) -> Farewell:
        return Farewell(payloads=(), code=ending.reason.code, text=ending.reason.word, seconds=0.0)

    def oversize(self) -> bytes:
        return b""

    def probe(self) -> bytes | None:
        return None


class NoCore:
    """Nobody asks it anything."""

    def __init__(self) -> None:
        self.outgoing: deque[Effect] = deque()

    def submit(self, session: int, request: object, command: Command | Managed) -> None:
        raise NotImplementedError

    def gone(self, session: int) -> None:
        pass

    def advance(self) -> None:
        pass

    def wants_turn(self) -> bool:
        return False

    def next_deadline(self) -> float:
        return inf

    def filenos(self) -> Sequence[int]:
        return ()

    def sender_paused(self) -> bool:
        return False


def choose(upgrade: Upgrade) -> tuple[EchoWire, str | None]:
    return EchoWire(), None


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """Its port."""
    sockets = Sockets(all_outboxes_bytes=16 * LIMIT)
    reactor = Reactor(NoCore(), sockets)
    limits = msgspec.structs.replace(
        public(sockets), first_frame_bytes=LIMIT, frame_bytes=LIMIT, outbox_bytes=2 * LIMIT, fragments=1 << 20, gated=False
    )
    (sock,) = bind_tcp("127.0.0.1", 0)
    reactor.listen(sock, websocket_door(limits, choose))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        yield address_of(sock)[1]
        nursery.cancel_scope.cancel()


async def main() -> None:
    async with echoing() as port:
        print(port, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main)
