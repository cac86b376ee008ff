"""What the generator has to know of a protocol: how a session begins, how to send, where a frame ends.

The law: a wire builds all bytes before the clock starts and keeps no state in a round; a frame is told from the next by
its head alone, so that finding its end costs the generator well under a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

Buffer = bytes | bytearray


class Step(msgspec.Struct, frozen=True):
    """Send this (maybe nothing), then wait until `answered` says that all bytes of the answer are here. It raises
    Unexpected for an answer that will not do."""

    send: bytes
    answered: Callable[[bytes], bool]


Script = Sequence[Step]


class Unexpected(Exception):
    """A server answered something else; the text says what."""


class Wire(Protocol):
    """One protocol. Users are named by the bench; everybody logs in with what the server checks (token, password)."""

    ack: bytes
    """Every answer that acknowledges a message contains it, no refusal does."""
    settles: float
    """Seconds after a login in which the server may still say something of itself."""

    def end(self, buffer: Buffer, start: int) -> int:
        """Where the frame that begins at `start` ends; 0 while that cannot be told. It may lie beyond the buffer."""

    def session(self, user: str, topic: str = "") -> Script:
        """A login of this user, hearing `topic` where the protocol wants that said."""

    def send(self, place: str, number: int, size: int) -> bytes:
        """A message with that number and `size` bytes of text to a place (topic, conversation), asking for an
        acknowledgement."""
