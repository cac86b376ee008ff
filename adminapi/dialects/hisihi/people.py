"""The groups and users behind a call, as several endpoints need them.

The law: a conversation of another kind, or of another app, is no group. Users a call names are made when they are named
for the first time; then they have the ids of the seed, a letter and a number. Lists are bounded: beyond that a question
is refused rather than cut short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from adminapi.dialect import Ask, Broker
from adminapi.dialects.hisihi.parameters import NEW_CLIENT_ID, group_id
from adminapi.dialects.hisihi.shapes import Row, attributes_of
from protocol.commands import (
    Command,
    Condition,
    ConversationFound,
    ConversationPage,
    GetConversation,
    ListConversations,
    ListMembers,
    ListUsers,
    MemberList,
    Reply,
    UserList,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind, UserInfo

GROUPS = Condition("kind", "=", int(Kind.GROUP))
AT_ONCE = 200
"""Groups, or users by their ids, in one question to the broker."""
USERS_AT_ONCE = 500
GROUPS_MOST = 2_000
USERS_MOST = 5_000
"""In an answer without pages."""


async def group(ask: Ask, broker: Broker, given: object) -> ConversationInfo:
    """The group behind any form of its id. UNKNOWN_CONVERSATION."""
    command = GetConversation(conversation=group_id(ask, given))
    info = cast(ConversationFound, await broker.call(ask.managed(command))).conversation
    if info.kind != Kind.GROUP:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no such group.")
    return info


async def members_of(ask: Ask, broker: Broker, conversation: int) -> list[str]:
    """In the order of their joining."""
    reply = cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=conversation))))
    return [member.user for member in reply.members]


async def call_making(ask: Ask, broker: Broker, command: Command, users: Iterable[str], *, acting: str = "") -> Reply:
    """The reply to a command that names these users; those of them who are not there are made. UNKNOWN_USER if one of
    those has no id of the seed's form."""
    newcomers = filter(NEW_CLIENT_ID.fullmatch, users)
    return await broker.call(ask.managed(command, user=acting, newcomers=newcomers))


async def every_group(ask: Ask, broker: Broker, *where: Condition) -> list[ConversationInfo]:
    """All groups for which the conditions hold, oldest first. TOO_BROAD beyond 2,000."""
    found: dict[int, ConversationInfo] = {}
    for page in range(1, GROUPS_MOST // AT_ONCE + 2):
        command = ListConversations(where=(GROUPS, *where), page=page, size=AT_ONCE, sort=("id",))
        reply = cast(ConversationPage, await broker.call(ask.managed(command)))
        found |= {info.id: info for info in reply.conversations}
        if not reply.conversations or page * AT_ONCE >= reply.total:
            return list(found.values())
    raise Refused(Reason.TOO_BROAD, f"There are more than {GROUPS_MOST} groups to list at once.")


async def every_user(ask: Ask, broker: Broker, *where: Condition) -> list[UserInfo]:
    """All users for whom the conditions hold. TOO_BROAD beyond 5,000."""
    found: dict[str, UserInfo] = {}
    for skip in range(0, USERS_MOST + 1, USERS_AT_ONCE):
        command = ListUsers(where=where, skip=skip, limit=USERS_AT_ONCE)
        reply = cast(UserList, await broker.call(ask.managed(command)))
        found |= {user.user: user for user in reply.users}
        if not reply.users or skip + USERS_AT_ONCE >= reply.total:
            return list(found.values())
    raise Refused(Reason.TOO_BROAD, f"There are more than {USERS_MOST} users to list at once.")


async def attributes_by_user(ask: Ask, broker: Broker, users: Sequence[str]) -> dict[str, Row]:
    """The attributes of each of these users; {} for one who is not there."""
    found: dict[str, Row] = {user: {} for user in users}
    for start in range(0, len(users), AT_ONCE):
        names = list(users[start : start + AT_ONCE])
        command = ListUsers(where=(Condition("id", "in", names),), limit=AT_ONCE)
        reply = cast(UserList, await broker.call(ask.managed(command)))
        found |= {user.user: attributes_of(user.attributes) for user in reply.users}
    return found
