"""With whom a user talks: his direct conversations, by the other one's name."""

from __future__ import annotations

from collections.abc import Iterator

from broker.hub.conversations import info
from broker.hub.decision import Decision
from broker.hub.hub import scans
from broker.hub.where import STEP
from protocol.commands import DirectPage, ListDirects, Reply
from protocol.records import DirectInfo, Kind

MOST_LISTED = 100
"""A last message has up to 64 KiB."""


@scans(ListDirects)
def list_directs(d: Decision, c: ListDirects) -> Iterator[Reply | None]:
    user, tables = d.actor().id, d.hub.tables
    found: list[tuple[int, str]] = []
    for count, number in enumerate(sorted(tables.memberships.get(user, ()), reverse=True), 1):
        row = tables.conversations.get(number)
        if row is not None and row.kind == Kind.DIRECT:
            found += [(number, other) for other in tables.members[number] if other != user and _wanted(d, c, user, other)]
        if count % STEP == 0:
            yield None
    start = max(c.skip, 0)
    page = found[start : start + min(max(c.limit, 0), MOST_LISTED)]
    yield DirectPage(directs=[_direct(d, number, other) for number, other in page], total=len(found))


def _wanted(d: Decision, c: ListDirects, user: str, other: str) -> bool:
    if other in d.hub.tables.friends.get(user, ()):
        return c.friends
    return not c.friends and not d.hub.tables.users[other].visitor


def _direct(d: Decision, number: int, other: str) -> DirectInfo:
    return DirectInfo(other, d.hub.presence.online(other), number, info(d, d.conversation(number)).last_message)
