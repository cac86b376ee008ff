"""Where clients find the sockets, as those are told who ask the other program: LeanCloud's SDKs, and our own pages.

The law: the operator has the last word; without one it is the host that was asked, as its caller reaches it, with the port
of the sockets. A Host that is none is never repeated.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from protocol.settings import BadSettings, address


class Sockets(msgspec.Struct, frozen=True):
    """`url` as the operator has set it, or ""; `listen` and `tls_listen` are `host:port`, the latter "" if there is none."""

    url: str = ""
    listen: str = "127.0.0.1:7700"
    tls_listen: str = ""

    def at(self, base_url: str, *, secure: bool = False) -> str:
        """Their URL for who asked at `base_url`. `secure`: by TLS, if there is a listener for it."""
        if self.url:
            return self.url
        scheme, listen = ("wss", self.tls_listen) if secure and self.tls_listen else ("ws", self.listen)
        port = listen.rpartition(":")[2]
        try:
            host = urlsplit(base_url).hostname or ""
            host = f"[{host}]" if ":" in host else host
            address(f"{host}:{port}")
        except (BadSettings, ValueError):  # a Host that is none
            return f"{scheme}://{listen}"
        return f"{scheme}://{host}:{port}"

    @property
    def sources(self) -> list[str]:
        """All that `at` may answer, as a page's policy names it; `{host}` is the host that was asked."""
        if self.url:
            parts = urlsplit(self.url)
            return [f"{parts.scheme}://{parts.netloc}"]
        doors = (("ws", self.listen), ("wss", self.tls_listen))
        return [f"{scheme}://{{host}}:{listen.rpartition(':')[2]}" for scheme, listen in doors if listen]
