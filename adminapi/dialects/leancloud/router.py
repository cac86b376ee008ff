"""The router: where a client's SDK asks for the address of the sockets (LC-30; `protocols.md` 2.1).

The law: it is open and looks nobody up, as a client asks before it has anything to show; so it says the same for every
app, and a Host that is none is never repeated. The older SDK asks at `/v1/route`, the newer one at `/2/route`.
`secure=true` is answered with the TLS listener where there is one; where a proxy ends TLS instead, `[admin] socket_url`
says so.
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
    """`url` as the operator has set it; "": made of the request's Host and the port of `listen`, `host:port`, or where a
    secure one is asked for and there is one, of `tls_listen`."""

    def __init__(self, url: str, listen: str, tls_listen: str = "") -> None:
        self.url = url
        self.listen = listen
        self.tls_listen = tls_listen

    @property
    def routes(self) -> Routes:
        found = Routes()
        for path in PATHS:
            found.add("GET", path, about=About(answer=schemas.ROUTE, query=schemas.ROUTED), open=True)(self.route)
        return found

    async def route(self, ask: Ask, broker: Broker) -> Answer:
        """LC-30. Where the sockets are.

        Open to everybody; the same for every app."""
        url = self.url or self.beside(ask.base_url, secure=ask.query.get("secure") == "true")
        return json_answer({"server": url, "secondary": url, "ttl": TTL_SECONDS})

    def beside(self, base_url: str, *, secure: bool = False) -> str:
        """The sockets' own port at the host that was asked."""
        scheme, listen = ("wss", self.tls_listen) if secure and self.tls_listen else ("ws", self.listen)
        port = listen.rpartition(":")[2]
        try:
            host = urlsplit(base_url).hostname or ""
            host = f"[{host}]" if ":" in host else host
            address(f"{host}:{port}")
        except (BadSettings, ValueError):  # a Host that is none
            return f"{scheme}://{listen}"
        return f"{scheme}://{host}:{port}"
