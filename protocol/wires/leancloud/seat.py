"""What the wire knows of one client of a connection, and what is asked in its name.

The law: a request is one hub command and a function that makes the answer of its reply, so nothing about it is kept
anywhere else. What an answer brings with it (another command, or a push to the same client) is put on `Seat.later` and
leaves behind the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from protocol.commands import Command
from protocol.errors import Refused
from protocol.wires.leancloud.errors import CONVERSATION, Subject, failure
from protocol.wires.leancloud.schema import peer_field
from protocol.wires.native.ids import AppIds

PARTIAL = 1 << 5
"""`configBitmap`: the client understands answers that say who succeeded and who did not."""
TEMPORARY = "_tmp:"
"""In front of the id of a temporary conversation; the SDK tells them apart by it."""


class Seat:
    """`key` is what the gateway knows it by: the client id the open asked for, "" if the hub was to choose one."""

    __slots__ = ("bits", "ids", "key", "later", "opened", "peer", "suffix", "unread")

    def __init__(self, key: str) -> None:
        self.key = key
        self.peer = key
        self.suffix = b""
        self.opened = False
        self.ids: AppIds = NOBODYS
        self.bits = 0
        self.unread = True
        """It hears of unread messages: not in the first version of the protocol."""
        self.later: list[Request | Any] = []

    def open(self, peer: str, ids: AppIds) -> None:
        self.peer = peer
        self.ids = ids
        self.suffix = peer_field(peer)
        self.opened = True


NOBODYS = AppIds("")

Answer = Callable[[Any], Any]
"""The GenericCommand that answers a reply, its bytes without `i` and `peerId`, or None."""


def nothing(reply: Any) -> None:
    """For requests that have no answer."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """`fail` makes the answer of a refusal, None where there is none; it is an `error` unless it says otherwise."""

    command: Command
    answer: Answer
    subject: Subject = CONVERSATION
    fail: Callable[[Refused, Subject], Any] = failure
    ends: bool = False
    """Its answer ends the session."""
    answered: bool = True
    """False: nothing is said whatever its outcome is."""


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What comes back to the wire with a reply: `Submit.request`."""

    i: int | None
    seat: Seat
    request: Request


Parse = Callable[[Any, Seat], Request | list[Request]]
Parsers = dict[tuple[int, int], Parse]
"""How each (cmd, op) is read; op 0 where there is none."""
