"""The overview: the last hour, and what happens now."""

from __future__ import annotations

from contextlib import aclosing
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes
from adminapi.dialects.parley.endpoints.streams import FAULT, NDJSON, Admit, Lines, fault, streamed
from adminapi.dialects.parley.schemas import installation as schemas
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About, either
from protocol.commands import ListSamples, Sample, SampleList
from protocol.errors import Refused
from protocol.wires.native.fields import Data

ALL = 1_000
"""More samples than the broker keeps."""
LEVELS = ("at_ms", "sessions", "backlog_commits")
LOOK_SECONDS = 3.0


def routes_with(services: Services, admit: Admit) -> Routes:
    routes = Routes()
    about = About(answer=either(schemas.HOUR, schemas.NOW, FAULT), type=NDJSON)

    @routes.add("GET", "/-/api/live", about=about, operators=True, alone=True)
    async def live(ask: Ask, broker: Broker) -> Answer:
        """Watch the broker.

        Lines of JSON, until you go: first `samples`, the last hour in steps of 5 seconds, then `now` every second. After a
        `fault` (the broker is away, say) `samples` comes anew."""
        return await streamed(ask, broker, admit, hour_and_now(broker))

    async def hour_and_now(broker: Broker) -> Lines:
        async def look(before: Sample | None) -> Sample:
            return (await listed(broker, 0)).now

        begun = False
        watching = services.watch("live", look)
        async with aclosing(watching) as found:
            async for now in found:
                if isinstance(now, Refused):
                    begun = False
                    yield fault(now)
                    continue
                if not begun:
                    try:
                        hour = (await listed(broker, ALL)).samples
                    except Refused as refused:
                        yield fault(refused)
                        continue
                    begun = True
                    yield {"samples": [shape(sample) for sample in hour]}
                yield {"now": shape(now)}

    return routes


async def listed(broker: Broker, limit: int) -> SampleList:
    return cast(SampleList, await broker.call(ListSamples(limit=limit), deadline_seconds=LOOK_SECONDS))


def shape(sample: Sample) -> Data:
    return {
        name: round(value) if name in LEVELS else round(value, 3)
        for name in sample.__struct_fields__
        for value in (getattr(sample, name),)
    }
