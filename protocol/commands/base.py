"""What every command and reply has in common, and the envelope of a management call."""

from __future__ import annotations

import enum
from typing import ClassVar, final

import msgspec

from protocol.errors import Reason


class Rate(enum.Enum):
    """Which of the app's per-user rates a command counts against (LC-29)."""

    SENDS = "sends"
    HISTORY = "history"
    OTHERS = "others"
    FREE = "free"


SENDS, FREE = Rate.SENDS, Rate.FREE
"""For what looks at every command: Python 3.11 takes 0.07 us to find a member of an enum."""


class Command(msgspec.Struct, tag=True, tag_field="command", kw_only=True, gc=False):
    """A request to a hub. Subclasses are the closed set; the tag is the class name."""

    rate: ClassVar[Rate] = Rate.OTHERS
    durable: ClassVar[bool] = False
    """It may write: refused at the door while the disk is full or the journal far behind (DESIGN 2.3, 2.4)."""
    management: ClassVar[bool] = False
    """Only for callers who may do anything in their app: NOT_ALLOWED to sockets and to a user's own token."""
    reads: ClassVar[bool] = False
    """It changes nothing, so the control channel may repeat it after a break (DESIGN 5)."""


class Refuse(Command):
    """A request the wire itself has found wrong. It goes through the hub, so that its answer takes its turn."""

    rate: ClassVar[Rate] = Rate.FREE
    reason: Reason
    detail: str


class Signature(msgspec.Struct, frozen=True, gc=False):
    """What the app's server signed for a user (`protocols.md` 2.16); `timestamp` as the text that was signed."""

    text: str
    timestamp: str
    nonce: str


class Reply(msgspec.Struct, tag=True, tag_field="reply", kw_only=True, gc=False):
    """A hub's typed answer. A refusal is not a Reply but a `Refused`."""


class Done(Reply):
    """Carried out; `time_ms` is when."""

    time_ms: int


@final
class Managed(msgspec.Struct, kw_only=True, gc=False):
    """A command as adminapi or the command line issues it for an app.

    `user` is on whose behalf ("" for nobody); `privileged` skips membership and ownership checks, as a back office may;
    a call made with a user's own token has `privileged=False` and is checked as that user's socket would be.
    `rev` is the app's version the caller was admitted under; an older one than the hub's is refused `unauthorized`.
    `rev` 0 is the operator's own tool, admitted by the control socket itself.
    """

    app: str
    rev: int
    command: Command
    user: str = ""
    privileged: bool = True
    numeric_user: bool = False
    """The acting user was given as a JSON number; the native push echoes it as one (ZD-09)."""
    heed_ban: bool = False
    """An acting user who is banned is refused, `privileged` or not (ZD-34)."""
    newcomers: tuple[str, ...] = ()
    """Of the users the command names, those who are made by it if they are not there, as some dialects know no
    registration. Nobody is made by a command that is refused. Only where `privileged`."""
