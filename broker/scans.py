"""Handlers that look at many rows: 500 a step, a step a turn, one scan an app at a time (DESIGN 2.2).

A scan that is done within its first step is done at once; so only long ones wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from broker.hub.decision import Decision, Moment
from broker.hub.recent import Need
from broker.running import Running
from protocol.commands import Reply
from protocol.errors import Reason, Refused

MOST_WAITING = 16
"""Long scans of one app, the one under way among them."""
Steps = Iterator[Reply | None]
Finish = Callable[[Running, Decision, Reply], None]
Refuse = Callable[[Running, Refused], None]
Fetch = Callable[[Running, Need], None]
Fail = Callable[[Running], None]


class Scans:
    def __init__(self, alive: Callable[[Running], bool], finish: Finish, refuse: Refuse, fetch: Fetch, fail: Fail) -> None:
        """`alive` tells whether somebody still waits for a scan; the others are where its outcome goes. One that needs old
        rows begins anew when they are there."""
        self._alive = alive
        self._finish = finish
        self._refuse = refuse
        self._fetch = fetch
        self._fail = fail
        self._queues: dict[str, deque[tuple[Running, Decision, Steps]]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    def begin(self, running: Running, decision: Decision, steps: Steps) -> None:
        """Make the first step; what is longer queues, or is OVERLOADED if too many do."""
        if self._advance(running, decision, steps):
            return
        queue = self._queues.setdefault(running.hub.app.id, deque())
        if len(queue) < MOST_WAITING:
            queue.append((running, decision, steps))
        else:
            self._refuse(running, Refused(Reason.OVERLOADED, "too many searches at once", retry_after_ms=1000))

    def step(self, moment: Callable[[], Moment]) -> None:
        """One step of each app's scan."""
        for app, queue in list(self._queues.items()):
            running, decision, steps = queue[0]
            decision.when = moment()
            decision.now, decision.commit = decision.when.now_ms, decision.when.commit
            if self._advance(running, decision, steps):
                queue.popleft()
                if not queue:
                    del self._queues[app]

    def _advance(self, running: Running, decision: Decision, steps: Steps) -> bool:
        """One step; whether it was the last."""
        if not self._alive(running):
            return True
        try:
            outcome = next(steps)
        except Refused as refused:
            self._refuse(running, refused)
        except Need as need:
            self._fetch(running, need)
        except Exception:  # a bug while deciding has changed nothing, and is its caller's alone
            self._fail(running)
        else:
            if outcome is None:
                return False
            self._finish(running, decision, outcome)
        return True
