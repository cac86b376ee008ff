"""From the gateway to the hubs and back: finds who asks, executes, and sends the outcome on its way behind its commit.

A session's commands are executed one after another, so its replies come in the order of its requests even when one of
them has to wait for old rows; calls of the control channel are independent of each other. Everything here runs on the
reactor's turn. Lifecycle of one command: submit -> admit -> handler -> carry out -> commit -> outgoing.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence

from broker.admission import Admission
from broker.apps import Apps
from broker.clock import Clock
from broker.commits import Commits, StateBroken
from broker.hub.decision import Caller, Decision, Found, Moment, Prove
from broker.hub.effects import EndSession, ReplyTo
from broker.hub.handlers import HANDLERS, SCANS
from broker.hub.housekeeping import Housekeeping
from broker.hub.hub import Hub
from broker.hub.recent import Need
from broker.hub.rows import Image
from broker.jobs import Compare, Errand, Fetch, Job
from broker.positions import Positions
from broker.running import Running, internal, marks
from broker.scans import Scans
from broker.tallies import Tallies
from protocol.commands import (
    AddApp,
    Backup,
    Command,
    InspectConnection,
    InspectSessions,
    ListQuarantine,
    ListSamples,
    LoggedIn,
    Managed,
    Reply,
    Sent,
    Stats,
    StatsReport,
    Stopped,
    WatchApps,
    Watermark,
    sample,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.wires.wire import Ending

log = logging.getLogger("parley.dispatcher")

MOST_WAITING = 256
"""Commands of a session behind one that waits for old rows."""
ROUNDS = 3
"""How often a fetch may be overtaken by changes before the caller is told to come back."""
NEEDS = 8
UPKEEP = (Watermark, ListQuarantine, Backup, InspectSessions, InspectConnection, ListSamples)
HELD_BYTES = 64 * 1_048_576
"""Of answers and pushes that wait for the disk; beyond it nobody is read. Reads wait too: no limit of sends bounds this."""
PAUSE_SECONDS = 1.0
TICK_MS = 250


class Dispatcher:
    """Implements `broker.gateway.core.Core`."""

    def __init__(
        self, apps: Apps, commits: Commits, clock: Clock, start: Callable[[Job], bool], filenos: Sequence[int],
        backlog: Callable[[], dict[str, float]],
    ) -> None:  # fmt: skip
        """`start` hands a job to its task, False if there are too many; `filenos` make a turn when they are readable;
        `backlog` gives the figures of journal, writer and gateway for `Stats`."""
        self.apps = apps
        self.commits = commits
        self.outgoing = commits.outgoing
        self.clock = clock
        self.admission = Admission(apps, commits)
        self._start = start
        self._filenos = filenos
        self._backlog = backlog
        self._waiting: dict[int, deque[tuple[object, Command | Managed]]] = {}
        self._stopped: dict[int, Stopped] = {}
        self._watchers: dict[int, None] = {}
        self._scans = Scans(self._awaited, self._finish, self._answer, self._fetch, self._fail)
        self._positions = Positions()
        self._turn: Moment | None = None
        self._next_tick = 0
        self._commands = 0
        self._tallies = Tallies()

    # The seam inward.

    def submit(self, session: int, request: object, command: Command | Managed) -> None:
        self._commands += 1
        waiting = self._waiting.get(session)
        if waiting is not None:
            if len(waiting) < MOST_WAITING:
                waiting.append((request, command))
            else:
                self._refuse(session, request, Refused(Reason.TOO_FAST, "too many requests wait", retry_after_ms=1000))
            return
        when = self.moment()
        try:
            running = self.admission.admit(session, request, command, when.now_ms)
            if running is None:
                assert type(command) is not Managed
                self._broker_command(session, request, command)
                return
        except Refused as refused:
            self._refuse(session, request, refused)
            return
        self._execute(running, when)

    def gone(self, session: int) -> None:
        self._waiting.pop(session, None)
        self._stopped.pop(session, None)
        self._watchers.pop(session, None)
        hub = self.admission.hub_of.pop(session, None)
        lost = hub.gone(session, self.moment().now_ms) if hub is not None else None
        if hub is not None and lost is not None and lost.will is not None:
            self._again(Running(0, None, hub, Caller(lost.user), lost.will, False))

    def advance(self) -> None:
        """Once a turn: time, scans, the journal."""
        now = self.moment().now_ms
        if now >= self._next_tick:
            self._tick(now)
        if self.admission.storage and (positions := self._positions.take(now)):
            self.commits.add(positions)
        self._scans.step(self.moment)
        self.commits.advance()
        self._turn = None  # what comes in next is another moment

    def wants_turn(self) -> bool:
        return bool(self._scans or self.outgoing or (self._positions.due and self.admission.storage))

    def next_deadline(self) -> float:
        """Seconds until the next tick."""
        return max(self._next_tick - self.clock.now_ms(), 0) / 1000

    def filenos(self) -> Sequence[int]:
        return self._filenos

    def pause_seconds(self) -> float:
        if self.commits.held_bytes > HELD_BYTES:
            return math.inf
        return PAUSE_SECONDS if self.commits.behind >= 1 else 0.0

    # Time.

    def moment(self) -> Moment:
        if self._turn is None or self._turn.commit != self.commits.number:
            self._turn = Moment(self.clock.now_ms(), self.clock.wall_ms(), self.commits.number, self.admission.storage)
        return self._turn

    def _tick(self, now: int) -> None:
        self._next_tick = now + TICK_MS
        for hub in self.apps.hubs.values():
            for effect in hub.tick(now):
                self.commits.emit(effect)

    def commit_positions(self) -> None:
        """All that have moved ride in the open commit, as they stand now."""
        if self.admission.storage and (positions := self._positions.take_all()):
            self.commits.add(positions)

    # One command.

    def _broker_command(self, session: int, request: object, command: Command) -> None:
        """WatchApps, AddApp, Stats, upkeep: of the control wire, which alone can say them."""
        if type(command) is WatchApps:
            self._watchers[session] = None
            self.commits.emit(ReplyTo(session, request, self.apps.table()))
        elif type(command) is AddApp:
            self.admission.check_storage()
            images = self.apps.add(command.app)
            self.change_apps(images)
            self.commits.emit(ReplyTo(session, request, self.apps.table()))
        elif type(command) is Stats:
            # It says nothing that could vanish, and what is wrong with the disk must not hide behind the disk.
            self.commits.emit_early(ReplyTo(session, request, StatsReport(counters=self.statistics())), in_order=False)
        elif isinstance(command, UPKEEP):
            self._run_errand(session, request, command)
        else:
            raise Refused(Reason.NOT_LOGGED_IN, "log in first")

    def _run_errand(self, session: int, request: object, command: Command) -> None:
        """It says nothing that could vanish, and what the operator asks while the disk is slow must not wait for it."""

        def done(outcome: Reply | Refused) -> None:
            self.commits.emit_early(ReplyTo(session, request, outcome), in_order=False)

        if not self._start(Errand(command, done)):
            raise Refused(Reason.OVERLOADED, "too many such calls at once", retry_after_ms=1000)

    def _execute(self, running: Running, when: Moment) -> None:
        """Run the handler. What it needs and memory lacks is fetched, then it runs again from the start."""
        try:
            hub = running.hub
            decision = Decision(
                hub, hub.app.id, running.caller, when, when.now_ms, when.commit, running.found, running.proven
            )
            scan = SCANS.get(type(running.command))
            if scan is not None:
                self._pause(running, "scan")
                self._scans.begin(running, decision, scan(decision, running.command))
                return
            reply = HANDLERS[type(running.command)](decision, running.command)
        except Refused as refused:
            self._answer(running, refused)
        except Need as need:
            self._fetch(running, need)
        except Prove as prove:
            self._compare(running, prove)
        except Exception:  # a handler has changed nothing before it returns
            self._fail(running)
        else:
            self._finish(running, decision, reply)

    def _again(self, running: Running) -> None:
        """Execute a command that waited."""
        try:
            self.admission.check_again(running)
        except Refused as refused:
            self._answer(running, refused)
        else:
            self._execute(running, self.moment())

    def _finish(self, running: Running, decision: Decision, reply: Reply) -> None:
        """The handler has decided: make it so, and let its effects follow."""
        images = decision.images
        hub = running.hub
        try:
            hub.carry_out(decision, self.commits.number)
        except Exception as error:
            raise StateBroken(f"{type(running.command).__name__} could not be applied") from error
        if images:
            self.commits.add(images)
        if decision.marks:
            self._positions.note(hub, decision.marks)
        if type(reply) is LoggedIn:
            self.admission.hub_of[running.session] = hub
        if running.request is None:
            self.commits.emit(*decision.before, *decision.effects)
        else:
            answer = ReplyTo(running.session, running.request, reply)
            if type(reply) is Sent and reply.memory:
                self.commits.emit(*decision.before)
                self.commits.emit_early(answer, in_order=running.serial)
                self.commits.emit(*decision.effects)
            else:
                self.commits.emit(*decision.before, answer, *decision.effects)
        self._tallies.count(hub, running.session, reply, decision.effects)
        if self._waiting:
            self._go_on(running)

    def _answer(self, running: Running, refused: Refused) -> None:
        self._refuse(running.session, running.request, refused)
        self._go_on(running)

    def _go_on(self, running: Running) -> None:
        """With what waited behind it: only now, or its effects would come after theirs."""
        if running.serial and running.session in self._waiting:
            self._resume(running.session)

    def _refuse(self, session: int, request: object, refused: Refused) -> None:
        self._tallies.refused[refused.reason.value] += 1
        if request is not None:
            self.commits.emit(ReplyTo(session, request, refused))

    def _fail(self, running: Running) -> None:
        """A bug in a handler: it has changed nothing, and ends this connection only."""
        log.exception("handler failed command=%s app=%s", type(running.command).__name__, running.hub.app.id)
        refused = Refused(Reason.INTERNAL, "something went wrong here; nothing was done")
        self._refuse(running.session, running.request, refused)
        if running.caller.session is not None:
            self.commits.emit(EndSession(running.session, Ending(CloseReason.INTERNAL)))
        self._go_on(running)

    # Waiting for what a hub cannot do.

    def _awaited(self, running: Running) -> bool:
        """Whether the connection that asked is still there."""
        return not running.serial or running.session in self._waiting

    def _pause(self, running: Running, why: str) -> None:
        if running.serial:
            self._waiting.setdefault(running.session, deque())
            self._stopped[running.session] = Stopped(why, type(running.command).__name__, self.clock.now_ms())

    def waiting_of(self, session: int) -> tuple[Stopped | None, int]:
        """What this session's commands wait for, and how many wait."""
        return self._stopped.get(session), len(self._waiting.get(session, ()))

    def _resume(self, session: int) -> None:
        waiting = self._waiting.pop(session)
        del self._stopped[session]
        while waiting:
            request, command = waiting.popleft()
            self.submit(session, request, command)
            paused = self._waiting.get(session)
            if paused is not None:
                paused.extend(waiting)
                return

    def _fetch(self, running: Running, need: Need) -> None:
        running.needs += 1
        before = marks(running, need)

        def done(found: Found | None) -> None:
            if not self._awaited(running):
                return
            if found is None:
                self._answer(running, Refused(Reason.HISTORY_UNAVAILABLE, "older history is unavailable for now"))
                return
            if marks(running, need) == before:
                running.found.update(found)
            else:
                running.found.clear()
                running.rounds += 1
            if running.rounds >= ROUNDS:
                self._answer(running, Refused(Reason.OVERLOADED, "this conversation is changing too fast to read"))
            else:
                self._again(running)

        if running.needs <= NEEDS and self._start(Fetch(running.hub, need.keys, done)):
            self._pause(running, "store")
        else:
            self._answer(running, Refused(Reason.OVERLOADED, "too many reads of old rows", retry_after_ms=1000))

    def _compare(self, running: Running, prove: Prove) -> None:
        def done(fits: bool | None) -> None:
            if not self._awaited(running):
                return
            if fits is None:
                self._answer(running, Refused(Reason.OVERLOADED, "too many logins at once", retry_after_ms=2000))
            elif not fits:
                self._answer(running, Refused(Reason.WRONG_PASSWORD, "wrong password"))
            else:
                running.proven = prove.hash
                self._again(running)

        if running.proven is None and self._start(Compare(prove.hash, prove.password, done)):
            self._pause(running, "password")
        else:
            self._answer(running, Refused(Reason.OVERLOADED, "too many logins at once", retry_after_ms=2000))

    # The whole.

    def change_apps(self, images: list[Image]) -> None:
        """Apps were added or changed: commit it, and tell adminapi."""
        if not images:
            return
        self.commits.add(images)
        for effect in self.apps.changed(list(self._watchers)):
            self.commits.emit(effect)

    def keep_house(self, hub: Hub, command: Housekeeping) -> None:
        """A command of `broker.housekeeping`."""
        if self.admission.storage and not self.admission.draining:
            self._execute(internal(hub, command), self.moment())

    def end_all(self, endings: list[tuple[int, Ending]]) -> None:
        for session, ending in endings:
            self.commits.emit(EndSession(session, ending))

    def totals(self) -> tuple[int, int, int]:
        """Messages, deliveries and refusals since the start."""
        return self._tallies.totals()

    def statistics(self) -> dict[str, float]:
        """Counts by metric name."""
        figures = {
            "commands_total": float(self._commands),
            "commits_total": float(self.commits.commits),
            "durable_commit": float(self.commits.durable),
            "held_effects": float(self.commits.held),
            "held_bytes": float(self.commits.held_bytes),
            "journal_behind": self.commits.behind,
            **self._backlog(),
            **self._tallies.figures(self.apps.hubs.values()),
        }
        for reason in Reason:
            name = sample("refused_total", reason=reason.value)
            figures[name] = figures.get(name, 0.0) + self._tallies.refused[reason.value]  # the gateway refuses too
        return figures
