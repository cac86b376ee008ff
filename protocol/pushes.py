"""What a session receives without asking. The hub makes them, each wire gives them its own bytes.

A push is encoded once per wire and the same bytes go to every receiver, so it holds nothing about its receiver. `kind` is
the conversation's, which LeanCloud's ids show; 0 where the sender of a push has not said it.
"""

from __future__ import annotations

import msgspec

from protocol.apps import App
from protocol.records import ROOM, Message


class Push(msgspec.Struct, tag=True, tag_field="push", kw_only=True, gc=False):
    """Base of the closed set below. `app` is whose ids it holds."""

    app: str
    alias: str = ""
    """The id the conversation had where it was imported from, which LeanCloud's clients know it by."""
    at_ms: int = 0
    """When it happened, by the hub's clock; LeanCloud's clients ask later for what came after. 0: it has not been said."""

    @property
    def dispensable(self) -> int:
        """What a receiver does without whose link is congested: 2 is lost first, 1 when that is not enough, 0 never."""
        return 0


class MessageNew(Push):
    message: Message
    kind: int

    @property
    def dispensable(self) -> int:
        """Priority is of transient messages and of those in rooms; the high ones still queue (LC-23)."""
        message = self.message
        if message.seq and self.kind != ROOM:
            return 0
        return 2 if message.priority > 1 else 0 if message.seq else 1


class MessagePatched(Push):
    """`message.status` says which: 1 edited (the new body is in it), 3 recalled, 2 deleted."""

    message: Message
    by: str
    time_ms: int
    kind: int = 0


class Receipt(Push):
    conversation: int
    user: str
    delivered_seq: int
    read_seq: int
    kind: int = 0
    read_ms: int = 0
    """When the newest message that was read was said; 0 if none, or if it is too old to be in memory."""


class ConversationJoined(Push):
    """The receiver was added."""

    conversation: int
    by: str
    kind: int = 0


class ConversationLeft(Push):
    """The receiver was removed, or another of his sessions left."""

    conversation: int
    by: str
    kind: int = 0


class MembersJoined(Push):
    conversation: int
    users: tuple[str, ...]
    by: str
    kind: int = 0


class MembersLeft(Push):
    conversation: int
    users: tuple[str, ...]
    by: str
    kind: int = 0


class ConversationUpdated(Push):
    """None: unchanged."""

    conversation: int
    by: str
    name: str | None
    attributes: bytes | None
    kind: int = 0
    time_ms: int = 0
    changed: bytes | None = None
    """Of the attributes, those that are others now, a JSON object: null where one is gone, and a name with dots where but
    that place was changed. None: which is not known."""
    called: str = ""
    """Its name now, changed or not."""


class ConversationDeleted(Push):
    conversation: int
    by: str
    kind: int = 0


class MemberMuted(Push):
    """`until_ms` 0: until unmuted."""

    conversation: int
    user: str
    until_ms: int
    by: str
    kind: int = 0


class MemberUnmuted(Push):
    conversation: int
    user: str
    by: str
    kind: int = 0


class ConversationRead(Push):
    """Another session of the receiver has read up to `seq`."""

    conversation: int
    by: str
    seq: int
    unread: int
    kind: int = 0


class MessageReceived(Push):
    """A message that asked for receipts has reached `user`. LeanCloud's sessions alone are told one by one."""

    conversation: int
    message: int
    user: str
    time_ms: int
    kind: int = 0


class OwnMute(Push):
    """The receiver may not speak there, or may again; told to LeanCloud's sessions beside what all members hear."""

    conversation: int
    muted: bool
    by: str
    kind: int = 0


class MembersBlocked(Push):
    """`users` may not come back, or may again (`blocked` false). `own`: it is told to them, not to the others."""

    conversation: int
    users: tuple[str, ...]
    blocked: bool
    own: bool
    by: str
    kind: int = 0


class RoleChanged(Push):
    conversation: int
    user: str
    role: int
    by: str
    kind: int = 0


class PresenceChange(msgspec.Struct, gc=False):
    user: str
    online: bool
    time_ms: int


class PresenceChanged(Push):
    changes: tuple[PresenceChange, ...]


class SystemNew(Push):
    content: bytes
    sender: str
    time_ms: int


class AppsChanged(Push):
    """Control wire only: the whole table, after any change. `app` is ""."""

    apps: tuple[App, ...]
