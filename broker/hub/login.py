"""Login, take-over of a slot, logout, and sessions ended from outside (DESIGN 3)."""

from __future__ import annotations

import re

import msgspec

from broker.hub.decision import Decision, Prove, check_user_id
from broker.hub.hub import Hub, handles
from broker.hub.newcomers import new_name
from broker.hub.rows import UserRow
from broker.hub.session import LEANCLOUD, WIRE_RULES, Session, slot_of
from broker.hub.signed import check, login_asks
from protocol.commands import Done, Kick, ListSessions, LoggedIn, Login, Logout, RenewToken, SessionList, TokenRenewed
from protocol.errors import CloseReason, Reason, Refused
from protocol.signatures import Action
from protocol.tokens import (
    SESSION_TOKEN_MS,
    SessionToken,
    make_session_token,
    name_in,
    read_jwt,
    read_session_token,
)
from protocol.wires.wire import Ending

NATIVE_NAME = re.compile(r"[\w.@+-]{1,128}")
"""What a user made by a native login may be called: letters and digits (ZD-33) and what other dialects allow in ids."""


@handles(Login)
def login(d: Decision, c: Login) -> LoggedIn:
    hub = d.hub
    if d.caller.session is not None:
        raise Refused(Reason.NOT_ALLOWED, f"this connection is logged in as {d.caller.session.user} already")
    if not c.user and c.wire == LEANCLOUD:
        c = msgspec.structs.replace(c, user=new_name(d))
    row = hub.tables.users.get(c.user)
    if row is not None and row.deleted:
        raise Refused(Reason.UNKNOWN_USER, f"user {c.user} has been deleted")
    if row is not None and row.banned:
        raise Refused(Reason.BANNED, f"user {c.user} is banned")
    device, tag = c.device, c.tag
    continues = shown_ms = 0
    if c.session_token:
        token = _check_session_token(d, c, row)
        device, tag, continues, shown_ms = token.device, token.tag, token.session, token.issued_ms
    elif c.token:
        _check_jwt(d, c, row)
    elif c.password:
        _check_password(d, c, row)
    elif login_asks(d, c.wire):
        check(d, c.signature, Action.LOGIN, c.user)
    elif hub.app.settings.token_required:
        raise Refused(Reason.BAD_TOKEN, "this app wants a token, a password or a session_token at login")
    if row is None:
        _create_user(d, c)

    rule = hub.app.settings.multi_login or WIRE_RULES.get(c.wire, "none")
    slot = slot_of(rule, d.caller.connection, c.user, device, tag, c.platform)
    holder = hub.sessions.get(hub.slots.get(slot, 0))
    leaving: list[Session] = []
    replaced = False
    if holder is not None:
        leaving.append(holder)
        if holder.id == continues:
            d.end(holder.id, Ending(CloseReason.CONTINUED))
        else:
            if c.reconnect and shown_ms <= holder.issued_ms:
                raise Refused(Reason.LOGIN_CONFLICT, f"{c.user} has logged in elsewhere since; this session is over")
            wait = hub.swaps.wait_ms(slot, d.now)
            if wait:
                raise Refused(
                    Reason.LOGIN_CONFLICT,
                    f"two logins of {c.user} keep replacing each other; wait {wait} ms",
                    retry_after_ms=wait,
                )
            d.end(holder.id, Ending(CloseReason.REPLACED, device=device))
            d.then(hub.swaps.lost, holder.id, slot, d.now)
            replaced = True
    staying = [number for number in hub.by_user.get(c.user, ()) if holder is None or number != holder.id]
    for number in staying[: max(len(staying) + 1 - hub.app.settings.sessions_per_user, 0)]:
        leaving.append(hub.sessions[number])
        d.end(number, Ending(CloseReason.REPLACED, device=device))
        replaced = True

    issued = max(d.when.wall_ms, row.tokens_from_ms if row else 0)
    session = Session(
        d.caller.connection,
        c.user,
        slot,
        d.now,
        device=device,
        platform=c.platform,
        tag=tag,
        install=c.install,
        wire=c.wire,
        issued_ms=issued,
        newest=hub.mint.last,
        replaced=replaced,
    )
    before = hub.sessions.get(continues)
    if before is not None and before.will is not None:
        session.will = before.will  # also where the two have no slot in common: he is back, so nobody is lost
        d.then(setattr, before, "will", None)
    d.then(_take_over, hub, session, leaving, d.now)
    return LoggedIn(
        time_ms=d.now,
        app=hub.app.id,
        user=c.user,
        device=device,
        session_token=_token_of(hub, session, issued),
        frames_per_second=hub.app.settings.frames_per_second,
    )


def _token_of(hub: Hub, session: Session, issued: int) -> str:
    until = issued + SESSION_TOKEN_MS
    token = SessionToken(hub.app.id, session.user, session.device, session.tag, session.id, issued, until)
    return make_session_token(hub.app.secret, token)


@handles(RenewToken)
def renew_token(d: Decision, c: RenewToken) -> TokenRenewed:
    session = d.caller.session
    if session is None:
        raise Refused(Reason.NOT_LOGGED_IN, "log in first")
    issued = max(d.when.wall_ms, d.actor().tokens_from_ms)
    d.then(setattr, session, "issued_ms", issued)
    return TokenRenewed(time_ms=d.now, session_token=_token_of(d.hub, session, issued))


def _take_over(hub: Hub, session: Session, leaving: list[Session], now_ms: int) -> None:
    """The new one enters first, so presence does not flicker."""
    hub.enter(session, now_ms)
    for old in leaving:
        hub.leave(old.id, now_ms, at_once=False)


def _create_user(d: Decision, c: Login) -> None:
    if not d.hub.app.settings.create_users:
        raise Refused(Reason.UNKNOWN_USER, f"there is no user {c.user}, and logins make none in this app")
    if c.wire == "native" and not NATIVE_NAME.fullmatch(c.user):
        raise Refused(Reason.BAD_USER_ID, f"client_id {c.user!r} may hold letters, digits and . _ - @ + only")
    check_user_id(c.user)
    if not d.when.storage:
        raise Refused(Reason.STORAGE_UNAVAILABLE, "no disk space to create the user; nothing was done")
    d.put("users", UserRow(c.user, d.now, c.attributes))


def _check_session_token(d: Decision, c: Login, row: UserRow | None) -> SessionToken:
    token = read_session_token(d.hub.app.keys(d.when.wall_ms, "secret"), c.session_token, d.when.wall_ms)
    if token.app != d.hub.app.id or token.user != c.user:
        raise Refused(Reason.BAD_TOKEN, "the session token belongs to another user")
    if (c.device and c.device != token.device) or (c.tag and c.tag != token.tag):
        raise Refused(Reason.BAD_TOKEN, "the session token belongs to another device or tag")
    if row is None or token.issued_ms < row.tokens_from_ms:
        raise Refused(Reason.BAD_TOKEN, "the session token has been withdrawn; log in with token or password")
    return token


def _check_jwt(d: Decision, c: Login, row: UserRow | None) -> None:
    claims = read_jwt(d.hub.app.keys(d.when.wall_ms, "secret"), c.token, d.when.wall_ms / 1000)
    if name_in(claims) != c.user:
        raise Refused(Reason.BAD_TOKEN, f"the token is not for user {c.user}")
    issued = claims.get("iat")
    if row is not None and isinstance(issued, int | float) and issued * 1000 < row.tokens_from_ms - 1000:
        raise Refused(Reason.BAD_TOKEN, "the token was issued before this user's tokens were withdrawn")


def _check_password(d: Decision, c: Login, row: UserRow | None) -> None:
    if row is None:
        raise Refused(Reason.UNKNOWN_USER, f"there is no user {c.user}")
    if not row.password:
        raise Refused(Reason.WRONG_PASSWORD, f"user {c.user} has no password; log in with a token")
    if d.proven != row.password:
        raise Prove(row.password, c.password)


@handles(Logout)
def logout(d: Decision, c: Logout) -> Done:
    if d.caller.session is None:
        raise Refused(Reason.NOT_LOGGED_IN, "log in first")
    d.then(_leave_at_once, d.hub, d.caller.session.id, d.now)
    return Done(time_ms=d.now)


def end_sessions(d: Decision, user: str, ending: Ending, device: str | None = None) -> None:
    """End a user's sessions (on one device, if given); others see him offline at once."""
    for number in d.hub.sessions_of(user):
        if device is None or d.hub.sessions[number].device == device:
            d.end(number, ending)
            d.then(_leave_at_once, d.hub, number, d.now)
    if device is None:
        d.then(d.hub.presence.end_grace, user, d.now)


def _leave_at_once(hub: Hub, number: int, now_ms: int) -> None:
    hub.leave(number, now_ms, at_once=True)


def withdraw_tokens(d: Decision, row: UserRow) -> UserRow:
    """A row after which every session token issued so far is refused."""
    return msgspec.structs.replace(row, tokens_from_ms=d.when.wall_ms + 1)


@handles(Kick)
def kick(d: Decision, c: Kick) -> Done:
    row = d.user(c.user)
    d.put("users", withdraw_tokens(d, row))
    end_sessions(d, c.user, Ending(CloseReason.KICKED, text=c.reason), c.device)
    return Done(time_ms=d.now)


@handles(ListSessions)
def list_sessions(d: Decision, c: ListSessions) -> SessionList:
    numbers = d.hub.sessions_of(c.user) if c.user else list(d.hub.sessions)
    page = numbers[c.skip : c.skip + min(c.limit, 1000)]
    return SessionList(
        sessions=[d.hub.sessions[number].info(d.hub.app.id) for number in page],
        total=len(numbers),
    )
