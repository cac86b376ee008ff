"""LeanCloud's socket protocol as a wire: one command a frame, several clients on one connection (`protocols.md` 2.3).

The law: an answer carries the `i` of its request and the client's `peerId`, a push no `i`; what a peer sends is never
raised. Whoever names no `peerId` is the first client of the connection. A push is encoded once for all and gets the
receiver's `peerId` at its end, which protobuf lets stand anywhere. The text framing is base64 of the same bytes; that of a
push is in whole groups of three bytes, so that the base64 of `peerId` can stand behind it.

Readings: a refused open does not end the connection, because the SDK tries again on it. What this wire refuses by itself
goes through the hub all the same, so that answers keep the order of their requests; only `echo` overtakes, and what is
said before a session is open, and that an `ack` or a `read` has come, where it asks by an `i`: neither has an answer of its
own. A frame that cannot be read is 4114 and ends nothing; before any session is open the time to log in goes on. A frame
that is too long is ended by the WebSocket itself, by 1009, from which the SDK comes back; 4109 is for a message that is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Hashable, Sequence
from typing import Any, cast

from protocol.commands import Reply
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import Push
from protocol.wires.leancloud import session
from protocol.wires.leancloud.errors import (
    CONFLICT,
    FIRST_LOGIN,
    KICKED,
    SESSION_REQUIRED,
    UNPARSEABLE,
    code_of,
    error,
    text_of,
)
from protocol.wires.leancloud.pushes import render
from protocol.wires.leancloud.requests import REQUESTS, UNANSWERED, refusal_of
from protocol.wires.leancloud.schema import (
    CMD_BYTES,
    MESSAGING,
    SERIAL,
    SERVICE,
    Cmd,
    GenericCommand,
    Op,
    Unreadable,
    read,
    varint,
    write,
)
from protocol.wires.leancloud.seat import Asked, Request, Seat
from protocol.wires.wire import Ending, Farewell, Inbound, Say, Submit

SUBPROTOCOLS = ("lc.protobuf2.3", "lc.proto2base64.3", "lc.protobuf2.1", "lc.proto2base64.1")
"""What a client offers. Those of version 1 hear nothing of what is unread: what they missed is pushed to them."""
MOST_SEATS = 64
"""Clients of one connection."""
CLOSE_SECONDS = 5.0
"""How long the SDK has to close by itself; a close frame of ours would make it come back."""

_SESSION_CODES = {
    CloseReason.REPLACED: (CONFLICT, "This client has logged in elsewhere."),
    CloseReason.KICKED: (KICKED, "Logged out by the app."),
    CloseReason.BANNED: (KICKED, "Banned by the app."),
    CloseReason.DELETED: (KICKED, "Deleted by the app."),
}
_SILENT = frozenset({CloseReason.CONTINUED, CloseReason.GONE})


class LeanCloudWire:
    """One connection; `subprotocol` is the one the upgrade has settled."""

    __slots__ = ("_ending", "_last", "_old", "_seats", "logged_in", "text")

    def __init__(self, subprotocol: str = SUBPROTOCOLS[0]) -> None:
        self.text = subprotocol.startswith("lc.proto2base64")
        self.logged_in = False
        self._old = subprotocol.endswith(".1")
        self._seats: dict[str, Seat] = {}
        self._last: Seat | None = None
        """Whose reply was rendered last."""
        self._ending: CloseReason | None = None

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        """One frame: mostly a Submit, or a Say that answers it here and now."""
        try:
            if text is not self.text:
                raise Unreadable("this sub-protocol has frames of the other kind")
            g = read(base64.b64decode(payload, validate=True) if text else payload)
            if not g.HasField("cmd"):
                raise Unreadable("there is no cmd")
        except (Unreadable, binascii.Error) as unreadable:
            return (Say(self._frame(error(UNPARSEABLE, f"The frame is no GenericCommand: {unreadable}."))),)
        if g.cmd == Cmd.ECHO:
            return (Say(self._frame(GenericCommand(cmd=Cmd.ECHO), g, g.peerId)),)
        if g.cmd == Cmd.SESSION and g.op == Op.OPEN:
            return self._open(g)
        seat = self._seat(g)
        if seat is None or not seat.opened:
            # An answer without `i` is an event of the connection; a command that expects none gets none.
            if not g.HasField("i"):
                return ()
            return (Say(self._frame(error(SESSION_REQUIRED, "Open a session first."), g, g.peerId)),)
        parse = REQUESTS.get((g.cmd, g.op))
        unanswered = g.cmd in UNANSWERED
        try:
            if parse is None:
                raise Refused(Reason.UNKNOWN_TYPE, f"There is no command {g.cmd} with the operation {g.op} here.")
            requests = parse(g, seat)
        except Refused as refused:
            return [self._submit(g, seat, request) for request in refusal_of(g, refused)]
        if isinstance(requests, Request):
            if not unanswered:
                return (self._submit(g, seat, requests),)
            requests = [requests]
        made: list[Inbound] = [self._submit(None if unanswered else g, seat, request) for request in requests]
        if unanswered and g.HasField("i"):
            made.append(Say(self._frame(GenericCommand(cmd=g.cmd), g, seat.peer)))
        return made

    def _seat(self, g: Any) -> Seat | None:
        if g.peerId:
            known = self._seats.get(g.peerId)
            if known is not None:
                return known
            return next((seat for seat in self._seats.values() if seat.peer == g.peerId), None)
        for seat in self._seats.values():  # mostly the first
            if seat.opened:
                return seat
        return None

    def _open(self, g: Any) -> Sequence[Inbound]:
        seat = self._seats.get(g.peerId)
        if seat is not None and seat.opened and g.peerId and g.appId == seat.ids.app:
            return (self._submit(g, seat, session.reopen(g, seat)),)
        try:
            if seat is None:
                if len(self._seats) >= MOST_SEATS:
                    raise Refused(Reason.TOO_FAST, f"A connection carries {MOST_SEATS} clients, which are there already.")
                seat = Seat(g.peerId)
                seat.unread = not self._old
            request = session.open_session(g, seat)
        except Refused as refused:
            return (Say(self._frame(error(code_of(refused.reason, FIRST_LOGIN), text_of(refused)), g, g.peerId)),)
        self._seats[seat.key] = seat
        return (self._submit(g, seat, request),)

    def _submit(self, g: Any, seat: Seat, request: Request) -> Submit:
        if not request.answered:
            return Submit(None, request.command, seat.key)
        i = g.i if g is not None and g.HasField("i") else None
        return Submit(Asked(i, seat, request), request.command, seat.key)

    # What goes out.

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        asked = cast(Asked, request)
        seat = self._last = asked.seat
        self._ending = None
        if isinstance(reply, Refused):
            answer = asked.request.fail(reply, asked.request.subject)
            if not seat.opened and self._seats.get(seat.key) is seat:
                del self._seats[seat.key]  # the open was refused
        else:
            answer = asked.request.answer(reply)
            self.logged_in = self.logged_in or seat.opened
            if asked.request.ends:
                self._ending = CloseReason.LOGOUT
        if answer is None:
            return b""
        if type(answer) is bytes:
            payload = answer + (SERVICE if asked.i is None else SERIAL + varint(asked.i)) + seat.suffix
            return base64.b64encode(payload) if self.text else payload
        if asked.i is not None:
            answer.i = asked.i
        payload = self._frame(answer, peer=seat.peer)
        if self._ending is not None:
            self._leave(seat)
        return payload

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        """LOGOUT of the seat that asked, behind its `closed`."""
        return self._ending

    def follow_up(self) -> Sequence[Inbound]:
        """What the last answer brings with it: commands of the wire's own, and pushes to the client that asked."""
        seat, self._last = self._last, None
        if seat is None or not seat.later:
            return ()
        later, seat.later = seat.later, []
        return [
            self._submit(None, seat, each) if isinstance(each, Request) else Say(self._frame(each, peer=seat.peer))
            for each in later
        ]

    def push_key(self) -> Hashable:
        return "leancloud"

    def push(self, push: Push) -> bytes | None:
        """Without `peerId`, which `end_of` puts behind it."""
        payload = render(push)
        if self.text and payload is not None:
            # `cmd` once or twice more fills the last group: of a field that comes again the last one counts.
            payload = base64.b64encode(payload + payload[:CMD_BYTES] * (len(payload) % 3))
        return payload

    def end_of(self, seat: str) -> bytes:
        known = self._seats.get(seat)
        suffix = b"" if known is None else known.suffix
        return base64.b64encode(suffix) if self.text else suffix

    def farewell(self, ending: Ending, now_ms: int) -> Farewell:
        """To whom it may concern: every client that is still open, or the connection as a whole."""
        reason = ending.reason
        if reason in _SILENT:
            return Farewell(payloads=(), code=None, text="", seconds=0.0)
        if reason in _SESSION_CODES:
            payloads = [each for seat in list(self._seats) for each in self.part(ending, seat, now_ms)]
            return Farewell(payloads=payloads, code=None, text="", seconds=CLOSE_SECONDS)
        payloads = [self._frame(GenericCommand(cmd=Cmd.GOAWAY))] if reason is CloseReason.GOING_AWAY else []
        return Farewell(payloads=payloads, code=reason.code, text=reason.word, seconds=CLOSE_SECONDS)

    def part(self, ending: Ending, seat: str, now_ms: int) -> Sequence[bytes]:
        """`closed` with 4111 or 4115 (`protocols.md` 2.4). Nothing to say where the client itself came back elsewhere."""
        known = self._seats.get(seat)
        if known is None:
            return ()
        self._leave(known)
        if ending.reason not in _SESSION_CODES or not known.opened:
            return ()
        code, words = _SESSION_CODES[ending.reason]
        return (self._frame(session.ended(code, ending.text or words), peer=known.peer),)

    def oversize(self) -> bytes:
        """What is said about a frame that is too long to be read; the connection ends behind it."""
        return self._frame(error(4109, "The frame is longer than allowed here."))

    def probe(self) -> bytes | None:
        """The SDK sends an echo of its own; the transport's ping must do."""
        return None

    def _leave(self, seat: Seat) -> None:
        if self._seats.get(seat.key) is seat:
            del self._seats[seat.key]

    def _frame(self, command: Any, asked: Any = None, peer: str = "") -> bytes:
        if asked is not None and asked.HasField("i"):
            command.i = asked.i
        if peer:
            command.peerId = peer
        if not command.HasField("i"):
            command.service = MESSAGING
        payload = write(command)
        return base64.b64encode(payload) if self.text else payload
