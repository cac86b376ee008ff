"""What the hub knows, as replies and pushes show it: plain values, integer ids, Unix milliseconds.

`Message` is also the row the journal and the store keep, so history is never copied field by field. Bodies and attributes
are bytes of compact JSON throughout; a wire or dialect decodes them only where its own shape needs it.
"""

from __future__ import annotations

import enum

import msgspec

from protocol.ids import time_of

CONVERSATION_BYTES = 16_384
"""Of a conversation's attributes: what a list of conversations can carry and a search can look through."""


class Kind(enum.IntEnum):
    """What a conversation is. 1 to 4 are also the native `conv_type` values (ZD-37). In a system conversation the back
    office alone speaks, and members (LeanCloud's subscribers) do not hear of each other."""

    DIRECT = 1
    TEMPORARY = 2
    GROUP = 3
    ROOM = 4
    SYSTEM = 5


ROOM, SYSTEM = int(Kind.ROOM), int(Kind.SYSTEM)
"""For what looks at every message: Python 3.11 takes 0.07 us to find a member of an enum."""


class Role(enum.IntEnum):
    MEMBER = 0
    MANAGER = 1
    OWNER = 2


class Status(enum.IntEnum):
    """The values of `msg_status` in ZD-08."""

    NORMAL = 1
    DELETED = 2
    RECALLED = 3


class Message(msgspec.Struct, array_like=True, gc=False):
    """One message. New fields go to the end with a default, so old journals and rows still read.

    `body` is a JSON object with any of the keys `text` (str), `attr` (any JSON) and `url` (str); `{}` once recalled or
    deleted. A transient message has `seq` 0 and is never stored.
    """

    id: int
    conversation: int
    seq: int
    sender: str
    type: int
    body: bytes
    status: int = 1
    rev: int = 0
    """How often it was patched; of two versions the higher wins."""
    patch: int = 0
    """The conversation's patch number of its newest patch; 0 if never patched."""
    edited_ms: int = 0
    mention_all: bool = False
    mentions: tuple[str, ...] = ()
    receipt: bool = False
    no_sync: bool = False
    priority: int = 1
    """1 high, 2 normal, 3 low (LC-10, LC-23)."""
    push_data: bytes = b""
    """JSON for the offline push hook (LC-24); empty if none."""
    client_msg_id: str = ""
    numeric_sender: bool = False
    """The sender was given as a JSON number, which the native push echoes (ZD-09)."""
    old_id: str = ""
    """The id it had where it was imported from, "" if it was not: LeanCloud's side goes on calling it so."""
    everyone: bool = False
    """In a system conversation: for every user of the app, not for its members alone."""

    @property
    def time_ms(self) -> int:
        return time_of(self.id)


class PatchRecord(msgspec.Struct, array_like=True, gc=False):
    """One change of a stored message: an edit, a recall or a deletion. `number` counts per conversation from 1."""

    conversation: int
    number: int
    message: int
    seq: int
    status: int
    body: bytes
    by: str
    time_ms: int
    changed: int = 0
    """The commit it happened in; what `sync` compares with its cursor."""
    type: int = -1
    """Of the message, as it is since."""


class ConversationInfo(msgspec.Struct, gc=False):
    id: int
    kind: int
    name: str
    attributes: bytes
    owner: str
    creator: str
    members: int
    created_ms: int
    updated_ms: int
    """0 if never updated."""
    last_seq: int = 0
    first_seq: int = 1
    last_message: Message | None = None
    most: int = 0
    """Members it may have, by its own limit and the app's; 0: no limit."""
    unique: bool = False
    """The only one of its kind and members."""
    ttl_seconds: int = 0
    """After which a temporary conversation in which nobody speaks ends; 0: it does not."""
    users: list[str] | None = None
    """Its members, where they were asked for."""
    quiet: list[str] | None = None
    """Those of them who want no notifications."""
    alias: str = ""
    """The id it had where it was imported from, "" if it was not."""
    said_ms: int = 0
    """When somebody spoke last, 0 if nobody has; `last_message` may be missing even so."""
    joined_ms: int = 0
    """When the acting user became a member; 0 if he is none."""
    online: int | None = None
    """How many of its members are online, where that was asked for."""


class ConversationState(msgspec.Struct, gc=False):
    """A conversation as one user's `sync` sees it."""

    id: int
    kind: int
    name: str
    first_seq: int
    last_seq: int
    read_seq: int
    unread: int
    mentioned: bool
    last_message: Message | None
    alias: str = ""


class UnheardMessages(msgspec.Struct, gc=False):
    """Messages of one conversation that a client is told of after the fact."""

    kind: int
    messages: list[Message]
    more: bool = False
    """Older ones are in history only."""
    alias: str = ""


class MemberInfo(msgspec.Struct, gc=False):
    user: str
    role: int
    online: bool
    muted_until_ms: int = 0
    joined_ms: int = 0
    read_seq: int = 0
    delivered_seq: int = 0


class UserInfo(msgspec.Struct, gc=False):
    user: str
    attributes: bytes
    online: bool
    created_ms: int
    updated_ms: int = 0
    banned: bool = False
    visitor: bool = False


class DirectInfo(msgspec.Struct, gc=False):
    """A direct conversation as one of its two users sees it: who the other is, and what was said last."""

    user: str
    online: bool
    conversation: int
    last_message: Message | None = None


class FriendInfo(msgspec.Struct, gc=False):
    user: str
    online: bool
    since_ms: int


class SessionInfo(msgspec.Struct, gc=False):
    """A live login. `session` is the 16-hex text of its 64 random bits."""

    session: str
    app: str
    user: str
    device: str
    platform: str
    tag: str
    wire: str
    since_ms: int
    install: str = ""


class AnnouncementInfo(msgspec.Struct, gc=False):
    """What was said to everybody who was online, and how far it has come: to `reached` of the `total` sessions there were.
    `content` is JSON. With `done` all were gone through; who is not among the reached had left."""

    id: int
    content: bytes
    at_ms: int
    reached: int
    total: int
    done: bool


class JoinRequestInfo(msgspec.Struct, gc=False):
    user: str
    asked_ms: int


class MemberFailure(msgspec.Struct, gc=False):
    """Why one of several named users could not be added or removed. `reason` is a `Reason` value."""

    user: str
    reason: str
