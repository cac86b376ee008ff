"""Members of a conversation: joining and leaving, roles, silence, and who may not come back (`protocols.md` 2.5).

The law: each client that is named succeeds or fails alone, `allowedPids` and `failedPids` say who. Who hears of it is the
hub's to say, of silence and blocks the operator too.

Readings: adding oneself alone is joining. Only members can be silenced, until they are unsilenced. Roles are `Manager` and
`Member`. `mute`, which means to get no notifications, is kept and shown. Blacklists of a client (`srcPid`) are not kept.
Signatures of blacklists have no known form and are not asked for.
"""

from __future__ import annotations

from typing import Any

from protocol.commands import (
    AddMembers,
    Command,
    Done,
    Join,
    ListBlocked,
    ListMembers,
    ListMuted,
    MemberList,
    MembersChanged,
    RemoveMembers,
    SetBlocked,
    SetMuted,
    SetQuiet,
    SetRole,
    UserNames,
)
from protocol.errors import Reason, Refused
from protocol.records import Role
from protocol.wires.leancloud import fields
from protocol.wires.leancloud.conversations import conv, updated
from protocol.wires.leancloud.errors import CONVERSATION, REMOVAL, Subject, failure
from protocol.wires.leancloud.names import iso
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op
from protocol.wires.leancloud.seat import PARTIAL, Parsers, Request, Seat
from protocol.wires.leancloud.session import signature_of
from protocol.wires.native.fields import bad

PAGE, PAGE_MOST = 10, 500
PRESENT_MOST = 50
ROLES = {"Member": Role.MEMBER, "Manager": Role.MANAGER}
ROLE_NAMES = {int(role): name for name, role in ROLES.items()} | {int(Role.OWNER): "Owner"}


def add(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    cid, number = fields.cid(said, seat)
    users, signature = fields.clients(said.m), signature_of(said)
    if users == (seat.peer,):

        def joined(reply: Done) -> Any:
            return conv(Op.ADDED, cid=cid, allowedPids=[seat.peer], udate=iso(reply.time_ms))

        return Request(Join(conversation=number, signature=signature), joined, CONVERSATION)
    command = AddMembers(conversation=number, users=users, newcomers=True, signature=signature)
    return Request(command, lambda reply: changed(Op.ADDED, cid, seat, reply), CONVERSATION)


def remove(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    cid, number = fields.cid(said, seat)
    command = RemoveMembers(conversation=number, users=fields.clients(said.m), signature=signature_of(said))
    return Request(command, lambda reply: changed(Op.REMOVED, cid, seat, reply, REMOVAL), CONVERSATION)


def changed(op: Op, cid: str, seat: Seat, reply: MembersChanged, subject: Subject = CONVERSATION) -> Any:
    refused = fields.only_failures(reply, seat.bits, PARTIAL)
    if refused is not None:
        return failure(refused, subject)
    answer = conv(op, cid=cid, udate=iso(reply.time_ms))
    fields.fill_outcome(answer.convMessage, seat, reply, subject)
    return answer


def role(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    cid, number = fields.cid(said, seat)
    (user,) = fields.clients([said.targetClientId or said.info.pid], "targetClientId")
    if said.info.role not in ROLES:
        bad("info.role", " or ".join(ROLES))

    def told(reply: Done) -> Any:
        return conv(Op.MEMBER_INFO_UPDATED, cid=cid)

    return Request(SetRole(conversation=number, user=user, role=int(ROLES[said.info.role])), told, CONVERSATION)


def quiet(g: Any, seat: Seat) -> Request:
    cid, number = fields.cid(g.convMessage, seat)
    return Request(SetQuiet(conversation=number, quiet=g.op == Op.MUTE), lambda reply: updated(cid, reply), CONVERSATION)


def shutup(g: Any, seat: Seat) -> Request:
    said, muted = g.convMessage, g.op == Op.ADD_SHUTUP
    cid, number = fields.cid(said, seat)

    def done(reply: MembersChanged) -> Any:
        return changed(Op.SHUTUP_ADDED if muted else Op.SHUTUP_REMOVED, cid, seat, reply)

    command: Command = SetMuted(conversation=number, users=fields.clients(said.m), muted=muted)
    return Request(command, done, CONVERSATION)


def silenced(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    cid, number = fields.cid(said, seat)
    skip, limit = page_of(said)

    def result(reply: UserNames) -> Any:
        answer = conv(Op.SHUTUP_RESULT, cid=cid, m=reply.users)
        if reply.total > skip + limit:
            answer.convMessage.next = str(skip + limit)
        return answer

    return Request(ListMuted(conversation=number, skip=skip, limit=limit), result, CONVERSATION)


def check_silenced(g: Any, seat: Seat) -> Request:
    """Which of `m` are silenced."""
    cid, number = fields.cid(g.convMessage, seat)
    users = fields.clients(g.convMessage.m)

    def result(reply: UserNames) -> Any:
        return conv(Op.SHUTUP_RESULT, cid=cid, m=reply.users)

    return Request(ListMuted(conversation=number, limit=len(users), among=users), result, CONVERSATION)


def present(g: Any, seat: Seat) -> Request:
    """Who is in a room and online."""
    said = g.convMessage
    cid, number = fields.cid(said, seat)
    limit = min(said.limit, PRESENT_MOST) if said.limit > 0 else PRESENT_MOST

    def members(reply: MemberList) -> Any:
        return conv(Op.MEMBERS, cid=cid, m=[member.user for member in reply.members if member.online][:limit])

    return Request(ListMembers(conversation=number), members, CONVERSATION)


def page_of(said: Any) -> tuple[int, int]:
    """`next` is how many have been told already."""
    if said.next and not (said.next.isascii() and said.next.isdigit() and len(said.next) <= 9):
        bad("next", "what the answer before said, or absent")
    limit = said.limit if said.HasField("limit") else PAGE
    if not 0 < limit <= PAGE_MOST:
        bad("limit", f"a number from 1 to {PAGE_MOST}")
    return int(said.next or 0), limit


def block(g: Any, seat: Seat) -> Request:
    said, blocked = g.blacklistMessage, g.op == Op.BLOCK
    cid, number = _source(said, seat)

    def done(reply: MembersChanged) -> Any:
        refused = fields.only_failures(reply, seat.bits, PARTIAL)
        if refused is not None:
            return failure(refused, CONVERSATION)
        answer = blacklist(Op.BLOCKED if blocked else Op.UNBLOCKED, srcCid=cid)
        fields.fill_outcome(answer.blacklistMessage, seat, reply)
        return answer

    users = fields.clients(said.toPids, "toPids")
    command = SetBlocked(conversation=number, users=users, blocked=blocked, newcomers=True)
    return Request(command, done, CONVERSATION)


def list_blocked(g: Any, seat: Seat) -> Request:
    said = g.blacklistMessage
    cid, number = _source(said, seat)
    skip, limit = page_of(said)

    def result(reply: UserNames) -> Any:
        answer = blacklist(Op.QUERY_RESULT, srcCid=cid, blockedPids=reply.users)
        if reply.total > skip + limit:
            answer.blacklistMessage.next = str(skip + limit)
        return answer

    return Request(ListBlocked(conversation=number, skip=skip, limit=limit), result, CONVERSATION)


def check_blocked(g: Any, seat: Seat) -> Request:
    """Which of `toPids` are blocked."""
    said = g.blacklistMessage
    cid, number = _source(said, seat)
    users = fields.clients(said.toPids, "toPids")

    def result(reply: UserNames) -> Any:
        return blacklist(Op.CHECK_RESULT, srcCid=cid, blockedPids=reply.users)

    return Request(ListBlocked(conversation=number, limit=len(users), among=users), result, CONVERSATION)


def _source(said: Any, seat: Seat) -> tuple[str, int]:
    if not said.srcCid:
        raise Refused(Reason.BAD_FORMAT, "Only conversations keep a blacklist here: srcCid is missing.")
    return fields.cid(said, seat, "srcCid")


def blacklist(op: Op, **said: Any) -> Any:
    return GenericCommand(cmd=Cmd.BLACKLIST, op=op, blacklistMessage=said)


REQUESTS: Parsers = {
    (Cmd.CONV, Op.ADD): add,
    (Cmd.CONV, Op.REMOVE): remove,
    (Cmd.CONV, Op.MEMBER_INFO_UPDATE): role,
    (Cmd.CONV, Op.MUTE): quiet,
    (Cmd.CONV, Op.UNMUTE): quiet,
    (Cmd.CONV, Op.ADD_SHUTUP): shutup,
    (Cmd.CONV, Op.REMOVE_SHUTUP): shutup,
    (Cmd.CONV, Op.QUERY_SHUTUP): silenced,
    (Cmd.CONV, Op.CHECK_SHUTUP): check_silenced,
    (Cmd.CONV, Op.MEMBERS): present,
    (Cmd.BLACKLIST, Op.BLOCK): block,
    (Cmd.BLACKLIST, Op.UNBLOCK): block,
    (Cmd.BLACKLIST, Op.QUERY): list_blocked,
    (Cmd.BLACKLIST, Op.CHECK_BLOCK): check_blocked,
}
