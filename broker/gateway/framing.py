"""Where one frame ends and the next begins: the border between a byte stream and a wire, and the length-prefixed form.

The law: input is appended by `feed` and drained by `take`, one frame a call, so the caller may stop between any two; and
no memory is ever allocated from a length the peer declared, only for bytes it has sent. `broker.gateway.websocket` is
the other framing. The encoder here (`pack`) is the counterpart of the peer's decoder, not of `take`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Protocol

from protocol.wires.wire import Wire

LENGTH_BYTES = 4


class Framing(Protocol):
    """What a connection asks of its framing, beside bytes in (`feed`) and frames out (`take`)."""

    kind: str
    """Connections of one kind frame a payload into the same bytes."""
    out: list[bytes]
    """What the framing itself has to say: pongs, a close frame, an error. Drained by the connection."""
    controls: int
    """Frames seen that carry no payload for a wire (pings); the connection counts them against its rate and zeroes it."""
    finished: str
    """Why nothing more can be read: `gone` if the peer has closed, `broken` if it broke the framing's rules; then `out`
    holds the last words. "" while all is well."""

    def feed(self, data: bytes) -> None:
        """More input came in."""

    def take(self) -> tuple[bytes, bool] | None:
        """The next whole frame and whether it is text. None when it is not there yet, or never will be (`finished`), or
        when more has to be parsed (`pending`): a call does little, so that the caller can look at the clock."""

    def pending(self) -> bool:
        """Another `take` gets further although nothing new came in."""

    def lift(self, frame_bytes: int) -> None:
        """The peer has logged in: frames may be this large now."""

    def pack(self, payload: bytes, text: bool) -> bytes:
        """A payload framed for the peer."""

    def close(self, code: int, text: str) -> bytes:
        """The bytes that tell the peer why we close, empty where the framing has no words for that."""

    def ping(self) -> bytes:
        """The framing's own question for a sign of life, empty if it has none."""


class Format:
    """The form in which a push leaves. Connections that share one share the bytes of a push; compared by identity, so
    that the fan-out loop hashes nothing longer than an address."""

    __slots__ = ("__weakref__", "push_key", "text")

    def __init__(self, text: bool, push_key: Hashable) -> None:
        self.text = text
        self.push_key = push_key


_formats: weakref.WeakValueDictionary[tuple[str, bool, Hashable], Format] = weakref.WeakValueDictionary()


def format_of(framing: Framing, wire: Wire, last: Format | None, end_bytes: int | None = None) -> Format:
    """The format of everything pushed through this wire and framing, the same object for the same form; `last` is what
    this connection had. Where pushes end with something of their receiver's own, ends of one length (`end_bytes`) share
    a format. Formats nobody uses any more vanish: a wire may have one for each user."""
    push_key = wire.push_key() if end_bytes is None else (wire.push_key(), end_bytes)
    if last is not None and last.text is wire.text and last.push_key == push_key:
        return last
    key = (framing.kind, wire.text, push_key)
    found = _formats.get(key)
    if found is None:
        found = _formats[key] = Format(wire.text, push_key)
    return found


class LengthFraming:
    """Unsigned 32-bit big-endian length, then the payload (SOCKET.md, "Transports"; the control channel uses it too).

    A frame over the limit cannot be skipped without trusting its length, so it ends the connection; `oversize` gives
    the payload to send before that, None for nothing.
    """

    __slots__ = ("_held", "_limit", "_oversize", "controls", "finished", "out")
    kind = "length"

    def __init__(self, frame_bytes: int, oversize: Callable[[], bytes | None] | None = None) -> None:
        self._held = bytearray()
        self._limit = frame_bytes
        self._oversize = oversize
        self.out: list[bytes] = []
        self.controls = 0
        self.finished = ""

    def feed(self, data: bytes) -> None:
        self._held += data

    def take(self) -> tuple[bytes, bool] | None:
        held = self._held
        if len(held) < LENGTH_BYTES or self.finished:
            return None
        length = int.from_bytes(held[:LENGTH_BYTES], "big")
        if length > self._limit:
            self.finished = "broken"
            held.clear()
            words = self._oversize() if self._oversize is not None else None
            if words is not None:
                self.out.append(self.pack(words, False))
            return None
        end = LENGTH_BYTES + length
        if len(held) < end:
            return None
        payload = bytes(held[LENGTH_BYTES:end])
        del held[:end]
        return payload, False

    def pending(self) -> bool:
        held = self._held
        return len(held) >= LENGTH_BYTES and len(held) - LENGTH_BYTES >= int.from_bytes(held[:LENGTH_BYTES], "big")

    def lift(self, frame_bytes: int) -> None:
        self._limit = frame_bytes

    def pack(self, payload: bytes, text: bool) -> bytes:
        return len(payload).to_bytes(LENGTH_BYTES, "big") + payload

    def close(self, code: int, text: str) -> bytes:
        return b""

    def ping(self) -> bytes:
        return b""
