"""A plain connection: its socket, its place in the reactor's epoll, and the upgrade it may begin with.

The law: a descriptor is touched only here and only while the connection is not CLOSED; epoll's interest changes when
what we want changes, and taking EPOLLIN out is put off until epoll reports input that is not wanted, as most pauses end
sooner (a login's answer). Nothing here blocks.
"""

from __future__ import annotations

import fcntl
import logging
import select
import socket
import struct
import termios

from broker.gateway.connection import CLOSED, LEAVING, Connection
from broker.gateway.limits import Limits
from broker.gateway.outbox import BLOCKED, FINAL, Outbox
from broker.gateway.table import LATER, Table
from broker.gateway.upgrade import Handshake, Opened, Rejected, answer

logger = logging.getLogger(__name__)

READ_BYTES = 8192
"""At most so much is read from a socket at a time (DESIGN 2.4)."""
JOIN_BYTES = 65_536
"""Up to here frames are joined and sent; beyond, sendmsg saves the copy (performance.md 4.1)."""
IOV_FRAMES = 1024
"""IOV_MAX of Linux."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: close discards what is unsent and answers with RST."""
IN, OUT = select.EPOLLIN, select.EPOLLOUT


class SocketConnection(Connection):
    """Made for an accepted, non-blocking socket; registers itself for input. OSError if epoll will not have it."""

    __slots__ = ("_epoll", "_mask", "fd", "handshake", "sock")

    def __init__(self, table: Table, limits: Limits, sock: socket.SocketType, epoll: select.epoll) -> None:
        epoll.register(sock.fileno(), IN)
        super().__init__(table, limits, lambda connection: Outbox(connection, sock))
        self.sock = sock
        self.fd = sock.fileno()
        self.handshake: Handshake | None = None
        self._epoll = epoll
        self._mask = IN

    def _want(self, mask: int) -> None:
        if mask != self._mask and self.state != CLOSED:
            self._mask = mask
            self._epoll.modify(self.fd, mask)

    def listen(self) -> None:
        self._want(self._mask | IN)

    def read(self, ends: float) -> None:
        """The socket has input: take some, and serve what it completes."""
        if self.state == CLOSED:
            return
        if self.paused:
            self._want(self._mask & ~IN)
            return
        if self.queued:
            return  # what was read before comes first; level-triggered epoll will say it again
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.lost("gone")
            return
        if not data:
            self.lost("gone")
            return
        table = self.table
        table.counters.bytes_in += len(data)
        self.heard = table.now
        if self.state == LEAVING:
            return
        if self.handshake is not None:
            self._upgrade(self.handshake, data)
            if self.framing is None or not self.framing.pending():
                return  # most wait for the answer before they go on
        elif self.framing is not None:
            self.framing.feed(data)
        if table.pause_seconds:
            self.hold_sender()
        self.pump(ends)

    def _upgrade(self, handshake: Handshake, data: bytes) -> None:
        outcome = handshake.feed(data)
        if type(outcome) is Opened and not self._enter(outcome.forwarded):
            outcome = Rejected(answer(429, "Too Many Connections"))
        if type(outcome) is Opened:
            self.handshake = None
            self.say_framed(outcome.response)
            self.start(outcome.framing, outcome.wire)
        elif type(outcome) is Rejected:
            self.handshake = None
            self.word = "rejected"
            self.leave([outcome.response])

    def _enter(self, forwarded: str) -> bool:
        """Count it under the address its proxy names, if it has none of its own."""
        crowds = self.table.crowds
        if self.address or not forwarded:
            return True
        address = crowds.addresses.forwarded(forwarded)
        if not crowds.enter(address):
            return False
        self.address = address
        return True

    def writable(self) -> None:
        """The socket takes bytes again. They have waited for it; now others may go first, as thousands may have."""
        outbox = self.outbox
        outbox.mode &= ~BLOCKED
        self._want(self._mask & ~OUT)
        self.table.touch(outbox, LATER)

    def send(self) -> None:
        """Give the socket what the outbox holds, as much as it takes. The flush does the common case by hand."""
        outbox = self.outbox
        frames = outbox.joined()
        if frames:
            # Last words wait in the kernel for the end that follows at once, and leave with it: 2 us less than two packets.
            flags = socket.MSG_MORE if outbox.mode & FINAL and not self.grace else 0
            try:
                if len(frames) == 1:
                    count = self.sock.send(frames[0], flags)
                elif outbox.size <= JOIN_BYTES:
                    count = self.sock.send(b"".join(frames), flags)
                else:
                    count = self.sock.sendmsg(frames[:IOV_FRAMES], (), flags)
            except BlockingIOError:
                count = 0
            except OSError:
                self.lost("gone")
                return
            self.sent(count)
        if not outbox.frames:
            self.table.unblock(outbox)
            if outbox.mode & FINAL and self.state == LEAVING:
                outbox.mode &= ~FINAL
                self.written()

    def sent(self, count: int) -> None:
        """The socket took `count` bytes, maybe not all."""
        outbox, table = self.outbox, self.table
        table.counters.bytes_out += count
        if count == outbox.size:
            outbox.clear()
            return
        outbox.sent(count)
        table.block(outbox)
        if count:
            outbox.moved = table.now
        outbox.mode |= BLOCKED
        self._want(self._mask | OUT)
        if outbox.size > self.limits.outbox_bytes:
            self.crowded(self.limits.outbox_bytes)

    def press(self) -> None:
        outbox = self.outbox
        if outbox.mode & BLOCKED:
            self.table.count(outbox)
            if outbox.size > self.limits.outbox_bytes:
                self.crowded(self.limits.outbox_bytes)
        else:
            self.send()

    def shut(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.lost("gone")

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def heeded(self) -> bool:
        return not self.outbox.frames and all_taken(self.fd)

    def peer(self) -> str:
        try:
            name = self.sock.getpeername()
        except OSError:
            return ""
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else ""

    def close(self) -> None:
        try:
            self._epoll.unregister(self.fd)
        finally:
            self.sock.close()


def all_taken(fd: int) -> bool:
    """Whether the kernel of a TCP socket's peer has acknowledged all that ours was given, a FIN too (SIOCOUTQ of tcp(7))."""
    try:
        return not any(fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))
    except OSError:  # closed, or no TCP
        return False
