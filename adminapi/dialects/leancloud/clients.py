"""What the client SDK of a released app asks over REST: the time, what it missed, roles, and a signature to log in with
(LC-30; `protocols.md` 2.11, 2.12).

The law: such a client proves the app with the app key alone (`proof.FOR_APPS`), which anybody can read, so the key opens
nothing by itself: what is said depends on whose token is shown, and nothing is said that his socket would not be told. A
session token holds here as long as the session it was given to: who was kicked or banned, or has logged out, holds none.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import fields, schemas
from adminapi.dialects.leancloud.shapes import Row, named
from adminapi.schemas import About
from protocol.commands import ListMembers, ListMissed, ListSessions, Managed, MemberList, Missed, SessionList
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST
from protocol.records import Role
from protocol.signatures import VALID_MS, Action, sign_action
from protocol.tokens import name_in, read_jwt, read_session_token
from protocol.wires.leancloud.members import ROLE_NAMES
from protocol.wires.leancloud.names import iso
from protocol.wires.leancloud.pushes import hyphened, is_own, notification
from protocol.wires.native.fields import bad, name

routes = Routes()

TOKEN = "x-lc-im-session-token"
TOKEN_MOST = 8192
NONCE_BYTES = 8
PAGE = 100
PERMANENT, DROPPABLE = "permanent", "droppable"


@routes.add("GET", "/1.1/date", about=About(answer=schemas.DATE), open=True)
async def date(ask: Ask, broker: Broker) -> Answer:
    """LC-30. What time it is."""
    return json_answer({"__type": "Date", "iso": iso(round(ask.now_s * 1000))})


async def asking(ask: Ask, broker: Broker) -> str:
    """Whose session token the request shows; "" for a back office, which needs none. 4105, 4112."""
    assert ask.caller is not None
    if ask.caller.privileged:
        return ""
    text = ask.headers.get(TOKEN, "").strip()
    if not text:
        raise Refused(Reason.NOT_LOGGED_IN, "Send X-LC-IM-Session-Token, as the socket's login gave it.")
    token = read_session_token(ask.app.keys(ask.now_ms, "secret"), text, ask.now_ms)
    if token.app != ask.app.id or ask.query.get("client_id", token.user) != token.user:
        raise Refused(Reason.BAD_TOKEN, "The session token is not this client's.")
    looking = Managed(app=ask.app.id, rev=ask.app.rev, command=ListSessions(user=token.user))
    sessions = cast(SessionList, await broker.call(looking)).sessions
    if f"{token.session:016x}" not in {session.session for session in sessions}:
        raise Refused(Reason.BAD_TOKEN, "The session of this token is over; log in again.")
    return token.user


@routes.add("GET", "/1.1/rtm/notifications", about=About(answer=schemas.NOTIFICATIONS, query=schemas.MISSED))
async def notifications(ask: Ask, broker: Broker) -> Answer:
    """LC-30. What others did to a client and in its conversations after `start_ts`.

    Of the last 30 days. With the app key, `X-LC-IM-Session-Token` says whose it is; with the master key, `client_id`.
    Asked for `permanent` all is told, for `droppable` what is about others, for neither both apart; a client that asks so
    reads no second page, and is told to fetch its conversations anew."""
    user = await asking(ask, broker)
    said = fields.request(ask)
    since = fields.integer(said, "start_ts", 0, LARGEST, 0)
    kind = said.get("notification_type", "")
    if kind not in ("", PERMANENT, DROPPABLE):
        bad("notification_type", f"{PERMANENT}, {DROPPABLE}, or absent")
    command = ask.managed(ListMissed(since_ms=since, limit=PAGE), user=user or fields.user(said, "client_id"))
    missed = cast(Missed, await broker.call(command))
    told = [notification(event) for event in missed.events]
    if kind == PERMANENT:
        return json_answer(_page(missed, told))
    others = _page(missed, [hyphened(each) for each in told if not is_own(each)])
    if kind == DROPPABLE:
        return json_answer(others)
    own = _page(missed, [each for each in told if is_own(each)])
    return json_answer({PERMANENT: own, DROPPABLE: {**others, "invalidLocalConvCache": missed.more}})


def _page(missed: Missed, told: list[dict[str, Any]]) -> dict[str, Any]:
    return {"hasMore": missed.more, "notifications": told}


@routes.add("GET", "/1.1/classes/_ConversationMemberInfo", about=About(answer=schemas.ROLES, query=schemas.ROLES_OF))
async def list_roles(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Who is owner and who manager of a conversation.

    With the app key, `X-LC-IM-Session-Token` says who asks: a member."""
    said = fields.request(ask)
    cid = name(fields.where(said) or said, "cid")  # the SDK for Swift says no `where`
    conversation = fields.conversation(ask, cid)
    command = ask.managed(ListMembers(conversation=conversation), user=await asking(ask, broker))
    members = cast(MemberList, await broker.call(command)).members
    rows = [
        {"cid": named(ask, conversation, cid), "clientId": member.user, "role": ROLE_NAMES[member.role]}
        for member in members
        if member.role != Role.MEMBER
    ]
    return json_answer({"results": rows})


@routes.add("POST", "/1.1/rtm/sign", about=About(answer=schemas.SIGNATURE, body=schemas.SIGNED))
async def sign(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The signature with which a user logs in on a socket.

    `session_token` is the token the app's own server made for the user, not more than 6 hours ago."""
    return json_answer(signed(ask)[1])


@routes.add("GET", "/1.2/rtm/clients/sign", about=About(answer=schemas.CLIENT_SIGNATURE, query=schemas.SIGNED_BY_QUERY))
async def sign_client(ask: Ask, broker: Broker) -> Answer:
    """LC-30. The same by its later path, which says whose it is."""
    user, signature = signed(ask)
    return json_answer({**signature, "client_id": user})


def signed(ask: Ask) -> tuple[str, Row]:
    """The user whose `session_token` it is, and his signature."""
    token = name(fields.request(ask), "session_token", TOKEN_MOST)
    claims = read_jwt(ask.app.keys(ask.now_ms, "secret"), token, ask.now_s)
    user = name_in(claims)
    if user is None or ":" in user or "act" in claims or claims.get("app_id", ask.app.id) != ask.app.id:
        raise Refused(Reason.BAD_TOKEN, "The session_token is not one with which a user of this app logs in.")
    timestamp, nonce = signing_time(claims, ask.now_ms), secrets.token_hex(NONCE_BYTES)
    signature = sign_action(ask.app.master_key, Action.LOGIN, ask.app.id, user, str(timestamp), nonce)
    return user, {"signature": signature, "timestamp": timestamp, "nonce": nonce}


def signing_time(claims: Mapping[str, object], now_ms: int) -> int:
    """The token's own time, if it has one: what withdraws the token has to withdraw the signature made of it."""
    issued = claims.get("iat")
    if not isinstance(issued, int | float):
        return now_ms
    at = min(issued * 1000, now_ms)
    if now_ms - at >= VALID_MS:
        raise Refused(
            Reason.BAD_TOKEN, "The session_token was made more than 6 hours ago; ask the app's server for a new one."
        )
    return int(at)
