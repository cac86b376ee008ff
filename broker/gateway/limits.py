"""The limits of one door: what a connection accepted there may send, hold and wait for.

The law: every limit a connection keeps comes from here, and here from the settings, so two doors (a public socket, the
control socket) differ by values and never by `if`.
"""

from __future__ import annotations

import msgspec

from broker.settings import Sockets
from protocol.settings import Control


class Limits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bytes and seconds as in `broker.settings.Sockets`."""

    header_bytes: int
    headers: int
    first_frame_bytes: int
    frame_bytes: int
    fragments: int
    login_seconds: float
    ping_seconds: float
    pong_seconds: float
    outbox_bytes: int
    outbox_seconds: float
    linger_seconds: float
    gated: bool = True
    """Peers must log in first: one frame at a time, eight frames at most, and within `login_seconds`."""


def public(sockets: Sockets) -> Limits:
    """Limits of the doors apps use."""
    return Limits(
        header_bytes=sockets.header_bytes,
        headers=sockets.headers,
        first_frame_bytes=sockets.first_frame_bytes,
        frame_bytes=sockets.frame_bytes,
        fragments=sockets.fragments,
        login_seconds=sockets.login_seconds,
        ping_seconds=sockets.ping_seconds,
        pong_seconds=sockets.pong_seconds,
        outbox_bytes=sockets.outbox_bytes,
        outbox_seconds=sockets.outbox_seconds,
        linger_seconds=sockets.linger_seconds,
    )


def trusted(sockets: Sockets, control: Control) -> Limits:
    """Limits of the control socket: the kernel has told who the peer is, so nothing waits for a login. Its outbox holds
    the largest answer to every call that may be in flight."""
    return msgspec.structs.replace(
        public(sockets),
        first_frame_bytes=control.frame_bytes,
        frame_bytes=control.frame_bytes,
        outbox_bytes=control.frame_bytes * control.calls_per_connection,
        gated=False,
    )
