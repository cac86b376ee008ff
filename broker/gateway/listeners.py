"""Listening sockets: how they are bound, and what stands behind each (`Door`).

The law: a listener's socket is non-blocking, and what every connection needs is set on it and not on what it accepts: Linux
hands options on, which saves a system call each for every accept. Sockets may also come ready made (systemd).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable

import msgspec

from broker.gateway.framing import Framing
from broker.gateway.limits import Limits
from broker.gateway.upgrade import Choose, Handshake
from protocol.wires.wire import Wire

BACKLOG = 4096
"""What Linux allows by default (net.core.somaxconn): a reconnecting crowd waits there instead of being refused."""

UNSENT_BYTES = 131_072
"""What the kernel keeps of bytes it cannot send yet, for a connection; the rest waits in the outbox, where it is counted,
dropped or cut as the settings say. Left alone, Linux takes up to 4 MiB for each peer that does not read (`tcp_wmem`); with
50 of them turns took 5 to 20 ms until it had found that memory, and 4 to free it. What is on its way does not count, so a
distant reader is as fast as before; nor does it cost CPU (to 500, 64 messages of 1 KiB in flight; half or twice as much:
the same)."""


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted socket becomes."""

    name: str
    """For logs and counts: websocket, tcp, control."""
    limits: Limits
    choose: Choose | None = None
    """Where connections begin with an upgrade to WebSocket: picks the wire."""
    begin: Callable[[], tuple[Framing, Wire]] | None = None
    """Where they do not: the framing and wire of each."""
    admits: Callable[[socket.SocketType], bool] | None = None
    """Whether this peer may come in at all; None admits everybody."""

    def handshake(self) -> Handshake | None:
        """The upgrade a connection begins with, None if it has none."""
        return Handshake(self.choose, self.limits) if self.choose is not None else None


def websocket_door(limits: Limits, choose: Choose) -> Door:
    return Door(name="websocket", limits=limits, choose=choose)


def framed_door(name: str, limits: Limits, begin: Callable[[], tuple[Framing, Wire]]) -> Door:
    return Door(name=name, limits=limits, begin=begin)


def bind_tcp(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address `host` names, IPv4 and IPv6; port 0 lets the system choose (the same one for
    all where it can). OSError names the address that cannot be had."""
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if port == 0 and len(sockets) > 1:
                address = (address[0], sockets[0].getsockname()[1], *address[2:])
            try:
                sock.bind(address)
            except OSError as error:
                raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from None
            adopt(sock)
    except OSError:
        close_all(sockets)
        raise
    return sockets


def adopt(sock: socket.socket) -> socket.socket:
    """Make a bound socket a listener of ours: also for those systemd passes."""
    sock.setblocking(False)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    sock.listen(BACKLOG)
    return sock


def address_of(sock: socket.socket) -> tuple[str, int]:
    """Host and port a TCP listener is bound to."""
    host, port = sock.getsockname()[:2]
    return str(host), int(port)


def close_all(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()
