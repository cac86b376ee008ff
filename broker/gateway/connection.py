"""One client connection between socket and wire: the rules of input, its answers, and how it ends (DESIGN 2.4 and 3).

The law: a connection is OPEN, then LEAVING, then CLOSED, and never goes back. While OPEN its session takes input, replies
and pushes. LEAVING it has said its farewell, says nothing more, and discards what comes in until the peer has closed: a
socket closed over unread input would reset the connection and take the farewell with it. CLOSED it waits for the end of
the turn to give its descriptor back. Nothing here awaits; how bytes reach the peer is the subclass's part:
`socket_connection.SocketConnection` (plain) and `relay.RelayedConnection` (TLS).
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

from broker.gateway.framing import Framing, format_of
from broker.gateway.inbound import HANDLERS, LOGIN
from broker.gateway.limits import Limits
from broker.gateway.outbox import FINAL, Fleeting, Minor, Outbox
from broker.gateway.pace import REFUSALS, Pace
from broker.gateway.seats import PERSONAL, Seats
from broker.gateway.table import NOW, Table
from protocol.commands import LoggedIn, Reply
from protocol.errors import CloseReason, Reason, Refused
from protocol.wires.wire import Ending, SeatedWire, Wire

logger = logging.getLogger(__name__)
clock = time.monotonic

OPEN, LEAVING, CLOSED = 0, 1, 2

SENDER = 2
"""Bit of `paused`: the journal is behind, and this one feeds it, or waits for it."""
RESTING = 4
"""Bit of `paused`: it sends more than its pace allows of what is never refused."""

FRAMES_BEFORE_LOGIN = 8
NEVER = -1e9
"""Seconds of a clock: so long ago that no pause reaches back to it, but one without end."""
SILENT = frozenset({CloseReason.CONTINUED, CloseReason.GONE})


class Connection(ABC):
    """State of one connection; times are the gateway's clock. Kept small: there is one for every idle user."""

    __slots__ = (
        "address", "durable_at", "frames", "framing", "grace", "heard", "limits", "logged_in", "opened", "outbox", "pace",
        "paused", "paused_at", "probed", "queued", "refusals", "seats", "session", "state", "submitted", "table",
        "unanswered", "until", "wire", "word",
    )  # fmt: skip

    def __init__(self, table: Table, limits: Limits, outbox_of: Callable[[Connection], Outbox]) -> None:
        self.table = table
        self.limits = limits
        self.address = ""
        """Under which it is counted."""
        self.session = table.new_session()
        self.seats: Seats | None = None
        """Of a wire whose connections carry several users; then `session` is nobody's."""
        self.framing: Framing | None = None
        self.wire: Wire | None = None
        self.outbox = outbox_of(self)
        self.pace: Pace | None = None
        self.state = OPEN
        self.logged_in = False
        self.submitted = False
        self.queued = False
        self.paused = 0
        self.frames = 0
        """Handed to the wire before login."""
        self.unanswered = 0
        """Submits before login whose answer has not come."""
        self.refusals = 0
        """TOO_FAST in a row."""
        self.opened = self.heard = table.now
        self.probed = self.paused_at = self.until = self.grace = 0.0
        self.durable_at = NEVER
        self.word = ""
        """Why it ends, for the statistics."""
        table.connections[self.session] = self
        table.outboxes[self.session] = self.outbox

    # What a subclass does with its transport.

    @abstractmethod
    def listen(self) -> None:
        """Read again: a pause is over, or input is to be discarded."""

    @abstractmethod
    def press(self) -> None:
        """The outbox is touched and not FLOWING: look at its limit, get it written."""

    @abstractmethod
    def sent(self, count: int) -> None:
        """`count` bytes of the outbox are with the kernel, maybe not all there are."""

    @abstractmethod
    def shut(self) -> None:
        """Everything is written: tell the peer that nothing will follow."""

    @abstractmethod
    def reset(self) -> None:
        """What the kernel still holds for the peer is not worth its memory."""

    @abstractmethod
    def heeded(self) -> bool:
        """The peer's machine has taken everything, the end too: it is there."""

    @abstractmethod
    def peer(self) -> str:
        """The other end of its socket, maybe a proxy; empty where there is none any more, or it has no name."""

    @abstractmethod
    def close(self) -> None:
        """Give the descriptor back. Called by the reactor at the end of a turn, once."""

    # Input.

    def start(self, framing: Framing, wire: Wire) -> None:
        """The wire is settled: at accept, or after the upgrade. Where nobody has to log in, all limits are lifted."""
        self.framing = framing
        self.wire = wire
        if not self.limits.gated:
            self._admit(None)

    def pump(self, ends: float) -> None:
        """Hand whole frames to the wire until there are no more, the connection has to wait, or the clock says `ends`."""
        framing, wire, table = self.framing, self.wire, self.table
        if framing is None or wire is None:
            return
        while not self.paused and self.state == OPEN:
            message = framing.take()
            if message is None:
                if not framing.pending():
                    break
                if clock() >= ends:
                    table.queue(self)
                    break
                continue
            table.counters.frames_in += 1
            if framing.out and not framing.finished:
                # Pongs go before the answer to what came behind their pings.
                self.say_framed(b"".join(framing.out))
                framing.out = []
            if not self.logged_in:
                self.frames += 1
                if self.frames > FRAMES_BEFORE_LOGIN:
                    self.end(Ending(CloseReason.BAD_LOGIN))
                    return
            for inbound in wire.receive(message[0], message[1], table.now_ms):
                HANDLERS[type(inbound)](self, inbound)
                if self.state != OPEN:
                    return
            if not framing.pending():
                break
            if clock() >= ends:
                table.queue(self)
                break
        if self.state == OPEN:
            self._hear(framing)

    def _hear(self, framing: Framing) -> None:
        """Pass on what the framing itself has to say, and notice that it is finished."""
        if framing.controls:
            if self.pace is not None and not self.pace.spend(framing.controls, self.table.now):
                self.rest()
            framing.controls = 0
        if framing.finished:
            if not framing.pending():  # else its last words wait until the frames before them are served
                self.word = framing.finished
                self.leave(framing.out)
                self.forget()  # it closed by itself: its slot is free, and whoever takes it swaps nobody out
        elif framing.out:
            self.say_framed(b"".join(framing.out))
            framing.out = []

    # Pausing: a paused connection is not read, and no deadline runs against it.

    def pause(self, why: int) -> None:
        if not self.paused:
            self.paused_at = self.table.now
        self.paused |= why

    def release(self, why: int) -> None:
        if not self.paused & why or self.state != OPEN:
            return
        self.paused &= ~why
        if not self.paused:
            self.opened += self.table.now - self.paused_at
            self.heard = self.table.now
            if self.framing is not None and self.framing.pending():
                self.table.queue(self)
            self.listen()

    def rest(self) -> None:
        self.pause(RESTING)
        self.table.resting[self] = None

    def hold_sender(self) -> None:
        """Do not read a connection that feeds the journal faster than the disk takes it, or asks for more while the answers
        wait for the disk. Control connections have their own bound, of calls; the operator must not be shut out."""
        table = self.table
        pause = table.pause_seconds
        if table.now - self.durable_at < pause and (self.limits.gated or pause < math.inf):
            self.pause(SENDER)
            table.senders[self] = None

    # Output.

    def say(self, payload: bytes) -> None:
        """Send a payload of the wire, an empty one too."""
        if self.framing is not None and self.wire is not None:
            self.say_framed(self.framing.pack(payload, self.wire.text))

    def say_framed(self, frame: bytes) -> None:
        outbox = self.outbox
        outbox.frames.append(frame)  # `put` and `touch` by hand, as every answer comes by here
        outbox.size += len(frame)
        if outbox.touched < NOW:
            outbox.touched = NOW
            self.table.touched.append(outbox)

    def answer(self, request: object, reply: Reply | Refused, seat: str | None = None) -> None:
        """Render a reply, and do what follows from it: the login's limits, the end it may bring, what is asked next."""
        wire, framing = self.wire, self.framing
        if wire is None or framing is None or self.state != OPEN:
            return
        reason = None
        if request is not None:
            payload = wire.reply(request, reply)
            if payload:
                self.say_framed(framing.pack(payload, wire.text))
            reason = wire.after_reply(reply)
        if not self.logged_in and wire.logged_in:
            self._admit(reply)
        if seat is not None and self.seats is not None and type(reply) is LoggedIn:
            self.seats.logged_in(seat)
        if reason is not None:
            self.end(Ending(reason), seat)
            if seat is None:
                return
        if self.unanswered:
            self.unanswered -= 1
            if not self.unanswered:
                self.release(LOGIN)
        if type(reply) is Refused and reply.reason is Reason.TOO_FAST:
            self.refusals += 1
            if self.refusals >= REFUSALS:
                self.end(Ending(CloseReason.TOO_FAST))
        else:
            self.refusals = 0
        if self.seats is not None:
            for inbound in cast(SeatedWire, wire).follow_up():
                HANDLERS[type(inbound)](self, inbound)

    def _admit(self, reply: Reply | Refused | None) -> None:
        """Lift the limits kept before login."""
        assert self.framing is not None
        assert self.wire is not None
        self.logged_in = True
        self.table.logged_in += 1
        self.framing.lift(self.limits.frame_bytes)
        if self.seats is None:
            self.outbox.format = format_of(self.framing, self.wire, None)
        if isinstance(reply, LoggedIn) and reply.frames_per_second > 0:
            self.pace = Pace(reply.frames_per_second, self.table.now)

    def probe(self) -> None:
        """Ask a silent peer for a sign of life, in its wire's words and in its framing's."""
        if self.framing is None or self.wire is None:
            return
        frames = self.framing.ping()
        payload = self.wire.probe()
        if payload is not None:
            frames += self.framing.pack(payload, self.wire.text)
        if frames:  # who cannot be asked cannot be judged
            self.probed = self.table.now
            self.say_framed(frames)

    def crowded(self, limit: int) -> None:
        """The outbox holds more than `limit` bytes, or has not moved for too long: drop what may be dropped, else end."""
        outbox = self.outbox
        for mark in (Minor, Fleeting):
            if outbox.size > limit:
                self.table.counters.dropped_pushes += outbox.drop(mark)
        self.table.count(outbox)
        if outbox.size > limit:
            self.end(Ending(CloseReason.SLOW))

    # Endings.

    def end(self, ending: Ending, seat: str | None = None) -> None:
        """End this session as its wire would (DESIGN 3): farewell, then `leave`. Silent reasons and SLOW close at once. What
        concerns one seat of several ends that seat only."""
        if seat is not None and self.seats is not None and ending.reason in PERSONAL:
            self.seats.end(seat, ending)
            return
        if self.state == LEAVING and ending.reason is CloseReason.SLOW:
            self.lost("")
        if self.state != OPEN:
            return
        reason = ending.reason
        self.word = reason.word
        if reason is CloseReason.SLOW:
            self.reset()
        if reason is CloseReason.SLOW or reason in SILENT or self.wire is None or self.framing is None:
            self.lost(reason.word)
            return
        words: list[bytes] = []
        grace = 0.0
        try:
            farewell = self.wire.farewell(ending, self.table.now_ms)
            words += [self.framing.pack(payload, self.wire.text) for payload in farewell.payloads]
            if farewell.code is None:
                grace = farewell.seconds
            else:
                words.append(self.framing.close(farewell.code, farewell.text))
        except Exception:  # a bug in a wire: the code alone tells the peer, then
            logger.exception("farewell failed session=%x reason=%s", self.session, reason.word)
            if reason.code is not None:
                words.append(self.framing.close(reason.code, reason.word))
        if reason is CloseReason.REPLACED and self.submitted:
            self.table.parted[self.session] = self, self.table.now
        self.leave(words, grace)

    def leave(self, words: list[bytes], grace: float = 0.0) -> None:
        """Say these last framed words; when they are written, the peer has `grace` seconds to close by itself, then is told
        that nothing follows, and has `linger_seconds` more."""
        table = self.table
        self._part()
        self.state = LEAVING
        last = b"".join(words)
        if last:
            self.outbox.put(last)
        self.outbox.mode |= FINAL
        self.grace = grace
        self.until = table.now + grace + self.limits.linger_seconds
        self.paused = 0
        table.leaving[self] = None
        table.touch(self.outbox)
        self.listen()

    def written(self) -> None:
        """Everything is with the kernel, the farewell too."""
        if self.grace:
            self.until = self.table.now + self.grace
        else:
            self.conclude()

    def conclude(self) -> None:
        """Nothing follows; wait a little for the peer to close."""
        self.grace = 0.0
        self.until = self.table.now + self.limits.linger_seconds
        self.shut()

    def lost(self, word: str) -> None:
        """The connection is over now, without a word: the peer is gone, or not worth waiting for."""
        if self.state == CLOSED:
            return
        if self.state == OPEN:
            self._part()
        table = self.table
        self.state = CLOSED
        self.framing = self.wire = None
        self.outbox.clear()
        table.unblock(self.outbox)
        table.leaving.pop(self, None)
        table.counters.closed[self.word or word] += 1
        table.crowds.leave(self.address)
        table.doomed.append(self)

    def fail(self) -> None:
        """A bug met while serving this connection, and ends it alone. Called where the exception is caught."""
        logger.exception("connection failed session=%x", self.session)
        self.end(Ending(CloseReason.INTERNAL))

    def forget(self) -> None:
        """Tell the core, once, that nobody is there any more."""
        if self.seats is not None:
            self.seats.forget()
        if self.submitted:
            self.submitted = False
            self.table.core.gone(self.session)

    def _part(self) -> None:
        """From here on nothing reaches this session, and nothing comes from it."""
        table = self.table
        table.outboxes.pop(self.session, None)
        if self.seats is not None:
            self.seats.close()
        table.resting.pop(self, None)
        table.senders.pop(self, None)
        self.outbox.format = None
        if self.logged_in:
            self.logged_in = False
            table.logged_in -= 1
