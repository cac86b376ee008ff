"""What leaves a hub: the outward half of the seam between hub and gateway (DESIGN 2.4).

Plain values in one FIFO, each held back until the commit before it is on disk, then performed by the gateway in order.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from protocol.commands import Reply
from protocol.errors import Refused
from protocol.pushes import Push
from protocol.wires.wire import Ending


class ReplyTo(msgspec.Struct, gc=False):
    """The answer to one `submit`. A session that is gone by now is no error."""

    session: int
    request: object
    reply: Reply | Refused


class Post(msgspec.Struct, gc=False):
    """One push to many sessions, but never to `skip`."""

    sessions: Sequence[int]
    push: Push
    skip: int = 0


class EndSession(msgspec.Struct, gc=False):
    """Say farewell on this session's connection and close it. CONTINUED closes it without a word."""

    session: int
    ending: Ending


Effect = ReplyTo | Post | EndSession
