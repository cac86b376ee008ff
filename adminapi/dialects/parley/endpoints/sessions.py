"""Who is connected, what a connection waits for, and how one is ended."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.parley import schemas
from adminapi.dialects.parley.endpoints.shapes import done, number
from adminapi.schemas import About
from protocol.commands import Kick, ListSessions, SessionList
from protocol.wires.native.fields import name_or, text_or

routes = Routes()


@routes.add("GET", "/-/api/apps/{app}/sessions", about=About(answer=schemas.SESSIONS, query=schemas.SESSIONS_ASKED))
async def list_sessions(ask: Ask, broker: Broker) -> Answer:
    """Live sessions, oldest first."""
    command = ListSessions(
        user=ask.query.get("user", "") or "",
        skip=number(ask, "skip", 0, 0, 1_000_000),
        limit=number(ask, "limit", 100, 1, 1000),
    )
    reply = cast(SessionList, await broker.call(ask.managed(command)))
    keys = ("session", "user", "device", "platform", "tag", "wire", "since_ms")
    rows = [{key: getattr(session, key) for key in keys} for session in reply.sessions]
    return json_answer({"sessions": rows, "total": reply.total})


@routes.add(
    "POST",
    "/-/api/apps/{app}/users/{user}/kick",
    about=About(answer=schemas.DONE, body=schemas.KICK),
    role=OperatorRole.SUPPORT,
)
async def kick(ask: Ask, broker: Broker) -> Answer:
    """End the user's sessions, or those of one device."""
    data = ask.json_object()
    device = None if data.get("device") is None else name_or(data, "device", 128)
    return await done(ask, broker, Kick(user=ask.path["user"], device=device, reason=text_or(data, "reason", 256)))
