"""What the generator has to know of a protocol: how a session begins, how to send, where a frame ends.

The law: a wire builds all bytes before the clock starts and keeps no state in a round; a frame is told from the next by
its head alone, so that finding its end costs the generator well under a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from bench.tally import NUMBER

Buffer = bytes | bytearray


class Step(msgspec.Struct, frozen=True):
    """Send this (maybe nothing), then wait until `answered` says that all bytes of the answer are here. It raises
    Unexpected for an answer that will not do."""

    send: bytes
    answered: Callable[[bytes], bool]


Script = Sequence[Step]


class Gathering(msgspec.Struct, frozen=True):
    """How a sender makes a place at which others hear him; `place` finds its name in the answer."""

    step: Step
    place: Callable[[bytes], str]


class Unexpected(Exception):
    """A server answered something else; the text says what."""


class Wire(Protocol):
    """One protocol. Users are named by the bench; everybody logs in with what the server checks (token, password). What is
    not so with most protocols has a body here, to be inherited."""

    ack: bytes
    """Every answer that acknowledges a message contains it, no refusal does."""
    settles: float
    """Seconds after a login in which the server may still say something of itself."""
    receipt_seconds: float = 0.0
    """How often a receiver says what it has received; 0 where it says nothing."""
    own_close: bytes = b""
    """What ends each message with something of its receiver's own in it; empty where that is its end."""

    def end(self, buffer: Buffer, start: int) -> int:
        """Where the frame that begins at `start` ends; 0 while that cannot be told. It may lie beyond the buffer."""

    def session(self, user: str, topic: str = "") -> Script:
        """A login of this user, hearing `topic` where the protocol wants that said."""

    def send(self, place: str, number: int, size: int) -> bytes:
        """A message with that number and `size` bytes of text to a place (topic, conversation), asking for an
        acknowledgement."""

    def gather(self, users: Sequence[str]) -> Gathering | None:
        """Makes the place where these users hear the one who asks; None where a subject or topic need not be made."""
        return None

    def acknowledged(self, buffer: Buffer, start: int, stop: int) -> int | None:
        """The number of the message this frame acknowledges, -1 if it has none; None if it acknowledges nothing."""
        if buffer.find(self.ack, start, stop) < 0:
            return None
        found = NUMBER.search(buffer, start, stop)
        return -1 if found is None else int(found[1])

    def own_end(self, user: str) -> bytes:
        """What stands in each message to this user and no other, at its end or before `own_close`; empty where all get the
        same bytes. Names of one length make it of one length."""
        return b""

    def receipt(self, frame: bytes) -> bytes:
        """What a receiver says of all messages up to this one (`receipt_seconds`)."""
        return b""
