"""The seam between a connection and its protocol: what every wire can do.

A wire holds the little state of one connection's protocol (encoding, app, logged in or not); it never sees a socket, a
clock or a hub. The gateway hands it whole frames and obeys what it answers; the hub's replies and pushes come back
through it. Framing (WebSocket, length prefix) is the gateway's, so a wire's bytes are frame payloads.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import msgspec

from protocol.commands import Command, Managed, Reply
from protocol.errors import CloseReason, Refused
from protocol.pushes import Push


class Submit(msgspec.Struct, frozen=True, gc=False):
    """Hand this to the hub; `request` comes back with the reply and means something to the wire alone; None where the wire
    has no word for any outcome: then no reply comes. `seat`: which of the connection's users asks; None where a connection
    has one."""

    request: object
    command: Command | Managed
    seat: str | None = None


class Say(msgspec.Struct, frozen=True, gc=False):
    """Send this payload now: an error about an unreadable frame, the answer to a ping. It waits for no commit."""

    payload: bytes


class End(msgspec.Struct, frozen=True, gc=False):
    """Say farewell and close."""

    reason: CloseReason


Inbound = Submit | Say | End


class Ending(msgspec.Struct, frozen=True, gc=False):
    """Why a session ends, with what a farewell may tell the user."""

    reason: CloseReason
    device: str | None = None
    """The newcomer's device, where a login replaced this session."""
    text: str = ""
    """The words of whoever kicked."""
    retry_after_ms: int = 0
    """When to come back, for GOING_AWAY; drawn for each session, so that not all come at once."""


class Farewell(msgspec.Struct, frozen=True, gc=False):
    """How a session ends on this wire: payloads to send, the close code (None: no close frame) and its text, and how many
    seconds the peer has to close by itself."""

    payloads: Sequence[bytes]
    code: int | None
    text: str
    seconds: float


class Wire(Protocol):
    """One connection's protocol."""

    text: bool
    """Payloads are text frames (JSON), else binary. Settled by the first frame."""
    logged_in: bool
    """Turns true when `reply` renders a LoggedIn; the gateway then lifts the limits it keeps before login."""

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        """One whole frame came in. Bad input is answered, never raised."""

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        """The bytes of the answer to a Submit."""

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        """Whether that answer ends the connection (logout; a login that cannot succeed), asked after `reply`."""

    def push_key(self) -> Hashable:
        """Connections with equal keys share the bytes of a push."""

    def push(self, push: Push) -> bytes | None:
        """The bytes of a push, None if this wire has no word for it."""

    def farewell(self, ending: Ending, now_ms: int) -> Farewell:
        """The last words of this connection. Called once; nothing is sent after it."""

    def probe(self) -> bytes | None:
        """The payload that asks an idle peer for a sign of life, None if the transport's own ping must do."""


class SeatedWire(Wire, Protocol):
    """One whose connections carry several users, each a session of its own: every Submit names its seat. The first Submit
    of a seat takes it; it is free again when its session has ended."""

    def end_of(self, seat: str) -> bytes:
        """What each push to this seat ends with: it gets the bytes of `push` and these behind them. From its login on they
        do not change."""

    def follow_up(self) -> Sequence[Inbound]:
        """What the wire asks by itself because of the reply it has just rendered; asked after `reply`."""

    def part(self, ending: Ending, seat: str, now_ms: int) -> Sequence[bytes]:
        """The last words to one seat; the connection stays, and with it the others."""
