"""Who may not speak in a conversation, who may not come back to it, and who wants no notifications of it: one user, or
several who succeed or fail alone.

The law: of a mute or a block all members hear, the one it is about too; LeanCloud's sessions of his are told beside that,
in a push of their own, as their protocol has two words for it; and there the session that did it hears of it as the others
do, for its client changes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from broker.hub.decision import Decision
from broker.hub.hub import handles, scans
from broker.hub.members import acted, named, remove, target, told_too
from broker.hub.newcomers import ensure
from broker.hub.requests import settle
from broker.hub.rows import Act, ConversationRow, MemberRow
from broker.hub.session import LEANCLOUD
from broker.hub.where import STEP
from protocol.commands import (
    Block,
    Done,
    ListBlocked,
    ListMuted,
    MembersChanged,
    Mute,
    Reply,
    SetBlocked,
    SetMuted,
    SetQuiet,
    Unblock,
    Unmute,
    UserNames,
)
from protocol.errors import Reason, Refused
from protocol.pushes import MemberMuted, MembersBlocked, MemberUnmuted, OwnMute
from protocol.records import Kind, MemberFailure, Role

MOST_MUTE_SECONDS = 86_400
MOST_LISTED = 500


def _each(d: Decision, users: tuple[str, ...], act: Callable[[str], None]) -> MembersChanged:
    """Who succeeded and who failed."""
    allowed: list[str] = []
    failed: list[MemberFailure] = []
    for user in named(d, users):
        try:
            act(user)
        except Refused as refused:
            failed.append(MemberFailure(user, refused.reason.value))
        else:
            allowed.append(user)
    return MembersChanged(allowed=allowed, failed=failed, time_ms=d.now)


def _check_somebody_mutes(d: Decision, row: ConversationRow) -> None:
    if row.kind in (Kind.DIRECT, Kind.TEMPORARY) and not d.caller.privileged:
        d.own_member(row.id)
        raise Refused(Reason.NOT_ALLOWED, "only groups and rooms have somebody who may mute")


@handles(Mute)
def mute(d: Decision, c: Mute) -> Done:
    row = d.conversation(c.conversation)
    _check_somebody_mutes(d, row)
    member = target(d, row, c.user, Role.MANAGER)
    if not 0 <= c.seconds <= MOST_MUTE_SECONDS:
        raise Refused(Reason.BAD_FORMAT, f"ttl must be 0 to {MOST_MUTE_SECONDS} seconds, not {c.seconds}")
    _mute(d, row, member, d.now + c.seconds * 1000 if c.seconds else -1)
    return Done(time_ms=d.now)


def _mute(d: Decision, row: ConversationRow, member: MemberRow, until: int) -> None:
    """`until` as in MemberRow: 0 unmutes."""
    if not until and not member.muted_until_ms:
        return
    d.put("members", acted(d, member, Act.MUTE if until else Act.UNMUTE, muted_until_ms=until))
    app, by, user = d.hub.app.id, d.caller.user, member.user
    if until:
        push: MemberMuted | MemberUnmuted = MemberMuted(
            app=app, conversation=row.id, user=user, until_ms=max(until, 0), by=by, kind=row.kind
        )
    else:
        push = MemberUnmuted(app=app, conversation=row.id, user=user, by=by, kind=row.kind)
    d.post(d.hub.audience(row.id), push, skip=told_too(d))
    d.post(
        d.hub.on_wire(d.hub.sessions_of(user), LEANCLOUD),
        OwnMute(app=app, conversation=row.id, muted=bool(until), by=by, kind=row.kind),
    )


@handles(Unmute)
def unmute(d: Decision, c: Unmute) -> Done:
    row = d.conversation(c.conversation)
    _check_somebody_mutes(d, row)
    _mute(d, row, target(d, row, c.user, Role.MANAGER), 0)
    return Done(time_ms=d.now)


@handles(SetMuted)
def set_muted(d: Decision, c: SetMuted) -> MembersChanged:
    row = d.conversation(c.conversation)
    _check_somebody_mutes(d, row)
    d.need_role(row, Role.MANAGER)
    return _each(d, c.users, lambda user: _mute(d, row, target(d, row, user, Role.MANAGER), -1 if c.muted else 0))


@handles(SetQuiet)
def set_quiet(d: Decision, c: SetQuiet) -> Done:
    row = d.conversation(c.conversation)
    d.actor()
    member = d.own_member(row.id)
    if member is not None and member.quiet is not c.quiet:
        d.put("members", msgspec.structs.replace(member, quiet=c.quiet, changed=d.commit))
    return Done(time_ms=d.now)


@handles(Block)
def block(d: Decision, c: Block) -> Done:
    row = d.conversation(c.conversation)
    _check_blockable(d, row)
    leaving = _block(d, row, c.user)
    _tell_blocked(d, row, [c.user], blocked=True)
    if leaving:
        remove(d, row, leaving, by=d.caller.user, blocked=True)
    return Done(time_ms=d.now)


def _check_blockable(d: Decision, row: ConversationRow) -> None:
    if row.kind == Kind.DIRECT:
        raise Refused(Reason.BAD_KIND, "nobody can be blocked from a direct conversation")
    d.need_role(row, Role.OWNER)


def _block(d: Decision, row: ConversationRow, user: str) -> list[MemberRow]:
    """The member who has to be removed for it; whoever is none is blocked now."""
    if d.member(row.id, user) is not None:
        return [target(d, row, user, Role.OWNER)]
    user = d.user(user).id
    grave = d.tombstone(row.id, user) or MemberRow(row.id, user, d.now, left_ms=d.now)
    if not grave.blocked:
        d.put("members", acted(d, grave, Act.BLOCK, blocked=True))
        settle(d, row.id, user)
    return []


def _tell_blocked(d: Decision, row: ConversationRow, users: list[str], *, blocked: bool) -> None:
    """LeanCloud's sessions, those of the blocked and those of the members, each in its own words."""
    own = [session for user in users for session in d.hub.on_wire(d.hub.sessions_of(user), LEANCLOUD)]
    members = d.hub.on_wire(d.hub.audience(row.id), LEANCLOUD)
    rest = [session for session in members if d.hub.sessions[session].user not in users]
    for sessions, told in ((own, True), (rest, False)):
        push = MembersBlocked(
            app=d.hub.app.id,
            conversation=row.id,
            users=tuple(users),
            blocked=blocked,
            own=told,
            by=d.caller.user,
            kind=row.kind,
        )
        d.post(sessions, push, skip=told_too(d))


@handles(Unblock)
def unblock(d: Decision, c: Unblock) -> Done:
    row = d.conversation(c.conversation)
    d.need_role(row, Role.OWNER)
    _unblock(d, row, c.user)
    _tell_blocked(d, row, [c.user], blocked=False)
    return Done(time_ms=d.now)


def _unblock(d: Decision, row: ConversationRow, user: str) -> None:
    grave = d.tombstone(row.id, user)
    if grave is not None and grave.blocked:
        d.put("members", acted(d, grave, Act.UNBLOCK, blocked=False))


@handles(SetBlocked)
def set_blocked(d: Decision, c: SetBlocked) -> MembersChanged:
    row = d.conversation(c.conversation)
    _check_blockable(d, row)
    leaving: list[MemberRow] = []

    def act(user: str) -> None:
        if c.blocked:
            if c.newcomers:
                ensure(d, user)
            leaving.extend(_block(d, row, user))
        else:
            _unblock(d, row, user)

    changed = _each(d, c.users, act)
    if changed.allowed:
        _tell_blocked(d, row, changed.allowed, blocked=c.blocked)
    if leaving:
        remove(d, row, leaving, by=d.caller.user, blocked=True)
    return changed


@scans(ListBlocked)
def list_blocked(d: Decision, c: ListBlocked) -> Iterator[Reply | None]:
    row = d.conversation(c.conversation)
    d.need_role(row, Role.OWNER)
    yield from _names(d.hub.tables.departed.get(row.id, {}), lambda grave: grave.blocked, c)


@scans(ListMuted)
def list_muted(d: Decision, c: ListMuted) -> Iterator[Reply | None]:
    row = d.conversation(c.conversation)
    d.own_member(row.id)
    yield from _names(d.hub.tables.members.get(row.id, {}), lambda member: member.is_muted(d.now), c)


def _names(
    rows: dict[str, MemberRow], test: Callable[[MemberRow], bool], c: ListBlocked | ListMuted
) -> Iterator[Reply | None]:
    found: list[str] = []
    looked = [rows[user] for user in dict.fromkeys(c.among) if user in rows] if c.among else list(rows.values())
    for count, row in enumerate(looked, 1):
        if test(row):
            found.append(row.user)
        if count % STEP == 0:
            yield None
    found.sort()
    start = max(c.skip, 0)
    yield UserNames(users=found[start : start + min(max(c.limit, 1), MOST_LISTED)], total=len(found))
