"""The bytes waiting for one connection: one FIFO, bounded, with a named fate when it is full (DESIGN 2.4).

The law: bytes leave in the order in which they were put, whole frames are only ever dropped while none of their bytes has
been sent, and none that is not marked for it is dropped at all. State appends here, the flush drains; between the two
nothing is copied, so the bytes of a push are shared by all its receivers until the kernel has them, even where each gets
an end of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

if TYPE_CHECKING:
    import socket

    from broker.gateway.connection import Connection
    from broker.gateway.framing import Format

FLOWING = 0
"""Flushed once a turn; what the socket takes is gone at once."""
BLOCKED = 1
"""Bit: the socket took less than all; it is not tried again before it is writable."""
FINAL = 2
"""Bit: the farewell is in it; when it is empty, writing is over."""
RELAYED = 4
"""Bit: a task of the connection's own writes (TLS); the flush only wakes it."""


class Fleeting(bytes):
    """Frames of pushes that may be dropped, marked by their type: the mark costs nothing where nothing is dropped."""

    pushes = 1
    """How many."""


class Minor(Fleeting):
    """Such as are dropped before the others."""


Mark = type[Fleeting] | None
MARKS: tuple[Mark, ...] = (None, Fleeting, Minor)
"""By `Push.dispensable`."""


def marked(data: bytes, mark: Mark, pushes: int = 1) -> bytes:
    """These frames, to be dropped as the mark says; None: they never are."""
    if mark is None:
        return data
    frames = mark(data)
    if pushes > 1:
        frames.pushes = pushes
    return frames


Ended = tuple[list[bytes], bytes]
"""Frames for several receivers and what this one's each end with, not joined yet (`Personal`)."""


class Outbox:
    """Of one connection, made and kept with it. The fan-out loop works on outboxes alone, hence the plain slots."""

    __slots__ = ("connection", "counted", "format", "frames", "mode", "moved", "size", "sock", "touched")
    seat: str | None = None
    """Whose it is, where a connection has several users."""

    def __init__(self, connection: Connection, sock: socket.SocketType | None) -> None:
        self.connection = connection
        self.sock = sock
        """None where a task writes (TLS)."""
        self.format: Format | None = None
        """The form of pushes to this connection; None before there is one."""
        self.frames: list[bytes | Ended] = []
        self.size = 0
        """Bytes in `frames`."""
        self.counted = 0
        """What the sum over all blocked outboxes holds for this one."""
        self.mode = FLOWING
        self.moved = 0.0
        """When the peer last took something, or began not to; of meaning while BLOCKED."""
        self.touched = 0
        """Whether and how soon it is flushed (`broker.gateway.table`)."""

    def put(self, frame: bytes) -> None:
        """Append a frame. The fan-out loop does the same by hand."""
        self.frames.append(frame)
        self.size += len(frame)

    def joined(self) -> list[bytes]:
        """The frames, all of them bytes from now on."""
        frames = self.frames
        for at, frame in enumerate(frames):
            if isinstance(frame, tuple):
                frames[at] = bytes_of(frame)
        return cast(list[bytes], frames)

    def sent(self, count: int) -> None:
        """The peer has taken the first `count` bytes."""
        self.size -= count
        frames = self.joined()
        whole = 0
        for frame in frames:
            if count < len(frame):
                break
            count -= len(frame)
            whole += 1
        del frames[:whole]
        if count:
            frames[0] = bytes(memoryview(frames[0])[count:])  # plain bytes: a frame begun is a frame kept

    def begin(self, count: int) -> bytes:
        """Whole frames of about `count` bytes, at least one, for a task that writes them: one frame from now on, that stays
        until it is `sent`."""
        frames, size, whole = self.joined(), 0, 0
        while whole < len(frames) and size < count:
            size += len(frames[whole])
            whole += 1
        frames[:whole] = [b"".join(frames[:whole])]
        return frames[0]

    def drop(self, mark: type[Fleeting]) -> int:
        """Drop the frames so marked; how many pushes that was."""
        frames = self.joined()
        kept = [frame for frame in frames if not isinstance(frame, mark)]
        dropped = sum(frame.pushes for frame in frames if isinstance(frame, mark))
        if dropped:
            self.frames = [*kept]
            self.size = sum(map(len, kept))
        return dropped

    def clear(self) -> None:
        self.frames = []
        self.size = 0

    def part(self) -> None:
        """Its connection is closed: neither keeps the other in memory from now on, and no flush asks for either."""
        self.touched = 0
        del self.connection


class SeatOutbox(Outbox):
    """One user's door to the outbox of a connection that carries several: replies find the connection through it, pushes
    its seat; what is to leave waits in `shared`, so that nothing of an outbox but its `format` is here."""

    __slots__ = ("end", "seat", "shared")

    def __init__(self, shared: Outbox, seat: str) -> None:
        self.shared = shared
        self.connection = shared.connection
        self.format = None
        self.seat = seat
        self.end = b""
        """What each push to this seat ends with."""


@final
class Personal:
    """Frames of pushes that lack the end of their receiver's own, in the form of all ends of one length.

    They are joined for each receiver when they are sent, at the end of the turn (measured beside native sessions, to 500
    with 1, 8 and 64 in flight: 1.1, 1.2 and 1.2 times the CPU of a delivery; 1.2, 1.4 and 1.5 when joined at once, which
    takes memory that the kernel has to clear; 1.8, 2.2 and 2.8 when wire and framing were asked for each receiver)."""

    __slots__ = ("_mark", "_parts", "_size")

    def __init__(self, frames: list[bytes], end_bytes: int, mark: Mark) -> None:
        self._parts = [*frames, b""]  # an end goes between any two, so also behind the last
        self._size = sum(map(len, frames)) + len(frames) * end_bytes
        self._mark = mark

    def put(self, seat: SeatOutbox) -> Outbox:
        """Append to the outbox of this seat's connection, which it returns."""
        outbox, ended = seat.shared, (self._parts, seat.end)
        # What may be dropped is told by its type.
        outbox.frames.append(ended if self._mark is None else marked(bytes_of(ended), self._mark, len(self._parts) - 1))
        outbox.size += self._size
        return outbox


def bytes_of(frame: Ended) -> bytes:
    parts, end = frame
    return end.join(parts)
