"""A TLS connection as the reactor sees it: a Connection whose bytes tasks of its own carry (`broker.gateway.tls`).

The law: it obeys every rule a plain connection does. It is in the table from its accept on, so the limit of connections
and all deadlines hold before the first byte; what is written stays in the outbox until the peer's side has taken it, so
the sweep judges slow readers here as there; while it is paused its stream is not read. trio-websocket parses, and keeps
pings and fragments to itself; `FrameHeads` counts both beside it, from the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from broker.gateway.connection import OPEN, Connection
from broker.gateway.limits import Limits
from broker.gateway.outbox import RELAYED, Outbox
from broker.gateway.socket_connection import all_taken
from broker.gateway.table import Table
from broker.gateway.websocket import CLOSE_TEXT_BYTES, PING, frame_of

CONTROL = 0x8
"""Bit of an opcode: ping, pong, close."""
FIN, CONTINUATION = 0x80, 0x0


class FrameHeads:
    """Reads the heads of a peer's frames (RFC 6455 5.2) and skips what they carry; begins behind the upgrade's head."""

    __slots__ = ("_head", "_skip", "_upgraded", "controls", "parts")

    def __init__(self) -> None:
        self._upgraded = False
        self._head = b""
        """The beginning of a head, or the last bytes of the upgrade so far."""
        self._skip = 0
        self.controls = 0
        """Control frames since somebody set this to 0."""
        self.parts = 0
        """Frames of the message that is not whole yet."""

    def feed(self, data: bytes) -> None:
        if not self._upgraded:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data[-3:]
                return
            self._upgraded, self._head, data = True, b"", data[end + 4 :]
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            self._head += data[at : at + 1]
            at += 1
            self._read_head()

    def _read_head(self) -> None:
        head = self._head
        if len(head) < 2:
            return
        size = head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(size, 0)
        if len(head) < 2 + extended:
            return
        if extended:
            size = int.from_bytes(head[2:], "big")
        self._skip = size + (4 if head[1] & 0x80 else 0)
        self._head = b""
        if head[0] & CONTROL:
            self.controls += 1
        elif head[0] & FIN:
            self.parts = 0
        else:
            self.parts += 1


class RelayFraming:
    """Framing where trio-websocket has parsed already: hands one message on, and frames what goes out as plain WebSocket
    connections do."""

    __slots__ = ("_fragments", "_limit", "_message", "closing", "controls", "finished", "heads", "out")
    kind = "websocket"

    def __init__(self, first_frame_bytes: int, fragments: int) -> None:
        self._limit = first_frame_bytes
        self._fragments = fragments
        self._message: tuple[bytes, bool] | None = None
        self.heads = FrameHeads()
        self.closing: tuple[int, str] = (1000, "")
        """The close frame trio-websocket is to send at the end."""
        self.out: list[bytes] = []
        self.controls = 0
        self.finished = ""

    def offer(self, message: str | bytes) -> None:
        """The next message, once the last one was taken; the size is counted in bytes, which trio-websocket does not do
        for text."""
        text = isinstance(message, str)
        data = message.encode() if isinstance(message, str) else message
        if len(data) > self._limit:
            self._fail(f"over {self._limit} bytes")
        else:
            self._message = data, text

    def feed(self, data: bytes) -> None:
        """The peer's bytes, beside trio-websocket which gets them too: counts what it keeps to itself."""
        heads = self.heads
        heads.feed(data)
        self.controls += heads.controls
        heads.controls = 0
        if heads.parts > self._fragments:
            self._fail(f"more than {self._fragments} fragments")

    def _fail(self, text: str) -> None:
        self.closing = 1009, text
        self.finished = "broken"

    def take(self) -> tuple[bytes, bool] | None:
        message, self._message = self._message, None
        return message

    def pending(self) -> bool:
        return self._message is not None

    def lift(self, frame_bytes: int) -> None:
        self._limit = frame_bytes

    def pack(self, payload: bytes, text: bool) -> bytes:
        return frame_of(0x81 if text else 0x82, payload)

    def close(self, code: int, text: str) -> bytes:
        self.closing = code, text.encode()[:CLOSE_TEXT_BYTES].decode(errors="ignore")
        return b""

    def ping(self) -> bytes:
        return PING


class RelayedConnection(Connection):
    """Made in a turn, right after its accept; `wake` makes a turn soon."""

    __slots__ = ("_wake", "free", "host", "relay", "scope", "shutting", "sock", "waiting")

    def __init__(self, table: Table, limits: Limits, wake: Callable[[], None]) -> None:
        super().__init__(table, limits, lambda connection: Outbox(connection, None))
        self._wake = wake
        self.outbox.mode = RELAYED
        self.relay = RelayFraming(limits.first_frame_bytes, limits.fragments)
        self.scope = trio.CancelScope()
        """Around all its tasks."""
        self.free = trio.Event()
        """Set when reading may go on."""
        self.waiting = trio.Event()
        """Set when there is something to write."""
        self.host = ""
        """Of the peer."""
        self.sock: trio.socket.SocketType | None = None
        self.shutting = False
        """Everything is written: the close frame may go."""

    def hear(self, data: bytes) -> None:
        """These bytes came in, between turns: a sign of life, and maybe pings, which count against its pace."""
        table, relay = self.table, self.relay
        table.counters.bytes_in += len(data)
        if data:
            self.heard, self.probed = table.now, 0.0
        relay.feed(data)
        if relay.controls or relay.finished:
            table.queue(self)
            self._wake()

    def receive(self, message: str | bytes) -> None:
        """A message came in (called in a turn)."""
        if self.state != OPEN:
            return
        self.relay.offer(message)
        if self.table.pause_seconds:
            self.hold_sender()
        try:
            self.pump(math.inf)
        except Exception:  # a bug in a wire ends this connection alone
            self.fail()

    def pump(self, ends: float) -> None:
        super().pump(ends)
        self.free.set()

    async def wait_readable(self) -> None:
        """Return when this connection is not paused, or is over."""
        while self.paused and self.state == OPEN:
            await self._freed()

    async def wait_taken(self) -> None:
        """Return when the message offered last was taken, or never will be."""
        while self.relay.pending() and self.state == OPEN:
            await self._freed()

    async def _freed(self) -> None:
        if self.free.is_set():
            self.free = trio.Event()
        await self.free.wait()

    def listen(self) -> None:
        self.free.set()

    def press(self) -> None:
        outbox = self.outbox
        if outbox.frames:
            self.table.block(outbox)
            if outbox.size > self.limits.outbox_bytes:
                self.crowded(self.limits.outbox_bytes)
        self.waiting.set()

    def sent(self, count: int) -> None:
        """The writer has sent `count` bytes of what it had begun (between turns)."""
        outbox, table = self.outbox, self.table
        outbox.sent(count)
        outbox.moved = table.now
        table.count(outbox)
        table.counters.bytes_out += count

    def shut(self) -> None:
        self.shutting = True
        self.waiting.set()

    def reset(self) -> None:
        """Closing cancels the writer, and what it held goes with it."""

    def heeded(self) -> bool:
        return not self.outbox.frames and self.sock is not None and all_taken(self.sock.fileno())

    def peer(self) -> str:
        return self.host

    def close(self) -> None:
        self.scope.cancel()
