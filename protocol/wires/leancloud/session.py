"""Opening, renewing and closing a client's session, and who is online (`protocols.md` 2.4).

The law: tag and device are bound to the session token, because a client that comes back shows nothing else. A client id
has 1 to 64 characters; one that is absent is for the hub to choose.

Readings: who opens again on the connection he has goes on with the session that is there, by a new token, and is told
what is unread: it is proof enough, its tag and device stay, and a client that has lost count of its opens is not left
without one. `deviceToken` and other push installation data are not kept; `lastUnreadNotifTime` is ignored: whoever
opens is told all that is unread.
"""

from __future__ import annotations

from typing import Any

from protocol.codec import is_name
from protocol.commands import Done, LoggedIn, Login, Logout, OnlineUsers, QueryPresence, RenewToken, Signature, TokenRenewed
from protocol.errors import Reason, Refused
from protocol.tokens import SESSION_TOKEN_MS
from protocol.wires.leancloud.errors import FIRST_LOGIN, SESSION
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op
from protocol.wires.leancloud.seat import Parsers, Request, Seat
from protocol.wires.leancloud.unheard import patched_since, undelivered
from protocol.wires.leancloud.unread import greet
from protocol.wires.native.ids import app_ids

PEER_MOST = 64
"""Characters of a client id."""
TAG_MOST = DEVICE_MOST = 128
TOKEN_MOST = 4096
ASKED_MOST = 20
"""Clients of one presence query; what is beyond is left out, as the SDK's document says."""


def signature_of(message: Any) -> Signature | None:
    """The fields s, t, n of a session or conv command."""
    if not message.s:
        return None
    return Signature(message.s[:128], str(message.t), message.n[:256])


def open_session(g: Any, seat: Seat) -> Request:
    said = g.sessionMessage
    if not g.appId or len(g.appId) > PEER_MOST:
        raise Refused(Reason.UNKNOWN_APP, "The open names no app.")
    if g.HasField("peerId"):
        check_peer(g.peerId)
    for name, text, most in (
        ("tag", said.tag, TAG_MOST),
        ("deviceId", said.deviceId, DEVICE_MOST),
        ("st", said.st, TOKEN_MOST),
    ):
        if text and not is_name(text, most):
            raise Refused(Reason.BAD_FORMAT, f"{name} must be text of at most {most} characters without control characters.")
    installation = g.installationId if is_name(g.installationId, DEVICE_MOST) else ""
    command = Login(
        app=g.appId,
        user=g.peerId,
        device=said.deviceId,
        tag=said.tag,
        install=installation,
        session_token=said.st,
        wire="leancloud",
        signature=signature_of(said),
        reconnect=said.r,
    )

    def opened(reply: LoggedIn) -> Any:
        seat.open(reply.user, app_ids(reply.app))
        return _opened(g, seat, reply)

    return Request(command, opened, SESSION if said.st else FIRST_LOGIN)


def reopen(g: Any, seat: Seat) -> Request:
    return Request(RenewToken(), lambda reply: _opened(g, seat, reply), SESSION)


def _opened(g: Any, seat: Seat, reply: LoggedIn | TokenRenewed) -> Any:
    said = g.sessionMessage
    seat.bits = said.configBitmap
    seat.later.append(greet(seat) if seat.unread else undelivered(seat))
    if said.lastPatchTime > 0:
        seat.later.append(patched_since(seat, said.lastPatchTime))
    answer = session(Op.OPENED, st=reply.session_token, stTtl=SESSION_TOKEN_MS // 1000)
    answer.serverTs = reply.time_ms
    return answer


def check_peer(peer: str) -> None:
    if not is_name(peer, PEER_MOST):
        raise Refused(Reason.BAD_USER_ID, f"A client id has 1 to {PEER_MOST} characters, none of them a control character.")


def close(g: Any, seat: Seat) -> Request:
    def closed(reply: Done) -> Any:
        return session(Op.CLOSED)

    return Request(Logout(), closed, SESSION, ends=True)


def refresh(g: Any, seat: Seat) -> Request:
    """The live session is proof enough; what `st` it shows may be over."""

    def refreshed(reply: TokenRenewed) -> Any:
        return session(Op.REFRESHED, st=reply.session_token, stTtl=SESSION_TOKEN_MS // 1000)

    return Request(RenewToken(), refreshed, SESSION)


def query(g: Any, seat: Seat) -> Request:
    users = tuple(dict.fromkeys(g.sessionMessage.sessionPeerIds[:ASKED_MOST]))

    def found(reply: OnlineUsers) -> Any:
        return session(Op.QUERY_RESULT, onlineSessionPeerIds=reply.online)

    return Request(QueryPresence(users=users), found, SESSION)


def session(op: Op, **fields: Any) -> Any:
    return GenericCommand(cmd=Cmd.SESSION, op=op, sessionMessage=fields)


def ended(code: int, reason: str) -> Any:
    """The push that ends a session: the SDK takes 4111 for a conflict, and does not come back by itself."""
    return session(Op.CLOSED, code=code, reason=reason)


REQUESTS: Parsers = {
    (Cmd.SESSION, Op.CLOSE): close,
    (Cmd.SESSION, Op.REFRESH): refresh,
    (Cmd.SESSION, Op.QUERY): query,
}
"""`open` is the wire's own, for it makes the seat."""
