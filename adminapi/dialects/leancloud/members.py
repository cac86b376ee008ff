"""The members of a conversation for the calls that list them in parts: pages of the hub's, so that no answer of its own has
to hold a crowd. The law: they come in the order of their joining, and after a hundred pages it is too broad (4310)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import cast

from adminapi.dialect import Ask, Broker
from protocol.commands import ListMembers, MemberList
from protocol.errors import Reason, Refused
from protocol.records import MemberInfo
from protocol.wires.native.fields import Data, bad, text_or

PAGE, PAGES_MOST = 1000, 100


async def members_of(ask: Ask, broker: Broker, conversation: int, size: int = PAGE) -> AsyncGenerator[MemberInfo, None]:
    """All of them, `size` at a time. 4303, 4310."""
    for page in range(1, PAGES_MOST + 1):
        command = ListMembers(conversation=conversation, page=page, size=size)
        members = cast(MemberList, await broker.call(ask.managed(command))).members
        for member in members:
            yield member
        if len(members) < size:
            return
    raise Refused(Reason.TOO_BROAD, "There are too many members to look through.")


def page_start(data: Data) -> int:
    """Where a list goes on: `next` as the part before it said."""
    text = text_or(data, "next")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
        bad("next", "what the part before it said, or absent")
    return int(text or 0)
