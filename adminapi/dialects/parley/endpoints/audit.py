"""Who changed what."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley.endpoints.shapes import number, words
from adminapi.dialects.parley.schemas import installation as schemas
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About

LARGEST = 1 << 53
SHOWN = ("app", "user", "operator", "proof", "from", "dialect", "method", "path", "outcome", "time")


def routes_with(services: Services) -> Routes:
    routes = Routes()

    @routes.add(
        "GET",
        "/-/api/audit",
        about=About(answer=schemas.AUDIT, query=schemas.AUDIT_ASKED),
        operators=True,
        alone=True,
    )
    async def audit(ask: Ask, broker: Broker) -> Answer:
        """The audit log, newest first.

        A look goes through 20,000 lines at most and says by `next` where to go on, even if it has found none."""
        limit, before = number(ask, "limit", 100, 1, schemas.AUDIT_MOST), number(ask, "before", 0, 1, LARGEST) or None
        found, further = await services.audit(words(ask, "app"), words(ask, "user"), limit, before)
        lines = [
            {
                "n": line["n"],
                **{name: str(line.get(name, "")) for name in SHOWN},
                "commands": [str(command) for command in line.get("commands", ())],
            }
            for line in found
        ]
        return json_answer({"lines": lines, "next": further})

    return routes
