"""Making, finding, changing and deleting conversations."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.commands.base import Command, Reply
from protocol.records import ConversationInfo


class CreateConversation(Command):
    """`members` besides the creator (the acting user, who becomes owner of a group). A direct conversation of the same
    two, and with `unique` any of the same members and kind, is returned instead of made again (ZD-04). `most` members may
    be in it, 0: as many as the app allows. BAD_KIND, UNKNOWN_USER, FULL."""

    durable: ClassVar[bool] = True
    kind: int
    members: tuple[str, ...]
    name: str = ""
    attributes: bytes = b"{}"
    unique: bool = False
    most: int = 0


class Created(Reply):
    conversation: ConversationInfo
    created: bool


class GetConversation(Command):
    """Members see everything; others see name and count of rooms, else NOT_A_MEMBER."""

    reads: ClassVar[bool] = True
    conversation: int


class ConversationFound(Reply):
    conversation: ConversationInfo


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One test of a conversation or of a user. `field` of a conversation: id, kind, name, owner, creator, member (a user is
    one), members (their number), created, updated (Unix ms), or `attributes.<key>`; of a user: id, or `attributes.<key>`.
    `op`: = != < <= > >= in like. `like` takes `%` at either end only. Anything else is BAD_FORMAT. `value` is JSON data;
    `in` takes a list of at most 200."""

    field: str
    op: str
    value: object


class ListConversations(Command):
    """Conversations for which every condition holds, newest first unless `oldest_first`; page from 1. On a socket only the
    caller's own. TOO_BROAD after 200,000 candidates. Replies ConversationPage."""

    reads: ClassVar[bool] = True
    where: tuple[Condition, ...] = ()
    page: int = 1
    size: int = 20
    oldest_first: bool = False


class ConversationPage(Reply):
    conversations: list[ConversationInfo]
    total: int


class UpdateConversation(Command):
    """Change name, attributes, the most members it may have (0: the app's) or its owner; None leaves as is. A member of a
    direct or temporary conversation, else manager or owner; `most` and `owner` take the owner, or management. `merge`
    overwrites the named attributes only. The new owner of a group or room is a member already: NOT_A_MEMBER, BAD_KIND.
    Replies Done."""

    durable: ClassVar[bool] = True
    conversation: int
    name: str | None = None
    attributes: bytes | None = None
    merge: bool = False
    most: int | None = None
    owner: str | None = None


class UpdateConversations(Command):
    """Replace the attributes of every conversation for which the conditions hold, at most 1,000 (else TOO_BROAD)
    (ZD-06). Management only. Replies Done; UNKNOWN_CONVERSATION if there is none."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    where: tuple[Condition, ...]
    attributes: bytes


class DeleteConversation(Command):
    """For everybody, for good; its id is never used again. The owner, or management. Replies Done."""

    durable: ClassVar[bool] = True
    conversation: int
