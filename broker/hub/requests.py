"""Requests to join a group: kept until whoever decides has decided, or there is nothing left to decide.

A request is open only while its user is neither a member nor blocked: `settle` goes with every change that makes him one.
With its conversation it goes without a row of its own (`broker.hub.tables`), as members do.
"""

from __future__ import annotations

from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.rows import JoinRequestRow
from protocol.commands import DismissJoinRequest, Done, JoinRequestList, ListJoinRequests, RequestJoin
from protocol.errors import Reason, Refused
from protocol.records import JoinRequestInfo, Kind

MOST_OPEN = 1_000
"""Of a conversation; they are listed in one answer."""


@handles(RequestJoin)
def request(d: Decision, c: RequestJoin) -> Done:
    row = d.conversation(c.conversation)
    user = d.actor().id
    if row.kind != Kind.GROUP:
        raise Refused(Reason.BAD_KIND, "only a group is asked to be let into")
    if d.member(row.id, user) is not None:
        raise Refused(Reason.EXISTS, f"user {user} is a member of this conversation already")
    grave = d.tombstone(row.id, user)
    if grave is not None and grave.blocked:
        raise Refused(Reason.BLOCKED, f"user {user} has been blocked from this conversation")
    asking = d.hub.tables.requests.get(row.id, {})
    if user not in asking:
        if len(asking) >= MOST_OPEN:
            raise Refused(Reason.FULL, f"{MOST_OPEN} requests to join wait already; add or dismiss some of those users")
        d.put("join_requests", JoinRequestRow(row.id, user, d.now))
    return Done(time_ms=d.now)


@handles(ListJoinRequests)
def list_requests(d: Decision, c: ListJoinRequests) -> JoinRequestList:
    asking = d.hub.tables.requests.get(d.conversation(c.conversation).id, {})
    rows = sorted(asking.values(), key=lambda row: row.asked_ms)  # a start loads them in another order
    return JoinRequestList(requests=[JoinRequestInfo(row.user, row.asked_ms) for row in rows])


@handles(DismissJoinRequest)
def dismiss(d: Decision, c: DismissJoinRequest) -> Done:
    settle(d, d.conversation(c.conversation).id, c.user)
    return Done(time_ms=d.now)


def settle(d: Decision, conversation: int, user: str) -> None:
    """There is nothing to ask for any more."""
    if user in d.hub.tables.requests.get(conversation, ()):
        d.delete("join_requests", conversation, user)
