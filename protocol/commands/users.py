"""Accounts, their attributes, and friends."""

from __future__ import annotations

from typing import ClassVar

from protocol.commands.base import Command, Reply
from protocol.commands.conversations import Condition
from protocol.records import FriendInfo, UserInfo


class GetUser(Command):
    """`user` "" is the caller. UNKNOWN_USER."""

    reads: ClassVar[bool] = True
    user: str = ""


class UserFound(Reply):
    user: UserInfo


class UpdateUser(Command):
    """Merge `attributes` (a JSON object; null removes a key) into the caller's own. Replies UserFound."""

    durable: ClassVar[bool] = True
    attributes: bytes


class PutUser(Command):
    """Create a user or change one; None leaves as is. `password` is an argon2id hash made by adminapi, "" removes it; a
    new password voids the session tokens given so far. Management only. Replies UserFound; EXISTS with `must_be_new`."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    user: str
    attributes: bytes | None = None
    password: str | None = None
    must_be_new: bool = False


class BanUser(Command):
    """Ban (or lift it): sessions end 4003, logins and sends are refused BANNED. Management only. Replies Done."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    user: str
    banned: bool = True


class DeleteUser(Command):
    """The user, memberships and friendships go; what was said stays. The id is never given out again. Management only."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    user: str


class ListUsers(Command):
    """Users for whom every condition holds, in the order of their making (after a restart, of their ids), from `skip` on.
    TOO_BROAD after 200,000 candidates. Management only. Replies UserList."""

    management: ClassVar[bool] = True
    reads: ClassVar[bool] = True
    skip: int = 0
    limit: int = 100
    """At most 500."""
    where: tuple[Condition, ...] = ()


class UserList(Reply):
    users: list[UserInfo]
    total: int


class AddFriend(Command):
    """Both ways at once; twice is no error. Replies FriendList, as the next two."""

    durable: ClassVar[bool] = True
    user: str


class RemoveFriend(Command):
    durable: ClassVar[bool] = True
    user: str


class ListFriends(Command):
    reads: ClassVar[bool] = True


class FriendList(Reply):
    friends: list[FriendInfo]
