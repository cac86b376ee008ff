"""Making, finding, changing and deleting conversations."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.commands.base import Command, Done, Reply, Signature
from protocol.records import ConversationInfo, DirectInfo


class CreateConversation(Command):
    """`members` besides the creator (the acting user, who becomes owner of a group). A direct conversation of the same
    two, and with `unique` any of the same members and kind, is returned instead of made again (ZD-04). `most` members may
    be in it, 0: as many as the app says; management only, and so are system conversations. BAD_KIND, UNKNOWN_USER, FULL."""

    durable: ClassVar[bool] = True
    kind: int
    members: tuple[str, ...]
    name: str = ""
    attributes: bytes = b"{}"
    unique: bool = False
    most: int = 0
    newcomers: bool = False
    """Members who are no users yet are made, where the app has `create_users`: for wires that know no registration."""
    signature: Signature | None = None
    """Asked of LeanCloud's sockets where the app has `leancloud_signatures`; so with members. UNAUTHORIZED."""
    ttl_seconds: int = 0
    """A temporary conversation ends so long after it began, if the app's `temporary_days` do not end it before. 0: then."""
    rename: bool = False
    """A conversation that is found takes the name, if one is given and the caller may change it."""


class Created(Reply):
    conversation: ConversationInfo
    created: bool


class GetConversation(Command):
    """A conversation, or with `to` the direct one the acting user and that user share. Members see everything; others see
    name and count of rooms and system conversations, else NOT_A_MEMBER. UNKNOWN_CONVERSATION, UNKNOWN_USER."""

    reads: ClassVar[bool] = True
    conversation: int = 0
    to: str = ""
    count_online: bool = False
    """Say also how many of its members are online, of a room."""


class ConversationFound(Reply):
    conversation: ConversationInfo


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One test of a conversation or of a user. `field` of a conversation: id, kind, name, owner, creator, member (a
    user is one), quiet (such a one wants no notifications), members (their number), created, updated (0 if never),
    changed (or created), last (when somebody spoke; all Unix ms), unique, or `attributes.<key>`; of a user: id,
    created, updated, or `attributes.<key>`. A dot in a key that is not there as it stands goes into the object of that
    name. A list matches as each of its items would. `op`: = != < <= > >= in like; not-in, all (of a list), size (of a
    list), exists; starts, ends, contains, and these with `~` behind for any case. `like` takes `%` at either end only.
    Anything else is BAD_FORMAT. `value` is JSON data; `in`, `not-in` and `all` take a list of at most 200. `field` ""
    with the `op` any: `value` is a list of alternatives, each a list of [field, op, value]."""

    field: str
    op: str
    value: object


class ListConversations(Command):
    """Conversations for which every condition holds, newest first or in the order of `sort`; page from 1, behind the first
    `skip`. On a socket only the caller's own. TOO_BROAD after 200,000 candidates, and for more than 10,000 to sort
    otherwise than by `id`, which is the order they are kept in. Replies ConversationPage."""

    reads: ClassVar[bool] = True
    where: tuple[Condition, ...] = ()
    page: int = 1
    size: int = 20
    skip: int = 0
    sort: tuple[str, ...] = ()
    """At most 3 fields as in Condition (not `member`), `-` before one for the greatest first."""
    visible: bool = False
    """On a socket, also what the caller sees without being a member: rooms and system conversations, if they are asked for
    by id or by kind, and everything where the app has `open_query`."""
    with_members: bool = False
    """Say who the members are, but of rooms and system conversations."""
    left: bool = False
    """On a socket, also those he has left in the last 30 days, if they are asked for by their ids (and kind) alone; of
    them, and of what is open and he is not in, the name is all he sees."""


class ConversationPage(Reply):
    conversations: list[ConversationInfo]
    total: int


class ListDirects(Command):
    """The acting user's direct conversations with friends, or with those who are neither friends nor visitors; newest
    first, from `skip` on. Management only, as a page may be larger than an outbox. Replies DirectPage."""

    management: ClassVar[bool] = True
    reads: ClassVar[bool] = True
    friends: bool
    skip: int = 0
    limit: int = 100
    """At most 100."""


class DirectPage(Reply):
    directs: list[DirectInfo]
    total: int


class Operation(msgspec.Struct, frozen=True, gc=False):
    """A change of one attribute by what it is: `op` "increase" (by a number; 0 if it is not there), or of a list (empty if
    it is not there) "append", "append-new" (what is not in it yet) or "remove" (wherever it is in it) a list of values.
    BAD_FORMAT where the attribute is something else."""

    key: str
    op: str
    value: object


class UpdateConversation(Command):
    """Change name, attributes, or the most members it may have (0: the app's); None leaves as is. A member of a direct or
    temporary conversation, else manager or owner; `most` takes management. `merge` overwrites the named attributes only,
    and null removes one; with `paths` a dot in a name goes into the object of that name. Replies Updated."""

    durable: ClassVar[bool] = True
    conversation: int
    name: str | None = None
    attributes: bytes | None = None
    merge: bool = False
    most: int | None = None
    paths: bool = False
    operations: tuple[Operation, ...] = ()
    """At most 50, with `merge`; each on what those before it have made."""


class Updated(Done):
    """`attributes`: all of the conversation's, as they are now."""

    attributes: bytes


class UpdateConversations(Command):
    """Replace the attributes, and the name if one is given, of every conversation for which the conditions hold, at most
    1,000 (else TOO_BROAD) (ZD-06). Management only. Replies Done; UNKNOWN_CONVERSATION if there is none."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    where: tuple[Condition, ...]
    attributes: bytes
    name: str | None = None


class DeleteConversation(Command):
    """For everybody, for good; its id is never used again. The owner, or management. Replies Done."""

    durable: ClassVar[bool] = True
    conversation: int


class WipeConversation(Command):
    """Everything said so far is gone, for everybody and for good; the conversation stays (ML-27). Management only; nobody is
    told, as when messages pass the app's `message_days`: `first_seq` of the next `sync` says so. Replies Done."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    conversation: int
