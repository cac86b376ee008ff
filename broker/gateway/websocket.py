"""WebSocket frames of an upgraded connection (RFC 6455), parsed by `websockets`' Sans-I/O protocol, built by ourselves.

The law: the library judges whatever there is to judge. A plain frame has nothing of that: whole, masked, within the limit,
UTF-8 or binary, no reserved bit, a message by itself; it is read here (measured: 1.6 us instead of 6.5 to 9), and only
while the library stands between two frames and two messages. What goes out is built here, without state, so that one
push's bytes serve every receiver. That holds only because no extension is ever negotiated (`broker.gateway.upgrade`).

The upgrade runs on a `ServerProtocol` that is thrown away; frames are parsed by a fresh `Protocol` of the server's side in
state OPEN, the same parser without the request and headers a `ServerProtocol` keeps alive: 1.2 KiB a connection
instead of 3.6 (measured). It is made when there is something to judge, which for most never comes: 5 us of a login.
"""

from __future__ import annotations

import logging
import struct
import uuid
from codecs import IncrementalDecoder, getincrementaldecoder
from functools import lru_cache

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # the library's own fallback
    from websockets.utils import apply_mask

FEED_BYTES = 1024
"""The parser runs over everything it is fed, so it is fed little at a time: 170 empty pings, measured at about 1 ms."""
HOLD_BYTES = 65_536
"""Longer frames go to the parser as they come, shorter ones when they are whole."""
PLAIN_TEXT, PLAIN_BINARY, PLAIN_PONG = 0x81, 0x82, 0x8A
"""FIN and opcode."""
PONGS = 16
"""Of more pings in one piece only the newest are answered (RFC 6455 5.5.3 allows it): a flood costs no memory."""
CONTROL_BYTES = 125
"""In a control frame at most (RFC 6455 5.5)."""
CLOSE_TEXT_BYTES = CONTROL_BYTES - 2
"""Two are the code."""

QUIET = logging.getLogger("broker.gateway.websocket.library")
QUIET.setLevel(logging.ERROR)  # the library logs every open and close; shared, as a logger per connection costs memory
NO_ID = uuid.UUID(int=0)
UTF8 = getincrementaldecoder("utf-8")


class Frames(Protocol):
    """The library's parser with two rules more: text is UTF-8, found out as soon as a fragment is not (RFC 6455 8.1), and a
    close is clean between the fragments of a message too (5.4)."""

    decoder: IncrementalDecoder | None = None
    """Of the text message whose fragments are coming."""

    def recv_frame(self, frame: Frame) -> None:
        """UnicodeDecodeError makes the library fail the connection with 1007."""
        opcode, data = frame.opcode, bytes(frame.data)
        if opcode is Opcode.TEXT:
            if not frame.fin:
                self.decoder = UTF8()
                self.decoder.decode(data)
            elif not data.isascii():
                data.decode()
        elif opcode is Opcode.CONT and self.decoder is not None:
            self.decoder.decode(data, frame.fin)
            if frame.fin:
                self.decoder = None
        elif opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class WebSocketFraming:
    """One upgraded connection. `first_frame_bytes` bounds messages until `lift`; a message has at most `fragments`
    frames."""

    __slots__ = (
        "_careful",
        "_events",
        "_fragments",
        "_held",
        "_left",
        "_limit",
        "_parts",
        "_protocol",
        "_text",
        "controls",
        "finished",
        "out",
    )
    kind = "websocket"

    def __init__(self, first_frame_bytes: int, fragments: int, rest: bytes = b"") -> None:
        self._protocol: Frames | None = None
        self._fragments = fragments
        self._held = rest
        self._left = 0
        """Bytes the parser lacks of the frame it is in."""
        self._limit = first_frame_bytes
        self._careful = True
        self._events: list[Frame] | None = None
        self._parts: list[bytes] | None = None
        self._text = False
        self.out: list[bytes] = []
        self.controls = 0
        self.finished = ""

    def feed(self, data: bytes) -> None:
        self._held = self._held + data if self._held else data

    def pending(self) -> bool:
        return bool(self._events or (self._held and self._piece()))

    def lift(self, frame_bytes: int) -> None:
        self._limit = frame_bytes
        self._careful = False
        if self._protocol is not None:
            self._protocol.max_message_size = frame_bytes

    def _parser(self) -> Frames:
        protocol = self._protocol
        if protocol is None:
            protocol = self._protocol = Frames(SERVER, state=OPEN, max_size=self._limit, logger=QUIET)
            protocol.id = NO_ID
        return protocol

    def take(self) -> tuple[bytes, bool] | None:
        message = self._next() if self._events else None
        if message is None and self._held and not self.finished:
            message = self._plain()
            if message is None and self._parse():
                message = self._next()
        return message

    def _plain(self) -> tuple[bytes, bool] | None:
        """The message in front, if it is one plain frame."""
        held = self._held
        if self._left or self._parts is not None or len(held) < 6:
            return None
        if held[0] == PLAIN_PONG:
            held = self._held = self._behind_pongs(held)
            if len(held) < 6:
                return None
        head, size = held[0], held[1] - 0x80
        if (head != PLAIN_BINARY and head != PLAIN_TEXT) or not 0 <= size <= 126:
            return None
        start = 6
        if size == 126:
            size, start = held[2] << 8 | held[3], 8
        end = start + size
        if end > len(held) or size > self._limit:
            return None
        data = apply_mask(held[start:end], held[start - 4 : start])
        if head == PLAIN_TEXT and not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError:
                return None
        self._held = held[end:]
        return data, head == PLAIN_TEXT

    def _behind_pongs(self, held: bytes) -> bytes:
        """What follows the plain pongs in front: an idle peer says nothing else, and shall cost no parser for that."""
        at = 0
        while len(held) >= at + 6 and held[at] == PLAIN_PONG and 0 <= (size := held[at + 1] - 0x80) <= CONTROL_BYTES:
            if len(held) < at + 6 + size:
                break
            at += 6 + size
            self.controls += 1
        return held[at:]

    def _next(self) -> tuple[bytes, bool] | None:
        """The next message among the frames that are parsed."""
        while self._events:
            message = self._receive(self._events.pop())
            if message is not None:
                return message
        return None

    def _piece(self) -> int:
        """How many bytes the parser gets next, 0 if more must come first. They end where a frame ends, unless one is so long
        that it is not held. Before login it is one frame: what was sent behind a login must be judged by the limits
        after it."""
        held, limit = self._held, self._limit
        if self._left:
            return min(self._left, len(held), FEED_BYTES)
        end = frame_end(held, limit)
        if end > len(held):
            return 0 if self._careful or end <= HOLD_BYTES else min(len(held), FEED_BYTES)
        while not self._careful and 0 < (behind := frame_end(held, limit, end)) <= min(len(held), FEED_BYTES):
            end = behind
        return end

    def _parse(self) -> bool:
        """Feed the parser one piece of the input; False if it has to wait for more."""
        held = self._held
        size = self._piece()
        if not size:
            return False
        self._left = (self._left or max(frame_end(held, self._limit), size)) - size
        piece, self._held = held[:size], held[size:]
        protocol = self._parser()
        protocol.receive_data(piece)
        events = protocol.events_received()
        if events:
            events.reverse()
            self._events = events  # type: ignore[assignment]  # OPEN from the start: neither Request nor Response
        self._collect(protocol)
        return True

    def _collect(self, protocol: Frames) -> None:
        """Move the protocol's own words to `out`, and notice that it has said its last."""
        writes = protocol.data_to_send()
        if writes:
            self.out += writes[-PONGS:]
        if protocol.state is not OPEN:
            self.finished = "broken" if protocol.close_rcvd is None else "gone"
            self._held = b""

    def _receive(self, frame: Frame) -> tuple[bytes, bool] | None:
        """The message that this frame completes. The protocol has checked order, size and reserved bits."""
        opcode = frame.opcode
        data = bytes(frame.data)
        if opcode >= Opcode.CLOSE:
            self.controls += 1
            return None
        if self._parts is None:
            text = opcode is Opcode.TEXT
            if not frame.fin:
                self._parts, self._text = [data], text
                return None
        else:
            self._parts.append(data)
            if len(self._parts) > self._fragments:
                self._fail(1009, f"more than {self._fragments} fragments")
                return None
            if not frame.fin:
                return None
            data, text = b"".join(self._parts), self._text
            self._parts = None
        return data, text

    def _fail(self, code: int, text: str) -> None:
        self._events = None
        self._parts = None
        if not self.finished:
            protocol = self._parser()
            protocol.fail(code, text)
            self._collect(protocol)

    def pack(self, payload: bytes, text: bool) -> bytes:
        head, size = (0x81 if text else 0x82), len(payload)
        if 126 <= size < 65_536:  # most, and a call less
            return MEDIUM(head, 126, size) + payload
        return frame_of(head, payload)

    def close(self, code: int, text: str) -> bytes:
        return close_frame(code, text)

    def ping(self) -> bytes:
        return PING


def frame_of(head: int, payload: bytes) -> bytes:
    """A whole unmasked frame: `head` is FIN and opcode."""
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 65_536:
        return MEDIUM(head, 126, size) + payload
    return bytes((head, 127)) + size.to_bytes(8, "big") + payload


@lru_cache(maxsize=64)  # of few reasons, said to many
def close_frame(code: int, text: str) -> bytes:
    """A close frame; the text is cut to what fits, at a character's border."""
    reason = text.encode()[:CLOSE_TEXT_BYTES].decode(errors="ignore")
    return frame_of(0x88, Close(code, reason).serialize())


MEDIUM = struct.Struct(">BBH").pack
PING = frame_of(0x89, b"")


def frame_end(data: bytes, limit: int, start: int = 0) -> int:
    """Where the frame that begins at `start` ends, maybe beyond `data`; 0 while its head is not whole. A frame the parser
    will not accept by its head alone (unmasked, or over `limit`) ends where the data does: nothing need be waited for."""
    if len(data) < start + 2:
        return 0
    size = data[start + 1] & 0x7F
    body = start + 6
    if size == 126:
        size, body = int.from_bytes(data[start + 2 : start + 4], "big"), start + 8
    elif size == 127:
        size, body = int.from_bytes(data[start + 2 : start + 10], "big"), start + 14
    if data[start + 1] < 0x80 or (len(data) >= body - 4 and size > limit):
        return len(data)
    return body + size if len(data) >= body - 4 else 0
