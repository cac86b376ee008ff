"""The router: where a client's SDK asks for the address of the sockets (LC-30; `protocols.md` 2.1).

The law: it is open and looks nobody up, as a client asks before it has anything to show; so it says the same for every
app. The older SDK asks at `/v1/route`, the newer one at `/2/route`. `secure=true` is answered with the TLS listener where
there is one; where a proxy ends TLS instead, `[admin] socket_url` says so.
"""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import schemas
from adminapi.schemas import About
from protocol.sockets import Sockets

PATHS = ("/v1/route", "/2/route")
TTL_SECONDS = 3600


class Router:
    """Its two routes."""

    def __init__(self, sockets: Sockets) -> None:
        self.sockets = sockets

    @property
    def routes(self) -> Routes:
        found = Routes()
        for path in PATHS:
            found.add("GET", path, about=About(answer=schemas.ROUTE, query=schemas.ROUTED), open=True)(self.route)
        return found

    async def route(self, ask: Ask, broker: Broker) -> Answer:
        """LC-30. Where the sockets are.

        Open to everybody; the same for every app."""
        url = self.sockets.at(ask.base_url, secure=ask.query.get("secure") == "true")
        return json_answer({"server": url, "secondary": url, "ttl": TTL_SECONDS})
