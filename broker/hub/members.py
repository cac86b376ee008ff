"""Who is in a conversation, and what each may do there."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec

from broker.hub.conversations import check_limit, joined_position, need_to_change
from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.newcomers import ensure
from broker.hub.requests import settle
from broker.hub.rows import Act, ConversationRow, MemberRow
from broker.hub.session import LEANCLOUD
from broker.hub.signed import check_conversation
from protocol.commands import (
    AddMembers,
    Done,
    Join,
    Leave,
    ListMembers,
    MemberList,
    MembersChanged,
    RemoveMembers,
    SetMembers,
    SetRole,
)
from protocol.errors import Reason, Refused
from protocol.pushes import (
    ConversationJoined,
    ConversationLeft,
    MembersJoined,
    MembersLeft,
    RoleChanged,
)
from protocol.records import Kind, MemberFailure, MemberInfo, Role
from protocol.signatures import Action

MOST_NAMED, MOST_MANAGED = 500, 1_000
"""In one call of a socket, and of a back office."""
MOST_LISTED = 1_000
"""Members a socket is told at once: a page that fits into an outbox."""


@handles(Join)
def join(d: Decision, c: Join) -> Done:
    row = d.conversation(c.conversation)
    user = d.actor().id
    check_conversation(d, c.signature, Action.INVITE, row.id, (user,))
    if d.member(row.id, user) is not None:
        return Done(time_ms=d.now)
    allowed = row.kind == Kind.ROOM or (row.kind == Kind.GROUP and d.hub.app.settings.open_groups)
    if not (allowed or d.caller.privileged):
        unless = ", or have the app set open_groups" if row.kind == Kind.GROUP else ""
        raise Refused(Reason.NOT_ALLOWED, f"this conversation is by invitation: ask a member to add you{unless}")
    _check_not_blocked(d, row, user)
    check_limit(d, row.kind, row.most, len(d.hub.tables.members.get(row.id, ())) + 1)
    _add(d, row, [user], by=user)
    return Done(time_ms=d.now)


def _check_not_blocked(d: Decision, row: ConversationRow, user: str) -> None:
    grave = d.tombstone(row.id, user)
    if grave is not None and grave.blocked:
        raise Refused(Reason.BLOCKED, f"user {user} has been blocked from this conversation")


def _add(d: Decision, row: ConversationRow, users: list[str], by: str) -> None:
    before = d.hub.audience(row.id)
    last_seq = d.head(row.id).last_seq
    for user in users:
        role = Role.OWNER if user == row.owner else Role.MEMBER
        d.put("members", MemberRow(row.id, user, d.now, int(role), last_seq, changed=d.commit, by=by))
        if row.kind != Kind.ROOM:
            d.put("positions", joined_position(d, row.id, user))
        settle(d, row.id, user)
    app = d.hub.app.id
    sessions = [session for user in users for session in d.hub.sessions_of(user)]
    d.post(sessions, ConversationJoined(app=app, conversation=row.id, by=by, kind=row.kind))
    d.post(before, MembersJoined(app=app, conversation=row.id, users=tuple(users), by=by, kind=row.kind))


@handles(Leave)
def leave(d: Decision, c: Leave) -> Done:
    row = d.conversation(c.conversation)
    user = d.actor().id
    if row.kind == Kind.DIRECT:
        raise Refused(Reason.BAD_KIND, "a direct conversation cannot be left")
    member = d.member(row.id, user)
    if member is not None:
        remove(d, row, [member], by=user)
    return Done(time_ms=d.now)


def remove(d: Decision, row: ConversationRow, members: list[MemberRow], by: str, *, blocked: bool = False) -> None:
    audience = d.hub.audience(row.id)
    names = tuple(member.user for member in members)
    own = {session for user in names for session in d.hub.sessions_of(user)}
    for member in members:
        grave = MemberRow(row.id, member.user, member.joined_ms, left_ms=d.now, changed=d.commit, by=by)
        d.put("members", acted(d, grave, Act.BLOCK, blocked=True) if blocked else grave)
        if member.user in d.hub.tables.positions.get(row.id, ()):
            d.delete("positions", row.id, member.user)
    if row.owner in names:
        d.put("conversations", msgspec.structs.replace(row, owner="", changed=d.commit))
    app = d.hub.app.id
    d.post(tuple(own), ConversationLeft(app=app, conversation=row.id, by=by, kind=row.kind))
    rest = tuple(session for session in audience if session not in own)
    skip = told_too(d) if blocked else None
    d.post(rest, MembersLeft(app=app, conversation=row.id, users=names, by=by, kind=row.kind), skip=skip)


def told_too(d: Decision) -> int | None:
    """`skip` of a push about who is muted or blocked: LeanCloud's clients learn of their own deeds by it."""
    session = d.caller.session
    return 0 if session is not None and session.wire == LEANCLOUD else None


@handles(ListMembers)
def list_members(d: Decision, c: ListMembers) -> MemberList:
    row = d.conversation(c.conversation)
    d.own_member(row.id)
    everybody = d.hub.tables.members.get(row.id, {})
    size = c.size if d.caller.session is None else min(c.size or MOST_LISTED, MOST_LISTED)
    start = (max(c.page, 1) - 1) * size
    presence, positions = d.hub.presence, d.hub.tables.positions.get(row.id, {})
    members = []
    for member in islice(everybody.values(), start, start + size if size else None):
        position = positions.get(member.user)
        members.append(
            MemberInfo(
                user=member.user,
                role=member.role,
                online=presence.online(member.user),
                muted_until_ms=member.muted_until_ms if member.is_muted(d.now) else 0,
                joined_ms=member.joined_ms,
                read_seq=position.read_seq if position else 0,
                delivered_seq=position.delivered_seq if position else 0,
            )
        )
    return MemberList(members=members, total=len(everybody))


def named(d: Decision, users: tuple[str, ...]) -> list[str]:
    names = list(dict.fromkeys(users))
    if not names:
        raise Refused(Reason.MISSING_FIELD, "the call names no users")
    most = MOST_MANAGED if d.caller.session is None and d.caller.privileged else MOST_NAMED
    if len(names) > most:
        raise Refused(Reason.TOO_LARGE, f"one call may name {most} users, not {len(names)}")
    return names


def _check_changeable(row: ConversationRow) -> None:
    if row.kind == Kind.DIRECT:
        raise Refused(Reason.BAD_KIND, "a direct conversation keeps its two members; create a group instead")


@handles(AddMembers)
def add_members(d: Decision, c: AddMembers) -> MembersChanged:
    row = d.conversation(c.conversation)
    need_to_change(d, row)
    _check_changeable(row)
    check_conversation(d, c.signature, Action.INVITE, row.id, c.users)
    names = named(d, c.users)
    if c.strict:
        d.users(names)
    allowed: list[str] = []
    joining: list[str] = []
    failed: list[MemberFailure] = []
    count = len(d.hub.tables.members.get(row.id, ()))
    for name in names:
        if d.member(row.id, name) is not None:
            allowed.append(name)
            continue
        try:
            if not c.newcomers:
                d.user(name)
            _check_not_blocked(d, row, name)
            check_limit(d, row.kind, row.most, count + len(joining) + 1)
            if c.newcomers:
                ensure(d, name)
        except Refused as refused:
            if c.strict:
                raise
            failed.append(MemberFailure(name, refused.reason.value))
            continue
        allowed.append(name)
        joining.append(name)
    if joining:
        _add(d, row, joining, by=d.caller.user)
    return MembersChanged(allowed=allowed, failed=failed, time_ms=d.now)


@handles(RemoveMembers)
def remove_members(d: Decision, c: RemoveMembers) -> MembersChanged:
    names = named(d, c.users)
    row = d.conversation(c.conversation)
    d.need_role(row, Role.MEMBER if names == [d.caller.user] else Role.MANAGER)
    _check_changeable(row)
    check_conversation(d, c.signature, Action.KICK, row.id, c.users)
    allowed: list[str] = []
    leaving: list[MemberRow] = []
    failed: list[MemberFailure] = []
    stays = len(d.hub.tables.members.get(row.id, ())) > 2
    for name in names:
        member = d.member(row.id, name)
        if member is None:
            refused = False
        elif member.role == Role.OWNER:
            refused = stays or name != d.caller.user  # with one other at most there is nothing left to own
        else:
            refused = name != d.caller.user and is_above(d, member)
        if refused:
            if c.strict:
                raise Refused(Reason.NOT_ALLOWED, f"{name} cannot be removed here; nobody was")
            failed.append(MemberFailure(name, Reason.NOT_ALLOWED.value))
            continue
        allowed.append(name)
        if member is not None:
            leaving.append(member)
    if leaving:
        remove(d, row, leaving, by=d.caller.user)
    return MembersChanged(allowed=allowed, failed=failed, time_ms=d.now)


@handles(SetMembers)
def set_members(d: Decision, c: SetMembers) -> Done:
    row = d.conversation(c.conversation)
    if row.kind not in (Kind.GROUP, Kind.ROOM):
        raise Refused(Reason.BAD_KIND, "only groups and rooms have an owner and members that can be replaced")
    d.need_role(row, Role.OWNER)
    before = d.hub.tables.members.get(row.id, {})
    owner = (row.owner if row.owner in before else "") if c.owner is None else d.user(c.owner).id
    wanted = d.users([*([owner] if owner else []), *(before if c.users is None else c.users)])
    joining = [user for user in wanted if user not in before]
    for user in joining:
        _check_not_blocked(d, row, user)
    if joining:
        check_limit(d, row.kind, row.most, len(wanted))
    named = set(wanted)
    leaving = [member for user, member in before.items() if user not in named]
    if owner != row.owner:
        _hand_over(d, row, owner)
        row = msgspec.structs.replace(row, owner=owner, updated_ms=d.now, changed=d.commit)
        d.put("conversations", row)
    if joining:
        _add(d, row, joining, by=d.caller.user)
    if leaving:
        remove(d, row, leaving, by=d.caller.user)
    return Done(time_ms=d.now)


def _hand_over(d: Decision, row: ConversationRow, owner: str) -> None:
    """The roles of those who are members now; whoever leaves in the same step loses his with it."""
    for user, role in ((row.owner, Role.MEMBER), (owner, Role.OWNER)):
        member = d.member(row.id, user)
        if member is not None:
            d.put("members", msgspec.structs.replace(member, role=int(role), changed=d.commit))


def is_above(d: Decision, member: MemberRow) -> bool:
    """Whether this member has a role the caller may not act on: the owner's, or a manager's own."""
    own = d.member(member.conversation, d.caller.user)
    return not d.caller.privileged and own is not None and member.role >= max(own.role, Role.MANAGER)


def target(d: Decision, row: ConversationRow, user: str, least: Role) -> MemberRow:
    """The member acted on; nobody but management acts on the owner or, as a manager, on another manager."""
    d.need_role(row, least)
    member = d.member(row.id, user)
    if member is None:
        d.user(user)
        raise Refused(Reason.NOT_A_MEMBER, f"user {user} is not a member of this conversation")
    if is_above(d, member):
        raise Refused(Reason.NOT_ALLOWED, f"user {user} has a role in this conversation that you may not act on")
    return member


def acted(d: Decision, member: MemberRow, act: Act, **changes: Any) -> MemberRow:
    return msgspec.structs.replace(member, act=int(act), act_ms=d.now, act_by=d.caller.user, changed=d.commit, **changes)


@handles(SetRole)
def set_role(d: Decision, c: SetRole) -> Done:
    row = d.conversation(c.conversation)
    member = target(d, row, c.user, Role.OWNER)
    if c.role not in (Role.MEMBER, Role.MANAGER):
        raise Refused(Reason.BAD_FORMAT, f"role must be 0 member or 1 manager, not {c.role}")
    if member.role == Role.OWNER:
        raise Refused(Reason.NOT_ALLOWED, "the owner stays the owner")
    d.put("members", acted(d, member, Act.ROLE, role=c.role))
    push = RoleChanged(app=d.hub.app.id, conversation=row.id, user=c.user, role=c.role, by=d.caller.user, kind=row.kind)
    d.post(d.hub.on_wire(d.hub.audience(row.id), LEANCLOUD), push)
    return Done(time_ms=d.now)
