"""Who is in a conversation, and what each may do there."""

from __future__ import annotations

from typing import ClassVar

from protocol.commands.base import Command, Reply
from protocol.records import MemberFailure, MemberInfo


class Join(Command):
    """Rooms are open; groups where the app has `open_groups`. FULL, BLOCKED, NOT_ALLOWED. Joining twice is no error."""

    durable: ClassVar[bool] = True
    conversation: int


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
    group. Each user succeeds or fails alone; `strict` refuses the whole call where one would fail. Replies
    MembersChanged."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...]
    strict: bool = False


class RemoveMembers(Command):
    """Remove up to 500 users, a back office up to 1,000; the owner cannot be removed. `strict` refuses the whole call where
    one would fail. Replies MembersChanged."""

    durable: ClassVar[bool] = True
    conversation: int
    users: tuple[str, ...]
    strict: bool = False


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
