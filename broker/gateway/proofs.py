"""Answers to wrong passwords, tokens and keys that wait, so that guessing them takes time (`wrong_proof_seconds`).

The law: only the answer waits, and with it the connection it is for, which reads nothing before its login is answered; the
reactor and everybody else go on. How many wait is bounded (`protocol.guesses`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from broker.hub.effects import ReplyTo
from broker.settings import Sockets
from protocol.errors import Refused
from protocol.guesses import Guesses


class WrongProofs:
    """Of one gateway, times by its clock."""

    __slots__ = ("_guesses", "_held", "_seconds")

    def __init__(self, sockets: Sockets) -> None:
        self._guesses = Guesses(sockets.wrong_proofs, sockets.wrong_proofs_waiting)
        self._seconds = sockets.wrong_proof_seconds
        self._held: deque[tuple[float, ReplyTo]] = deque()
        """When each is due; all wait equally long, so the first is due first."""

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, effect: ReplyTo, address: str, now: float) -> ReplyTo | None:
        """This answer, or another one, where it goes out at once; None where it waits."""
        try:
            if not self._guesses.wrong(address, now):
                return effect
        except Refused as refused:
            return msgspec.structs.replace(effect, reply=refused)
        self._held.append((now + self._seconds, effect))
        return None

    def due(self, now: float) -> Iterator[ReplyTo]:
        """Those that have waited long enough."""
        while self._held and self._held[0][0] <= now:
            self._guesses.done()
            yield self._held.popleft()[1]
