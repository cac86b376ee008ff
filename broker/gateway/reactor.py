"""The reactor: one Trio task that drives every plain connection, turn by turn (DESIGN 2.4, where the measurements are).

The law: a turn never waits and ends about `turn_ms` after it began, wherever it is; what it leaves is first in the next.
It goes input, core, effects, flush, deadlines, closing, in that order, so that a burst of requests becomes one commit and
one send for each connection. Descriptors are closed at its very end: no number comes back while somebody may hold it.

Input may use half of a turn, effects a quarter, and each makes some progress however late it is: a push to 20,000 keeps
nobody from being read, and a flood of input keeps no answers from leaving.

Tried without gain: to look into epoll before Trio waits for it (turns come sooner and hold less, which costs as much); to
wait for the journal alone while a commit is on its way (twice as many commits, each smaller); to compile the 50 modules of a
message's way with mypyc (of one to one a tenth, 84 to 75 us, of a push to 500 nothing: most is calls into C already).
"""

from __future__ import annotations

import errno
import logging
import math
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable

import trio

from broker.gateway.core import Core
from broker.gateway.deadlines import Sweep
from broker.gateway.delivery import Delivery
from broker.gateway.flush import flush
from broker.gateway.listeners import Door
from broker.gateway.proofs import WrongProofs
from broker.gateway.socket_connection import OUT, SocketConnection
from broker.gateway.statistics import GatewayStatistics
from broker.gateway.table import Table
from broker.settings import Sockets
from protocol.addresses import Addresses
from protocol.crowds import Crowds, spare_descriptors
from protocol.wires.wire import Ending

logger = logging.getLogger(__name__)

LATE_SECONDS = 1.0
"""A turn later than this does not count as time in which peers could be heard."""
YIELD_SECONDS = 0.0005
"""For so long input keeps the interpreter from the threads of the disk (`broker.persistence.journal`)."""
ACCEPTS = 64
"""Accepted per turn and listener."""
FULL_SECONDS = 0.1
"""A listener rests so long when there are no descriptors left, as Trio's own does."""
EVENTS = 1024
BROKEN = select.EPOLLHUP | select.EPOLLERR
NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Reactor:
    """Connections of one process. Everything is called on the thread of `run`; `clock` (seconds, monotonic) and `wall_ms`
    can be replaced in tests."""

    def __init__(
        self,
        core: Core,
        sockets: Sockets,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.table = Table(
            core,
            Crowds(sockets.connections_per_address, Addresses(sockets.trusted_proxies)),
            WrongProofs(sockets),
            sockets.all_outboxes_bytes,
        )
        self._core = core
        self._clock = clock
        self._wall_ms = wall_ms
        self._turn_seconds = sockets.turn_ms / 1000
        self._most = sockets.connections or spare_descriptors()
        self._delivery = Delivery(core, self.table)
        self._sweep = Sweep(self.table)
        self._epoll = select.epoll()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._awake = False
        self._epoll.register(self._wakeup, select.EPOLLIN)
        for fileno in core.filenos():
            self._epoll.register(fileno, select.EPOLLIN)
        self._listeners: dict[int, tuple[socket.socket, Door]] = {}
        self._resting: set[int] = set()
        """Listeners out of the epoll until `_rested_at`."""
        self._rested_at = 0.0
        self._by_fd: dict[int, SocketConnection] = {}
        self._ready: deque[SocketConnection] = deque()
        """Reported readable and not served yet."""
        self._calls: deque[Callable[[], object]] = deque()
        self._lost_seconds = 0.0
        """Time the gateway's clock stood still."""
        self._expected = clock()
        """When the coming turn should begin, at the latest."""
        self._alarm = math.inf
        """When the waiting is to end, whatever happens; a turn too early is no harm."""
        self._emptied = trio.Event()

    # For the server and for other tasks.

    def listen(self, sock: socket.socket, door: Door) -> None:
        """Accept on this listening socket from the next turn on; it is closed by `stop_listening`."""
        self._listeners[sock.fileno()] = (sock, door)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def stop_listening(self) -> None:
        """Close all listeners; connections stay. For draining, or to hand the addresses on."""
        for fileno, (sock, _) in self._listeners.items():
            if fileno not in self._resting:
                self._epoll.unregister(fileno)
            sock.close()
        self._listeners.clear()
        self._resting.clear()

    @property
    def full(self) -> bool:
        """There are as many connections as may be. Doors for apps wait then; the control socket does not."""
        return len(self.table.connections) >= self._most

    def end_strangers(self, ending: Ending) -> None:
        """End connections that are not logged in, of which the core knows nothing; the core ends the others itself."""
        for connection in list(self.table.connections.values()):
            if not connection.logged_in:
                connection.end(ending)
        self.wake()

    async def wait_empty(self) -> None:
        """Return once no connection is left."""
        while self.table.connections:
            self._emptied = trio.Event()
            await self._emptied.wait()
        await trio.lowlevel.checkpoint()

    def call(self, function: Callable[[], object]) -> None:
        """Run this in the next turn, in the order of the calls. An exception from it is the reactor's."""
        self._calls.append(function)
        self.wake()

    def wake(self) -> None:
        """Make a turn soon, although no descriptor is ready."""
        if not self._awake:
            self._awake = True
            os.eventfd_write(self._wakeup, 1)

    def statistics(self) -> GatewayStatistics:
        table = self.table
        counters = table.counters
        return GatewayStatistics(
            connections=len(table.connections),
            logged_in=table.logged_in,
            outbox_bytes=table.held_bytes,
            blocked=len(table.blocked),
            paused={"pace": len(table.resting), "journal": len(table.senders), "proof": len(table.proofs)},
            accepted=counters.accepted,
            bytes_in=counters.bytes_in,
            bytes_out=counters.bytes_out,
            frames_in=counters.frames_in,
            pushes=counters.pushes,
            dropped_pushes=counters.dropped_pushes,
            refused=counters.refused,
            closed=dict(counters.closed),
            kicks=dict(counters.kicks),
            turn_seconds=counters.turn_seconds.figures("turn_seconds"),
            turns=counters.turns,
            late_max=counters.late_max,
        )

    async def run(self) -> None:
        """Turn after turn until cancelled; then everything is closed, without a word."""
        try:
            self._expected = self._clock()
            while True:
                # Kept over many waits, as deadlines come a few times a second and waits thousands: to make one costs as much
                # as to wait.
                self._alarm = math.inf
                with trio.CancelScope() as scope:
                    while True:
                        self.turn()
                        if self._busy():
                            await trio.lowlevel.checkpoint()
                        else:
                            await self._wait(scope)
        finally:
            self._close()

    # A turn.

    def turn(self) -> None:
        """Everything that is to be done now, bounded by the clock."""
        table = self.table
        begun = self._observe()
        table.now_ms = self._wall_ms()
        table.counters.turns += 1
        length = self._turn_seconds
        self._run_calls(begun + length / 4)
        self._gather()
        self._serve(begun + length / 2)
        self._core.advance()
        table.pause_seconds = self._core.pause_seconds()
        if table.senders and not table.pause_seconds:
            self._sweep.release_senders()
        self._delivery.perform(begun + length * 3 / 4)
        flush(table, begun + length)
        self._sweep.run()
        self._bury()
        self._expected = self._clock()
        table.counters.turn_seconds.see(self._expected - begun)
        if self._expected - begun > LATE_SECONDS:
            self._late(self._expected - begun)

    def _observe(self) -> float:
        """Read the clock, and set the gateway's own by it. Returns the former."""
        now = self._clock()
        late = now - self._expected
        if late > self.table.counters.late_max:
            self.table.counters.late_max = late
        if late > LATE_SECONDS:
            self._late(late)
        self.table.now = now - self._lost_seconds
        return now

    def _late(self, seconds: float) -> None:
        """The process stood still: what was sent to us in that time is only being read now."""
        self._lost_seconds += seconds
        logger.warning("turn late seconds=%.2f connections=%d", seconds, len(self.table.connections))

    def _run_calls(self, ends: float) -> None:
        while self._calls:
            self._calls.popleft()()
            if self._clock() >= ends:
                break

    def _gather(self) -> None:
        """Ask epoll who is ready, once all it reported before has been served."""
        if self._ready:
            return
        if self._resting and self._clock() >= self._rested_at:
            for fileno in self._resting:
                self._epoll.register(fileno, select.EPOLLIN)
            self._resting.clear()
        by_fd = self._by_fd
        for fileno, events in self._epoll.poll(0, EVENTS):
            connection = by_fd.get(fileno)
            if connection is None:
                if fileno in self._listeners:
                    self._accept(*self._listeners[fileno])
                elif fileno == self._wakeup:
                    os.eventfd_read(fileno)
                    self._awake = False
            elif events & BROKEN:
                connection.lost("gone")
            else:
                if events & OUT:
                    connection.writable()
                if events & select.EPOLLIN:
                    self._ready.append(connection)

    def _serve(self, ends: float) -> None:
        """Read and handle input: first what is in user space already, then what epoll reported."""
        resume, ready = self.table.resume, self._ready
        for _ in range(len(resume)):
            waiting = resume.popleft()
            waiting.queued = False
            try:
                waiting.pump(ends)
            except Exception:  # a bug in a wire ends this connection alone
                waiting.fail()
            if self._clock() >= ends:
                break
        yields = self._clock() + YIELD_SECONDS
        while ready:
            connection = ready.popleft()
            try:
                connection.read(ends)
            except Exception:  # a bug in a wire ends this connection alone
                connection.fail()
            now = self._clock()
            if now >= ends:
                break
            if now >= yields:
                os.sched_yield()
                yields = now + YIELD_SECONDS

    def _accept(self, listener: socket.socket, door: Door) -> None:
        # As `listener.accept` does it, without the objects it wraps a socket in: half of what an accept costs.
        family, kind = int(listener.family), int(listener.type)
        for _ in range(ACCEPTS):
            if self.full and door.limits.gated:
                self._rest("limit", [fileno for fileno, (_, door) in self._listeners.items() if door.limits.gated])
                return
            try:
                fileno, peer = listener._accept()  # type: ignore[attr-defined]  # the C class's own, in no stub
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_DESCRIPTORS:
                    self._rest(errno.errorcode[error.errno], self._listeners)
                    return
                continue  # ECONNABORTED and what accept(2) says to treat like it: that peer has left
            sock = socket.SocketType(family, kind, fileno=fileno)
            try:
                self._open(sock, peer, door)
            except OSError:
                logger.exception("connection could not be opened")
                sock.close()

    def _open(self, sock: socket.SocketType, peer: object, door: Door) -> None:
        sock.setblocking(False)
        if door.admits is not None and not door.admits(sock):
            sock.close()
            return
        address = self.table.crowds.addresses.read(peer[0]) if door.limits.gated and isinstance(peer, tuple) else ""
        if not self.table.crowds.enter(address):
            self.table.counters.closed["crowded"] += 1
            sock.close()
            return
        self.table.counters.accepted += 1
        connection = SocketConnection(self.table, door.limits, sock, self._epoll)
        connection.address = address
        self._by_fd[connection.fd] = connection
        try:
            if door.begin is not None:
                connection.start(*door.begin())
            connection.handshake = door.handshake()
        except Exception:  # a bug in a wire ends this connection alone
            connection.fail()

    def _rest(self, why: str, filenos: Iterable[int]) -> None:
        """No room for another connection: leave them in the backlog for a moment, instead of spinning."""
        if not self._resting:
            logger.warning("accepting rests why=%s connections=%d", why, len(self.table.connections))
        for fileno in filenos:
            if fileno not in self._resting:
                self._epoll.unregister(fileno)
                self._resting.add(fileno)
        self._rested_at = self._clock() + FULL_SECONDS

    def _bury(self) -> None:
        """Close what is over. Nobody holds a number any more, so the kernel may give it away again."""
        table = self.table
        while table.doomed:
            doomed, table.doomed = table.doomed, []
            for connection in doomed:
                if isinstance(connection, SocketConnection):
                    del self._by_fd[connection.fd]
                connection.close()
                del table.connections[connection.session]
                connection.forget()
                # What points at each other would stay until a full collection, which takes too long (`broker.collector`).
                connection.seats = None
                connection.outbox.part()
        if not table.connections:
            self._emptied.set()

    # Between turns.

    def _busy(self) -> bool:
        table = self.table
        return bool(
            self._ready
            or table.resume
            or table.touched
            or table.later
            or self._calls
            or self._delivery.pending()
            or self._core.wants_turn()
        )

    async def _wait(self, scope: trio.CancelScope) -> None:
        """Wait for a descriptor or `wake`; at the next deadline the scope is cancelled. epoll is a descriptor itself, and
        what Trio waits for."""
        now = self._clock()
        seconds = min(self._core.next_deadline(), self._sweep.wait_seconds() if self.table.connections else math.inf)
        if self._resting:
            seconds = min(seconds, self._rested_at - now)
        self._expected = now + max(seconds, 0.0)
        if seconds <= 0.0:
            await trio.lowlevel.checkpoint()
            return
        if not now < self._alarm <= self._expected:
            self._alarm = self._expected
            scope.deadline = trio.current_time() + seconds
        await trio.lowlevel.wait_readable(self._epoll.fileno())
        self._expected = min(self._expected, self._clock())

    def _close(self) -> None:
        self._awake = True  # tasks that end later must not write to a descriptor that is no longer ours
        self.stop_listening()
        for connection in list(self.table.connections.values()):
            connection.lost("gone")
        self._bury()
        trio.lowlevel.notify_closing(self._epoll.fileno())
        self._epoll.close()
        os.close(self._wakeup)
