"""How the installation is."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley import schemas
from adminapi.schemas import About
from protocol.commands import Watermark, WatermarkReport

routes = Routes()


@routes.add("GET", "/-/api/watermark", about=About(answer=schemas.WATERMARK), operators=True)
async def watermark(ask: Ask, broker: Broker) -> Answer:
    """How far what was accepted is on disk and in the stores.

    For operators: the numbers count the commits of all apps."""
    reply = cast(WatermarkReport, await broker.call(Watermark()))
    targets = [
        {"target": each.target, "applied": each.applied, "oldest_unapplied_ms": each.oldest_ms} for each in reply.targets
    ]
    oldest = max((each.oldest_ms for each in reply.targets), default=0)
    return json_answer(
        {"accepted": reply.accepted, "durable": reply.durable, "targets": targets, "oldest_unapplied_ms": oldest}
    )
