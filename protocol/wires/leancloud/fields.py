"""Reading the fields of a command: ids, lists of clients, JSON in text.

The law: what is absent and required, or of another form, is refused by its name; the subject of the request says with which
code. Protobuf has seen to types and UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from protocol.codec import Unreadable, is_name, read_json
from protocol.commands import MembersChanged
from protocol.errors import Reason, Refused
from protocol.wires.leancloud.errors import CONVERSATION, Subject, code_of
from protocol.wires.leancloud.names import conversation_of
from protocol.wires.leancloud.seat import Seat
from protocol.wires.native.fields import USER_ID_MOST, USERS_MOST, Data, bad, missing

REASONS = {reason.value: reason for reason in Reason}


def cid(said: Any, seat: Seat, field: str = "cid") -> tuple[str, int]:
    """The conversation as it was said and as the hub knows it. 4303."""
    text: str = getattr(said, field)
    if not text:
        missing(field)
    return text, conversation_of(text, seat.ids)


def clients(names: Iterable[str], field: str = "m") -> tuple[str, ...]:
    """Client ids, each once. They may be as long as users of other wires are."""
    users = tuple(dict.fromkeys(names))
    if not users:
        missing(field)
    if len(users) > USERS_MOST:
        bad(field, f"a list of at most {USERS_MOST} client ids")
    if not all(is_name(user, USER_ID_MOST) for user in users):
        bad(field, f"a list of client ids of 1 to {USER_ID_MOST} characters")
    return users


def document(said: Any, field: str) -> Data:
    """A JsonObjectMessage that holds an object; {} if it is absent or empty."""
    text: str = getattr(said, field).data
    if not text.strip():
        return {}
    try:
        value = read_json(text.encode())
    except Unreadable as unreadable:
        raise Refused(Reason.BAD_FORMAT, f"{field} is no JSON: {unreadable}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        bad(field, "a JSON object")
    return cast(Data, value)


def fill_outcome(said: Any, seat: Seat, reply: MembersChanged, subject: Subject = CONVERSATION) -> None:
    """`allowedPids`, and `failedPids` by their reasons."""
    said.allowedPids.extend(reply.allowed)
    by_reason: dict[str, list[str]] = {}
    for failure in reply.failed:
        by_reason.setdefault(failure.reason, []).append(failure.user)
    for word, users in by_reason.items():
        said.failedPids.add(code=code_of(REASONS[word], subject), reason=word.replace("_", " "), pids=users)


def only_failures(reply: MembersChanged, bits: int, partial: int) -> Refused | None:
    """What a client that knows no partial success is told when nobody succeeded."""
    if reply.allowed or not reply.failed or bits & partial:
        return None
    return Refused(REASONS[reply.failed[0].reason], f"Not done for {_listed([each.user for each in reply.failed])}.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20])
