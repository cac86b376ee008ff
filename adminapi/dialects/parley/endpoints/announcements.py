"""What is said to everybody of an app who is online."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.parley.schemas import conversations as schemas
from adminapi.schemas import About
from protocol.codec import read_json, write_json
from protocol.commands import Announce, Announced, AnnouncementList, ListAnnouncements
from protocol.wires.native.fields import missing

routes = Routes()
PATH = "/-/api/apps/{app}/announcements"


@routes.add("POST", PATH, about=About(answer=schemas.ANNOUNCED, body=schemas.ANNOUNCE), role=OperatorRole.SUPPORT)
async def announce(ask: Ask, broker: Broker) -> Answer:
    """Say something to everybody who is online.

    It is pushed as `system.new` to 8,000 sessions a second, and not kept for who comes later."""
    data = ask.json_object()
    if "content" not in data:
        missing("content")
    reply = cast(Announced, await broker.call(ask.managed(Announce(content=write_json(data["content"])))))
    return json_answer({"announcement": ask.ids.hex32(reply.announcement), "total": reply.total, "time_ms": reply.time_ms})


@routes.add("GET", PATH, about=About(answer=schemas.ANNOUNCEMENTS))
async def list_announcements(ask: Ask, broker: Broker) -> Answer:
    """What was announced since the broker's start, the newest 20, and how far each has come."""
    reply = cast(AnnouncementList, await broker.call(ask.managed(ListAnnouncements())))
    rows = [
        {
            "announcement": ask.ids.hex32(each.id),
            "content": read_json(each.content),
            "at_ms": each.at_ms,
            "reached": each.reached,
            "total": each.total,
            "done": each.done,
        }
        for each in reply.announcements
    ]
    return json_answer(rows)
