"""Who is connected, what a connection waits for, and how one is ended."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.parley.endpoints.shapes import done, next_start, number, words
from adminapi.dialects.parley.schemas import people as schemas
from adminapi.dialects.parley.schemas.common import DONE
from adminapi.schemas import About
from protocol.commands import ConnectionSeen, InspectConnection, InspectSessions, Kick, SessionsSeen
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import name_or, text_or

routes = Routes()


@routes.add("GET", "/-/api/apps/{app}/sessions", about=About(answer=schemas.SESSIONS, query=schemas.SESSIONS_ASKED))
async def list_sessions(ask: Ask, broker: Broker) -> Answer:
    """Live sessions, oldest first.

    With `search` those in whose user, device or address it is."""
    start = number(ask, "start", 0, 0, 1_000_000)
    command = InspectSessions(
        app=ask.app.id,
        user=ask.query.get("user", "") or "",
        skip=start,
        limit=number(ask, "limit", 100, 1, schemas.SESSIONS_MOST),
        search=words(ask, "search"),
    )
    reply = cast(SessionsSeen, await broker.call(command))
    rows = [{key: getattr(session, key) for key in session.__struct_fields__} for session in reply.sessions]
    return json_answer({"sessions": rows, "next": next_start(start, len(rows), reply.total), "total": reply.total})


@routes.add("GET", "/-/api/apps/{app}/sessions/{session}", about=About(answer=schemas.CONNECTION))
async def get_session(ask: Ask, broker: Broker) -> Answer:
    """What a session waits for, and since when.

    Spans of time are in milliseconds before now, -1 where it is not so."""
    unknown = Refused(Reason.UNKNOWN_USER, "No connection of this app has this session now.")
    try:
        seen = cast(ConnectionSeen, await broker.call(InspectConnection(session=ask.path["session"])))
    except Refused as refused:
        raise unknown if refused.reason is Reason.NOT_LOGGED_IN else refused from None
    if seen.app != ask.app.id:
        raise unknown
    shown = {name: getattr(seen, name) for name in seen.__struct_fields__ if name not in ("app", "stopped")}
    stopped = seen.stopped and {name: getattr(seen.stopped, name) for name in seen.stopped.__struct_fields__}
    return json_answer({**shown, "stopped": stopped})


@routes.add(
    "POST",
    "/-/api/apps/{app}/users/{user}/kick",
    about=About(answer=DONE, body=schemas.KICK),
    role=OperatorRole.SUPPORT,
)
async def kick(ask: Ask, broker: Broker) -> Answer:
    """End the user's sessions, or those of one device."""
    data = ask.json_object()
    device = None if data.get("device") is None else name_or(data, "device", 128)
    return await done(ask, broker, Kick(user=ask.path["user"], device=device, reason=text_or(data, "reason", 256)))
