"""Requests to join a conversation: who asked and is no member yet. They are durable, so nobody who decides misses one."""

from __future__ import annotations

from typing import ClassVar

from protocol.commands.base import Command, Reply
from protocol.records import JoinRequestInfo


class RequestJoin(Command):
    """The acting user asks to be let into a group; it goes when he becomes a member, is blocked, or the group is deleted
    (HI-17). Asking twice is no error and keeps the first time. EXISTS for a member, BLOCKED, BAD_KIND, FULL beyond 1,000
    open requests. Management only. Replies Done."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    conversation: int


class ListJoinRequests(Command):
    """All open requests, oldest first. Management only. Replies JoinRequestList."""

    management: ClassVar[bool] = True
    reads: ClassVar[bool] = True
    conversation: int


class JoinRequestList(Reply):
    requests: list[JoinRequestInfo]


class DismissJoinRequest(Command):
    """Drop the request of `user`; none is no error. Management only. Replies Done."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    conversation: int
    user: str
