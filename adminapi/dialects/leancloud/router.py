"""The router: where a client's SDK asks for the address of the sockets (LC-30; `protocols.md` 2.1).

The law: it is open and looks nobody up, as a client asks before it has anything to show; so it says the same for every
app, and a Host that is none is never repeated. The older SDK asks at `/v1/route`, the newer one at `/2/route`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.leancloud import schemas
from adminapi.schemas import About
from protocol.settings import BadSettings, address

PATHS = ("/v1/route", "/2/route")
TTL_SECONDS = 3600


class Router:
    """`url` as the operator has set it; "": made of the request's Host and the port of `listen`, `host:port`."""

    def __init__(self, url: str, listen: str) -> None:
        self.url = url
        self.listen = listen

    @property
    def routes(self) -> Routes:
        found = Routes()
        for path in PATHS:
            found.add("GET", path, about=About(answer=schemas.ROUTE, query=schemas.ROUTED), open=True)(self.route)
        return found

    async def route(self, ask: Ask, broker: Broker) -> Answer:
        """LC-30. Where the sockets are.

        Open to everybody; the same for every app."""
        url = self.url or self.beside(ask.base_url)
        return json_answer({"server": url, "secondary": url, "ttl": TTL_SECONDS})

    def beside(self, base_url: str) -> str:
        """The sockets' own port at the host that was asked."""
        port = self.listen.rpartition(":")[2]
        try:
            host = urlsplit(base_url).hostname or ""
            host = f"[{host}]" if ":" in host else host
            address(f"{host}:{port}")
        except (BadSettings, ValueError):  # a Host that is none
            return f"ws://{self.listen}"
        return f"ws://{host}:{port}"
