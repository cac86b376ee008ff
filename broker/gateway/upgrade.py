"""The upgrade of an HTTP request to WebSocket: what was asked, and the wire that will serve it (RFC 6455 4.2).

The law: a request is held until its head is whole, and is at most `header_bytes` long, in `headers` lines; then it is
parsed once (plain ones by `broker.gateway.request`), and nothing of it stays in memory but what the wire keeps, and what
says nothing of anybody: requests that are equal but for their key, as those of one client program are, share what was read
of the first. Which wire
speaks on which path and sub-protocol is the server's choice (`Choose`); here only HTTP is known. permessage-deflate is never
negotiated: a compressed frame cannot be shared, and is a way to make 64 KiB into 64 MiB (CVE-2018-1000518).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec
from websockets import http11
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from broker.gateway.limits import Limits
from broker.gateway.request import read_plain, take_key
from broker.gateway.websocket import QUIET, WebSocketFraming
from protocol.wires.wire import Wire

QUERY_FIELDS = 32
TOO_LARGE = "Request Header Fields Too Large"
SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
BODY_BYTES = 500
"""Of the answer to a request that is no upgrade."""
KNOWN, KNOWN_BYTES = 256, 1024
"""How many requests are remembered without their keys, and how long they may be."""
PERSONAL = frozenset({"authorization", "cookie", "x-forwarded-for"})
"""Headers of which each client has its own."""


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for. Of a repeated header or query field the last one counts. Clients may share it."""

    path: str
    """Without the query."""
    query: Mapping[str, str]
    subprotocols: Sequence[str]
    """As offered, in the client's order."""
    token: str
    """From `Authorization: Bearer` or `?token=` (SOCKET.md, `login`), "" if neither is there."""
    forwarded: str
    """Whom a proxy says it speaks for: its `X-Forwarded-For`."""


Choose = Callable[[Upgrade], tuple[Wire, str | None]]
"""The wire for a new connection, and the sub-protocol to confirm: one of those offered, or None."""


def read_upgrade(target: str, headers: Mapping[str, str], subprotocols: Sequence[str]) -> Upgrade:
    """An Upgrade from the request's target and headers (names in lower case)."""
    path, _, query_text = target.partition("?")
    query: dict[str, str] = {}
    if query_text:
        try:
            query.update(parse_qsl(query_text, keep_blank_values=True, max_num_fields=QUERY_FIELDS, errors="replace"))
        except ValueError:
            pass  # too many fields: as if there were none
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    token = credentials.strip() if scheme.lower() == "bearer" else query.get("token", "")
    forwarded = headers.get("x-forwarded-for", "")
    return Upgrade(path=path, query=query, subprotocols=subprotocols, token=token, forwarded=forwarded)


_known: dict[bytes, Upgrade] = {}


def read_known(keyless: bytes) -> Upgrade | None:
    """The upgrade this head without its key asks for, read or remembered; None if it has to be read the long way."""
    upgrade = _known.get(keyless)
    if upgrade is None:
        plain = read_plain(keyless)
        if plain is None:
            return None
        upgrade = read_upgrade(plain.target, plain.headers, plain.subprotocols)
        if len(keyless) <= KNOWN_BYTES and not upgrade.token and PERSONAL.isdisjoint(plain.headers):
            if len(_known) >= KNOWN:
                _known.clear()
            _known[keyless] = upgrade
    return upgrade


class Opened(msgspec.Struct, frozen=True):
    """The upgrade succeeded: say `response`, go on with this framing and wire."""

    response: bytes
    framing: WebSocketFraming
    wire: Wire
    forwarded: str
    """As in Upgrade."""


class Rejected(msgspec.Struct, frozen=True):
    """The request is not one we serve: say `response` and close."""

    response: bytes


class _Request(ServerProtocol):
    """A server protocol that serves one request head and remembers what was offered."""

    offered: Sequence[str] = ()

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> None:
        self.offered = subprotocols


class Handshake:
    """A connection's framing until it is upgraded."""

    __slots__ = ("_choose", "_held", "_limits")

    def __init__(self, choose: Choose, limits: Limits) -> None:
        self._choose = choose
        self._limits = limits
        self._held = b""

    def feed(self, data: bytes) -> Opened | Rejected | None:
        """More input came in; None while the head is not whole."""
        held = self._held + data
        end = held.find(b"\r\n\r\n", max(len(self._held) - 3, 0)) + 4
        if end < 4 or end > self._limits.header_bytes:
            if len(held) >= self._limits.header_bytes:
                return Rejected(answer(431, TOO_LARGE))
            self._held = held
            return None
        if held.count(b"\r\n", 0, end) - 2 > self._limits.headers:
            return Rejected(answer(431, TOO_LARGE))
        return self._upgrade(held[:end], held[end:])

    def _upgrade(self, head: bytes, rest: bytes) -> Opened | Rejected:
        keyed = take_key(head)
        upgrade = read_known(keyed[0]) if keyed is not None else None
        if keyed is None or upgrade is None:
            return self._judge(head, rest)
        wire, subprotocol = self._choose(upgrade)
        response = SWITCHING + keyed[1]
        if subprotocol is not None:
            response += f"\r\nSec-WebSocket-Protocol: {subprotocol}"
        framing = WebSocketFraming(self._limits.first_frame_bytes, self._limits.fragments, rest)
        return Opened((response + "\r\n\r\n").encode(), framing, wire, upgrade.forwarded)

    def _judge(self, head: bytes, rest: bytes) -> Opened | Rejected:
        """The long way, by the library, which also says what is wrong."""
        protocol = _Request(logger=QUIET)
        protocol.receive_data(head)
        events = protocol.events_received()
        if not events:
            return Rejected(b"".join(protocol.data_to_send()) or answer(400, "Bad Request"))
        request = events[0]
        assert isinstance(request, http11.Request)
        response = protocol.accept(request)
        if response.status_code != 101:
            if len(response.body) > BODY_BYTES:  # it quotes a header
                return Rejected(answer(response.status_code, response.reason_phrase))
            return Rejected(response.serialize())
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        upgrade = read_upgrade(request.path, headers, protocol.offered)
        wire, subprotocol = self._choose(upgrade)
        if subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = subprotocol
        framing = WebSocketFraming(self._limits.first_frame_bytes, self._limits.fragments, rest)
        return Opened(response.serialize(), framing, wire, upgrade.forwarded)


def answer(status: int, phrase: str) -> bytes:
    """A whole HTTP answer to a request that never became one."""
    body = f"{phrase}.\n"
    return (
        f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
