"""Sending, reading and changing messages."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.commands.base import Command, Done, Rate, Reply
from protocol.records import AnnouncementInfo, ConversationState, Message, PatchRecord, UnheardMessages

MessageId = int | str
"""Of a message; as text the id it had before it was imported (`Message.old_id`)."""


class Beside(msgspec.Struct, frozen=True, gc=False):
    """A bound of History by the id a message had before it was imported: `step` beyond the id it has here, or `otherwise`
    where the conversation has no such message."""

    old_id: str
    step: int = 0
    otherwise: int | None = None


class SendMessage(Command):
    """Say something in `conversation`, or to a user in the direct conversation the two share (made if need be).

    `body` as `Message.body`. With `client_msg_id` a repeat within 24 h from the same (user, device) gets the first answer
    and makes no second message. UNKNOWN_CONVERSATION, UNKNOWN_USER, NOT_A_MEMBER, MUTED, BLOCKED, TOO_LARGE, TOO_FAST.
    """

    rate: ClassVar[Rate] = Rate.SENDS
    durable: ClassVar[bool] = True
    type: int
    body: bytes
    conversation: int = 0
    to: str = ""
    transient: bool = False
    no_sync: bool = False
    """Do not push to the sender's other sessions. Dialects translate their own printed value (ZD-09, LC-22)."""
    mention_all: bool = False
    mentions: tuple[str, ...] = ()
    client_msg_id: str = ""
    receipt: bool = False
    priority: int = 1
    push_data: bytes = b""
    will: bool = False
    """Keep it with the session, whose newest will it is from now on, and say it, transiently, once the session is lost: not
    when it is ended by its user, by a later login or by the back office. NOT_ALLOWED outside a session."""
    everyone: bool = False
    """To every user of the app; management only, in a system conversation: else NOT_ALLOWED, BAD_KIND. So is `only`."""
    only: tuple[str, ...] = ()
    """To these users (and the sender's own sessions) alone, at most 20. It must be transient, as whoever reads what is kept
    would see it. BAD_FORMAT, TOO_LARGE."""
    memory: bool = False
    """Answer before it is on disk. Everybody else still hears of it only afterwards."""


class Sent(Reply):
    """`seq` is 0 for a transient message. `memory`: it is not known to be on disk, and until it is nobody else has it; with
    a crash it may be gone, and its `seq` another message's."""

    message: int
    conversation: int
    seq: int
    time_ms: int
    memory: bool = False


class History(Command):
    """Up to `limit` messages: those just before seq `before`, or just after seq `after`, or the newest if neither is
    given; ascending. `older_than` and `newer_than` are the same by message id, so by time too (`ids.first_at`), whether or
    not there is such a message; they narrow what `before` and `after` say. Both ways: the newest, or with `forward` the
    oldest. Who is no member reads of a system conversation what was said to everyone. Replies HistoryPage."""

    rate: ClassVar[Rate] = Rate.HISTORY
    reads: ClassVar[bool] = True
    conversation: int
    before: int | None = None
    after: int | None = None
    limit: int = 20
    older_than: int | Beside | None = None
    newer_than: int | Beside | None = None
    forward: bool = False
    type: int | None = None
    """Only messages of this type, of the 500 that come first at most."""
    present: bool = False
    """Without those that were deleted, in whose place further ones come."""


class HistoryPage(Reply):
    """`more`: the same question has further messages in its direction."""

    conversation: int
    messages: list[Message]
    more: bool


class ListMessages(Command):
    """Page `page` (from 1) of `size` messages, newest first (ZD-08). Replies MessagePage."""

    rate: ClassVar[Rate] = Rate.HISTORY
    reads: ClassVar[bool] = True
    conversation: int
    page: int = 1
    size: int = 10


class MessagePage(Reply):
    messages: list[Message]
    total: int


class Acknowledge(Command):
    """Everything up to and including `seq` has reached this user; or everything older than message id `older_than`, if the
    messages around it are still in memory."""

    rate: ClassVar[Rate] = Rate.FREE
    conversation: int
    seq: int = 0
    older_than: int | None = None


class Read(Command):
    """Everything up to and including `seq`, or older than `older_than` as in Acknowledge, has been read by this user.
    Replies ReadMark."""

    rate: ClassVar[Rate] = Rate.FREE
    conversation: int
    seq: int = 0
    older_than: int | None = None


class ReadMark(Reply):
    unread: int


class Readers(Command):
    """Who of the members has read a message. Not in rooms: BAD_KIND."""

    reads: ClassVar[bool] = True
    conversation: int
    message: MessageId


class ReadersList(Reply):
    read: list[str]
    unread: list[str]


class EditMessage(Command):
    """Say something else instead. The author, a manager or the owner; UNKNOWN_MESSAGE if recalled or deleted. Replies
    Patched."""

    durable: ClassVar[bool] = True
    conversation: int
    message: MessageId
    body: bytes
    """A JSON object; its keys replace those of the stored body, null takes one out, the others stay."""
    type: int | None = None
    """What it is now; None leaves it."""
    author: str = ""
    """NOT_ALLOWED unless this user said it, whoever asks (LC-11); "" for anybody's."""


class RecallMessage(Command):
    """Take a message back: its body is emptied, its place in history stays. Who may, and `author`, as EditMessage. Replies
    Patched."""

    durable: ClassVar[bool] = True
    conversation: int
    message: MessageId
    author: str = ""


class DeleteMessage(Command):
    """Remove a message from history (status 2). Management, or a manager; `author` as EditMessage. Replies Patched."""

    durable: ClassVar[bool] = True
    conversation: int
    message: MessageId
    author: str = ""


class Patched(Reply):
    time_ms: int


class Sync(Command):
    """What changed for this user since `cursor` (opaque, "" for the start). Replies SyncState."""

    rate: ClassVar[Rate] = Rate.FREE
    reads: ClassVar[bool] = True
    cursor: str = ""


class SyncState(Reply):
    conversations: list[ConversationState]
    left: list[int]
    patches: list[PatchRecord]
    cursor: str
    more: bool
    reset: bool


class Undelivered(Command):
    """What others had said to this user when his session began and none of his clients has acknowledged: up to 20 messages
    of a conversation, ascending, and 100 in all, where the newest conversations come first. Replies Unheard."""

    rate: ClassVar[Rate] = Rate.FREE
    reads: ClassVar[bool] = True


class PatchedSince(Command):
    """Messages of this user's conversations that were edited or recalled after `since_ms` and before his session began, as
    they are now and in the order of their changes: of the last 20 patches of a conversation, and 100 in all, where the
    conversations changed last come first. Replies Unheard."""

    rate: ClassVar[Rate] = Rate.FREE
    reads: ClassVar[bool] = True
    since_ms: int


class Unheard(Reply):
    conversations: list[UnheardMessages]


class SendSystem(Command):
    """Push `system.new` to the online sessions of up to 1,000 `users`, or of the members of `conversation`, or of the whole
    app if neither is given. Management only; nothing is stored. `content` is JSON. UNKNOWN_USER, TOO_LARGE."""

    management: ClassVar[bool] = True
    rate: ClassVar[Rate] = Rate.SENDS
    content: bytes
    users: tuple[str, ...] = ()
    conversation: int = 0


class Announce(Command):
    """Push `system.new` to everybody of the app who is online, some thousands at a time. Management only; nothing is stored.
    `content` is JSON. TOO_LARGE beyond 64 KiB; TOO_FAST while 4 are under way. Replies Announced."""

    management: ClassVar[bool] = True
    rate: ClassVar[Rate] = Rate.SENDS
    content: bytes


class Announced(Done):
    """To `total` sessions."""

    announcement: int
    total: int


class ListAnnouncements(Command):
    """The newest 20 since the broker's start, newest first. Management only. Replies AnnouncementList."""

    management: ClassVar[bool] = True
    reads: ClassVar[bool] = True


class AnnouncementList(Reply):
    announcements: list[AnnouncementInfo]
