"""Ids and times as LeanCloud's side writes them.

The law: a conversation is 24 hex digits, with `_tmp:` in front if it is temporary; a message 22 of base64url; times are
Unix milliseconds, those of conversations ISO 8601 in UTC with milliseconds. What was imported is called as it was where it
comes from. Every form of an id we emit anywhere is taken.
"""

from __future__ import annotations

from datetime import UTC, datetime

from protocol.errors import Reason, Refused
from protocol.ids import TEMPORARIES
from protocol.records import Kind, Message
from protocol.wires.leancloud.seat import TEMPORARY
from protocol.wires.native.ids import AppIds

CONV_TYPES = {Kind.DIRECT: 1, Kind.GROUP: 1, Kind.ROOM: 2, Kind.SYSTEM: 3, Kind.TEMPORARY: 4}
"""`convType`: normal, transient, system, temporary."""


def cid_of(number: int, kind: int, ids: AppIds, alias: str) -> str:
    """Of an imported conversation the `alias`, by which its clients know it."""
    text = alias or ids.forms.hex24(number)
    return TEMPORARY + text if kind == Kind.TEMPORARY else text


def conversation_of(cid: str, ids: AppIds) -> int:
    """4303, or 4401 where something is said to it."""
    number = number_of(cid, ids)
    if number is None:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no conversation with this id.")
    return number


def number_of(cid: str, ids: AppIds) -> int | None:
    """As a command names it: behind `_tmp:` a temporary conversation alone. None of what is no id of this app."""
    number = ids.conversation_number(cid.removeprefix(TEMPORARY))
    return number if number is None or not cid.startswith(TEMPORARY) else number | TEMPORARIES


def mid_of(message: Message, ids: AppIds) -> str:
    """Of an imported message the id it had, by which its clients know it."""
    return message.old_id or ids.forms.base64(message.id)


def iso(ms: int) -> str:
    """`2018-01-16T03:40:32.814Z`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"
