"""Handlers that look at many rows: one step a turn, one scan an app at a time (DESIGN 2.2), so that others get theirs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from broker.hub.decision import Decision, Moment
from broker.running import Running
from protocol.commands import Reply
from protocol.errors import Reason, Refused

MOST_WAITING = 16
"""Scans of one app, the one under way among them."""
Steps = Iterator[Reply | None]
Finish = Callable[[Running, Decision, Reply], None]
Refuse = Callable[[Running, Refused], None]
Fail = Callable[[Running], None]


class Scans:
    def __init__(
        self, alive: Callable[[Running], bool], finish: Finish, refuse: Refuse, fail: Callable[[Running], None]
    ) -> None:
        """`alive` tells whether somebody still waits for a scan; the others are where its outcome goes."""
        self._alive = alive
        self._finish = finish
        self._refuse = refuse
        self._fail = fail
        self._queues: dict[str, deque[tuple[Running, Decision, Steps]]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    def begin(self, running: Running, decision: Decision, steps: Steps, moment: Moment) -> None:
        """Take a scan in; its first step is made at once if no other is under way. OVERLOADED if too many wait."""
        app = running.hub.app.id
        queue = self._queues.setdefault(app, deque())
        if len(queue) >= MOST_WAITING:
            raise Refused(Reason.OVERLOADED, "too many searches at once", retry_after_ms=1000)
        queue.append((running, decision, steps))
        if len(queue) == 1:
            self._step(app, moment)

    def step(self, moment: Callable[[], Moment]) -> None:
        """One step of each app's scan."""
        for app in list(self._queues):
            self._step(app, moment())

    def _step(self, app: str, moment: Moment) -> None:
        queue = self._queues[app]
        running, decision, steps = queue[0]
        decision.when = moment
        decision.now, decision.commit = moment.now_ms, moment.commit
        outcome: Reply | Refused | Exception | None = None
        if self._alive(running):
            try:
                outcome = next(steps)
                if outcome is None:
                    return
            except Refused as refused:
                outcome = refused
            except Exception as error:
                outcome = error
        queue.popleft()
        if not queue:
            del self._queues[app]
        if isinstance(outcome, Reply):
            self._finish(running, decision, outcome)
        elif isinstance(outcome, Refused):
            self._refuse(running, outcome)
        elif outcome is not None:
            try:
                raise outcome
            except Exception:
                self._fail(running)
