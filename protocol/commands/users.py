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
    """Create a user or change one; None leaves as is. `attributes` replace what is there, or `merge` into it as in
    UpdateUser. `password` is an argon2id hash made by adminapi, "" removes it; a new password voids the session tokens
    given so far. Management only. Replies UserFound; EXISTS with `must_be_new`, or if the id is a visitor's."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    user: str
    attributes: bytes | None = None
    password: str | None = None
    must_be_new: bool = False
    merge: bool = False


class PutVisitor(Command):
    """Create a visitor, a user without an account, or merge `attributes` into one's own (ML-39). `user` "" makes a new one
    under 32 hex digits of the hub's choice. A visitor is a user everywhere but in ListUsers and PutUser. Management only.
    Replies UserFound; EXISTS if the id is an account's or was deleted."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    user: str = ""
    attributes: bytes = b"{}"


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
    """Users, visitors apart, for which every condition holds, from `skip` on: in the order of their making (after a
    restart, of their ids), or in that in which a condition names them, or of `sort` as in ListConversations. Conditions
    and orders have the fields `id`, `created`, `updated` (or made) and `attributes.<key>`. Management only. TOO_BROAD as
    there."""

    management: ClassVar[bool] = True
    reads: ClassVar[bool] = True
    skip: int = 0
    limit: int = 100
    """At most 500."""
    where: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()


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
