"""What members and admins are told: LeanCloud rich text in system messages (HI-26).

The law: a notice goes to the online sessions of just those its row names, after the change it tells of is made. One that
cannot be sent takes nothing back: the change is done and durable, and whoever was away sees it in the group itself.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from contextlib import suppress

from adminapi.dialect import Ask, Broker
from adminapi.dialects.hisihi.people import attributes_by_user
from adminapi.dialects.hisihi.shapes import Row, nickname, object_id
from protocol.codec import write_json
from protocol.commands import SendSystem
from protocol.errors import Refused
from protocol.records import ConversationInfo

RICH_TYPE = 1
"""`_lctype` of the notices: an app's own type, as those are positive."""
NAMED_MOST = 10
"""Names in a text; the ids of all are beside it."""
TOLD_AT_ONCE = 1_000
"""As `SendSystem` takes."""


class Notice(enum.Enum):
    """What is told. The value is `sys_message_type`."""

    ADDED = "added_to_group"
    REMOVED = "removed_from_group"
    MODIFIED = "group_info_been_modified"
    DISMISSED = "group_been_dismissed"
    APPLIED = "user_join_group_apply"


def content(ask: Ask, notice: Notice, group: ConversationInfo, text: str, uid: str, about: Sequence[str]) -> bytes:
    attributes = {
        "message_info": text,
        "sys_message_type": notice.value,
        "uid": uid,
        "gid": group.id,
        "type": "group",
        "conversation_id": object_id(ask, group),
        "member_client_ids": list(about),
    }
    return write_json({"_lctype": RICH_TYPE, "_lctext": text, "_lcattrs": attributes})


async def names(ask: Ask, broker: Broker, users: Sequence[str]) -> str:
    """What these users are called, in one short text; by their ids while nothing else can be learnt."""
    shown = users[:NAMED_MOST]
    known: dict[str, Row] = {}
    with suppress(Refused):
        known = await attributes_by_user(ask, broker, shown)
    text = "、".join(nickname(user, known.get(user, {})) for user in shown)
    return f"{text} 等 {len(users)} 人" if len(users) > NAMED_MOST else text


async def tell_members(
    ask: Ask, broker: Broker, notice: Notice, group: ConversationInfo, text: str, uid: str, about: Sequence[str] = ()
) -> None:
    """To everybody who is in the group now."""
    command = SendSystem(content=content(ask, notice, group, text, uid, about), conversation=group.id)
    with suppress(Refused):
        await broker.call(ask.managed(command, user=uid))


async def tell(
    ask: Ask,
    broker: Broker,
    notice: Notice,
    group: ConversationInfo,
    text: str,
    uid: str,
    about: Sequence[str],
    to: Sequence[str],
) -> None:
    """To these users."""
    said = content(ask, notice, group, text, uid, about)
    for start in range(0, len(to), TOLD_AT_ONCE):
        command = SendSystem(content=said, users=tuple(to[start : start + TOLD_AT_ONCE]))
        with suppress(Refused):
            await broker.call(ask.managed(command, user=uid))
