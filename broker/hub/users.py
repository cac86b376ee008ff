"""Accounts, attributes, bans, friends, and who is online."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from broker.hub import attributes
from broker.hub.attributes import USER_BYTES
from broker.hub.decision import Decision, check_user_id
from broker.hub.hub import handles, scans
from broker.hub.login import end_sessions, withdraw_tokens
from broker.hub.newcomers import new_name
from broker.hub.presence import Presence
from broker.hub.rows import FriendRow, UserRow
from broker.hub.session import Session
from broker.hub.where import USER, compile_sort, compile_where, indexed_users, search
from protocol.commands import (
    AddFriend,
    BanUser,
    DeleteUser,
    Done,
    FriendList,
    GetUser,
    ListFriends,
    ListUsers,
    OnlineUsers,
    PutUser,
    PutVisitor,
    QueryPresence,
    RemoveFriend,
    Reply,
    Subscribe,
    Unsubscribe,
    UpdateUser,
    UserFound,
    UserList,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import MembersLeft, PresenceChange, PresenceChanged
from protocol.records import FriendInfo, UserInfo
from protocol.wires.wire import Ending

MOST_ASKED = 200
MOST_LISTED = 500
MOST_FRIENDS = 5_000
"""They are listed in one answer, which has to fit into an outbox."""


def info(d: Decision, row: UserRow) -> UserInfo:
    return UserInfo(
        user=row.id,
        attributes=row.attributes,
        online=d.hub.presence.online(row.id),
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        banned=row.banned,
        visitor=row.visitor,
    )


@handles(GetUser)
def get(d: Decision, c: GetUser) -> UserFound:
    return UserFound(user=info(d, d.user(c.user) if c.user else d.actor()))


@scans(ListUsers)
def list_users(d: Decision, c: ListUsers) -> Iterator[Reply | None]:
    tables = d.hub.tables
    tests, orders = compile_where(d, c.where, USER), compile_sort(c.sort, USER)
    start, limit = max(c.skip, 0), min(max(c.limit, 0), MOST_LISTED)
    if not tests and not orders:
        shown = [info(d, tables.users[name]) for name in islice(tables.present, start, start + limit)]
        yield UserList(users=shown, total=len(tables.present))
        return
    named = indexed_users(c.where)
    rows: list[UserRow] = []
    yield from search(tables.users, list(tables.present) if named is None else named, tests, orders, rows)
    rows = [row for row in rows if row.id in tables.present]
    shown = [info(d, tables.users[row.id]) for row in rows[start : start + limit]]
    yield UserList(users=shown, total=len(rows))


@handles(UpdateUser)
def update(d: Decision, c: UpdateUser) -> UserFound:
    row = d.actor()
    return _put(d, _described(row, c.attributes, merge=True), known=True)


@handles(PutUser)
def put(d: Decision, c: PutUser) -> UserFound:
    known = _known(d, c.user, visitor=False)
    if known is not None and c.must_be_new:
        raise Refused(Reason.EXISTS, f"user {c.user} exists already")
    row = known or UserRow(c.user, d.now)
    if c.attributes is not None:
        row = _described(row, c.attributes, merge=c.merge)
    if c.password is not None:
        row = msgspec.structs.replace(row, password=c.password)
        if known is not None:
            row = withdraw_tokens(d, row)
    return _put(d, row, known=known is not None)


@handles(PutVisitor)
def put_visitor(d: Decision, c: PutVisitor) -> UserFound:
    name = c.user or new_name(d)
    known = _known(d, name, visitor=True)
    row = known or UserRow(name, d.now, visitor=True)
    return _put(d, _described(row, c.attributes, merge=True), known=known is not None)


def _known(d: Decision, name: str, *, visitor: bool) -> UserRow | None:
    """The row of this id, which is then what is asked for. BAD_USER_ID, EXISTS."""
    check_user_id(name)
    row = d.hub.tables.users.get(name)
    if row is not None and row.deleted:
        raise Refused(Reason.EXISTS, f"{name} was deleted, and ids are not given out again")
    if row is not None and row.visitor is not visitor:
        raise Refused(Reason.EXISTS, f"{name} is the id of {'a visitor' if row.visitor else 'a user'}")
    return row


def _described(row: UserRow, given: bytes, *, merge: bool) -> UserRow:
    said = attributes.changed(row.attributes, given, USER_BYTES, merge=merge)
    return msgspec.structs.replace(row, attributes=said)


def _put(d: Decision, row: UserRow, *, known: bool) -> UserFound:
    if known:
        row = msgspec.structs.replace(row, updated_ms=d.now)
    d.put("users", row)
    return UserFound(user=info(d, row))


@handles(BanUser)
def ban(d: Decision, c: BanUser) -> Done:
    row = d.user(c.user)
    if row.banned is not c.banned:
        row = msgspec.structs.replace(row, banned=c.banned, updated_ms=d.now)
        d.put("users", withdraw_tokens(d, row) if c.banned else row)
    if c.banned:
        end_sessions(d, c.user, Ending(CloseReason.BANNED))
    return Done(time_ms=d.now)


@handles(DeleteUser)
def delete(d: Decision, c: DeleteUser) -> Done:
    row = d.user(c.user)
    end_sessions(d, c.user, Ending(CloseReason.DELETED))
    own = set(d.hub.sessions_of(c.user))
    if d.hub.presence.online(c.user):
        # Afterwards he has no friends who could be told.
        friends = [session for friend in d.hub.tables.friends.get(c.user, ()) for session in d.hub.sessions_of(friend)]
        change = PresenceChange(c.user, False, d.now)
        d.post(friends, PresenceChanged(app=d.hub.app.id, changes=(change,)))
    for conversation in d.hub.tables.memberships.get(c.user, ()):
        rest = tuple(session for session in d.hub.audience(conversation) if session not in own)
        kind = d.hub.tables.conversations[conversation].kind
        push = MembersLeft(app=d.hub.app.id, conversation=conversation, users=(c.user,), by=d.caller.user, kind=kind)
        d.post(rest, push)
    d.put(
        "users",
        UserRow(row.id, row.created_ms, updated_ms=d.now, deleted=True, tokens_from_ms=d.when.wall_ms + 1),
    )
    return Done(time_ms=d.now)


def _pair(d: Decision, other: str) -> tuple[str, str]:
    own = d.actor().id
    if own == other:
        raise Refused(Reason.BAD_FORMAT, "nobody is a friend of himself")
    return (own, other) if own < other else (other, own)


@handles(AddFriend)
def add_friend(d: Decision, c: AddFriend) -> FriendList:
    first, second = _pair(d, d.user(c.user).id)
    friends = _friends(d)
    if c.user not in friends:
        for name, count in ((d.caller.user, len(friends)), (c.user, len(d.hub.tables.friends.get(c.user, ())))):
            if count >= MOST_FRIENDS:
                raise Refused(Reason.FULL, f"user {name} has {MOST_FRIENDS} friends, which is the most there can be")
        d.put("friends", FriendRow(first, second, d.now))
        friends = {**friends, c.user: d.now}
    return _listed(d, friends)


@handles(RemoveFriend)
def remove_friend(d: Decision, c: RemoveFriend) -> FriendList:
    first, second = _pair(d, c.user)
    friends = _friends(d)
    if c.user in friends:
        d.delete("friends", first, second)
        friends = {user: since for user, since in friends.items() if user != c.user}
    return _listed(d, friends)


@handles(ListFriends)
def list_friends(d: Decision, c: ListFriends) -> FriendList:
    return _listed(d, _friends(d))


def _friends(d: Decision) -> dict[str, int]:
    return d.hub.tables.friends.get(d.actor().id, {})


def _listed(d: Decision, friends: dict[str, int]) -> FriendList:
    return FriendList(friends=[FriendInfo(user, d.hub.presence.online(user), since) for user, since in friends.items()])


def _asked(users: tuple[str, ...]) -> list[str]:
    names = list(dict.fromkeys(users))
    if len(names) > MOST_ASKED:
        raise Refused(Reason.TOO_LARGE, f"client_ids may name {MOST_ASKED} users at once, not {len(names)}")
    return names


@handles(QueryPresence)
def query(d: Decision, c: QueryPresence) -> OnlineUsers:
    return _online(d, _asked(c.users))


def _online(d: Decision, users: list[str]) -> OnlineUsers:
    return OnlineUsers(online=[user for user in users if d.hub.presence.online(user)])


def _session(d: Decision) -> Session:
    if d.caller.session is None:
        raise Refused(Reason.NOT_ALLOWED, "only a session can subscribe")
    return d.caller.session


@handles(Subscribe)
def subscribe(d: Decision, c: Subscribe) -> OnlineUsers:
    session, users = _session(d), _asked(c.users)
    Presence.check_room(session, users)
    d.then(d.hub.presence.watch, session, users)
    return _online(d, users)


@handles(Unsubscribe)
def unsubscribe(d: Decision, c: Unsubscribe) -> OnlineUsers:
    users = _asked(c.users)
    d.then(d.hub.presence.unwatch, _session(d), users)
    return _online(d, users)
