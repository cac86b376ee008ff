"""How the installation is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley.schemas import installation as schemas
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About
from protocol.commands import ListQuarantine, Quarantine, Stats, StatsReport, Target, Watermark, WatermarkReport
from protocol.errors import Refused
from protocol.wires.native.fields import Data

routes = Routes()
SECONDS = 3.0
"""The broker has so long to answer each of the questions."""
QUARANTINE_SHOWN = 100


def routes_with(services: Services) -> Routes:
    """All of them; what can be found on this host is a service."""
    own = Routes(routes)

    @own.add("GET", "/-/api/health", about=About(answer=schemas.INSTALLATION), operators=True, alone=True)
    async def installation(ask: Ask, broker: Broker) -> Answer:
        """What is sound and what is not.

        As `parley doctor`, but for what takes long. All but `checks` is null while the broker is away."""
        mark: WatermarkReport | None = None
        counters: Mapping[str, float] = {}
        refused: Quarantine | None = None
        with suppress(Refused):
            counters = cast(StatsReport, await broker.call(Stats(), deadline_seconds=SECONDS)).counters
            refused = cast(Quarantine, await broker.call(ListQuarantine(limit=QUARANTINE_SHOWN), deadline_seconds=SECONDS))
            mark = cast(WatermarkReport, await broker.call(Watermark(), deadline_seconds=SECONDS))
        checks = [
            {name: getattr(check, name) for name in check.__struct_fields__}
            for check in await services.checks(mark, counters)
        ]
        if mark is None or refused is None:
            return json_answer(
                {"checks": checks, "store": None, "journal": None, "quarantine": None, "quarantine_total": None}
            )
        rows = [{name: getattr(row, name) for name in row.__struct_fields__} for row in refused.rows]
        return json_answer(
            {
                "checks": checks,
                "store": {"targets": [target_shape(each, mark.durable) for each in mark.targets]},
                "journal": {
                    "accepted": mark.accepted,
                    "durable": mark.durable,
                    "bytes": round(counters.get("journal_bytes", 0)),
                    "takes": bool(counters.get("storage_available", 1)),
                },
                "quarantine": rows,
                "quarantine_total": refused.total,
            }
        )

    return own


def target_shape(target: Target, durable: int) -> Data:
    return {
        "target": target.target,
        "applied": target.applied,
        "behind": max(durable - target.applied, 0),
        "oldest_unapplied_ms": target.oldest_ms,
    }


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
