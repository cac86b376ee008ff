"""Who is in a conversation, and what each may do there."""

from __future__ import annotations

from typing import ClassVar

from protocol.commands.base import Command, Reply, Signature
from protocol.pushes import (
    ConversationJoined,
    ConversationLeft,
    ConversationUpdated,
    MemberMuted,
    MembersBlocked,
    MembersJoined,
    MembersLeft,
    MemberUnmuted,
    OwnMute,
    RoleChanged,
)
from protocol.records import MemberFailure, MemberInfo


class Join(Command):
    """Rooms are open; groups where the app has `open_groups`. FULL, BLOCKED, NOT_ALLOWED. Joining twice is no error."""

    durable: ClassVar[bool] = True
    conversation: int
    signature: Signature | None = None


class Leave(Command):
    """Replies Done, also when not a member. A direct conversation is not left: BAD_KIND."""

    durable: ClassVar[bool] = True
    conversation: int


class ListMembers(Command):
    """Page `page` of `size` members in the order of their joining; `size` 0 is all, on a socket at most 1,000."""

    reads: ClassVar[bool] = True
    conversation: int
    page: int = 1
    size: int = 0


class MemberList(Reply):
    members: list[MemberInfo]
    total: int


class AddMembers(Command):
    """Add up to 500 users, a back office up to 1,000; any member may in a temporary conversation, manager or owner in a
    group, there too any member where the app has `members_invite`. Each user succeeds or fails alone; `strict` refuses the
    whole call where one would fail. Replies MembersChanged."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...]
    strict: bool = False
    newcomers: bool = False
    """As in CreateConversation."""
    signature: Signature | None = None


class RemoveMembers(Command):
    """Remove up to 500 users, a back office up to 1,000; the owner cannot be removed, unless one other member at most is
    left. Anybody may remove himself. `strict` refuses the whole call where one would fail. Replies MembersChanged."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...]
    strict: bool = False
    signature: Signature | None = None


class SetMembers(Command):
    """Make `users` and the owner the members of a group or room, and `owner` its owner; None leaves as is. A new owner
    becomes a member; the old one, if he stays, is a member like others. All or nothing. Who joins and who leaves
    is told; of the owner nobody is, as with SetRole. The owner, or management. Replies Done; UNKNOWN_USER, FULL, BLOCKED,
    BAD_KIND."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...] | None = None
    owner: str | None = None


class MembersChanged(Reply):
    """`allowed` holds also those who were (or were not) members before: asking twice is no error."""

    allowed: list[str]
    failed: list[MemberFailure]
    time_ms: int = 0
    """When."""


class Mute(Command):
    """`user` may not speak here for `seconds` (0: until unmuted; at most 86,400, LC-07). Manager, owner or management."""

    durable: ClassVar[bool] = True
    conversation: int
    user: str
    seconds: int = 0


class Unmute(Command):
    durable: ClassVar[bool] = True
    conversation: int
    user: str


class SetRole(Command):
    """`role` 0 member or 1 manager. The owner, or management. Replies Done."""

    durable: ClassVar[bool] = True
    conversation: int
    user: str
    role: int


class Block(Command):
    """Remove `user` and let him neither join nor be added again. The owner, or management. Replies Done."""

    durable: ClassVar[bool] = True
    conversation: int
    user: str


class Unblock(Command):
    durable: ClassVar[bool] = True
    conversation: int
    user: str


class SetMuted(Command):
    """Mute up to 500 members until they are unmuted, or unmute them; each succeeds or fails alone. Manager, owner or
    management. Replies MembersChanged."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...]
    muted: bool


class SetBlocked(Command):
    """Block up to 500 users as Block does, or unblock them; each succeeds or fails alone. Replies MembersChanged."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...]
    blocked: bool
    newcomers: bool = False
    """As in CreateConversation."""


class SetQuiet(Command):
    """The caller wants notifications of this conversation, or none; what is said there reaches him all the same. Replies
    Done."""

    durable: ClassVar[bool] = True
    conversation: int
    quiet: bool


class ListBlocked(Command):
    """Who is blocked, by name, from `skip` on. The owner, or management. Replies UserNames."""

    reads: ClassVar[bool] = True
    conversation: int
    skip: int = 0
    limit: int = 100
    """At most 500."""
    among: tuple[str, ...] = ()
    """Only of these."""


class ListMuted(Command):
    """Who may not speak now, by name, from `skip` on. Members, or management. Replies UserNames."""

    reads: ClassVar[bool] = True
    conversation: int
    skip: int = 0
    limit: int = 100
    """At most 500."""
    among: tuple[str, ...] = ()
    """Only of these."""


class UserNames(Reply):
    users: list[str]
    total: int


class ListMissed(Command):
    """What was done to the acting user and in his conversations after `since_ms`, by others and as far as rows tell of it:
    each member's newest coming or going, role, mute and block, each conversation's newest change; of 30 days, and not in
    rooms. Oldest first, about `limit`: what happened in one millisecond stays together. Replies Missed; TOO_BROAD."""

    reads: ClassVar[bool] = True
    since_ms: int
    limit: int = 100
    """At most 500."""


Event = (
    ConversationJoined
    | ConversationLeft
    | ConversationUpdated
    | MembersJoined
    | MembersLeft
    | MembersBlocked
    | MemberMuted
    | MemberUnmuted
    | OwnMute
    | RoleChanged
)


class Missed(Reply):
    """As they would have been pushed; `at_ms` says when. With `more` the next ones are those since the last's."""

    events: list[Event]
    more: bool


class ReadTimes(Command):
    """How far the members of a conversation have received and read, by the times of messages. Not in rooms: BAD_KIND; of
    the first 50 members at most. Replies ReadTimesList."""

    reads: ClassVar[bool] = True
    conversation: int


class ReadTimesList(Reply):
    """Each (user, time of the newest message received, of the newest read); 0: none."""

    times: list[tuple[str, int, int]]
