"""presence: users who come and go, each watched by twenty others.

All of them log out, and when every watcher has been told, all log in again. A change counts when a watcher has heard it;
one that is not told, or told wrongly, makes the round void. Parley tells a session at most once a second, all that has
changed in one push, so the milliseconds are mostly that pause, and the figure to look at is the CPU.

Peers have nothing of the kind, or only by hand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from bench.cases.contenders import PARLEY, Contender, started
from bench.cases.sizes import Sizes
from bench.cases.turns import listening
from bench.report import Table, rows
from bench.rounds import Round, interleave, measure
from bench.servers import Server
from bench.sessions import ask, drain, hang_up, log_in
from bench.wires.parley import ParleyWire
from bench.wires.websocket import body_of
from bench.wires.wire import Unexpected

CPU, RATE, LAST = "us CPU per change told", "changes told/s", "ms until all are told"
MOST_WATCHED = 200
"""Users a session may watch."""
SUBSCRIBED_SECONDS = 1.5
"""More than the pause after which the watchers are told of the last change before the round."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    with started(folder, PARLEY) as (running, missing):
        crowds = {name: Crowd(sizes, *each) for name, each in running.items()}
        try:
            found = rows(interleave({name: each.round for name, each in crowds.items()}, sizes.rounds), missing)
        finally:
            for each in crowds.values():
                hang_up([*each.watchers, *each.flappers])
    users, watchers = sizes.flappers
    yield Table(
        f"presence: {users:,} users go and come, {watchers} watch each, {2 * users * watchers:,} changes to tell a round",
        (CPU, RATE, LAST),
        found,
        notes=("logins and logouts are in the CPU; none of the peers tells presence",),
    )


class Crowd:
    """The users who come and go, and who watches whom."""

    def __init__(self, sizes: Sizes, contender: Contender, server: Server) -> None:
        assert isinstance(contender.wire, ParleyWire)
        self.wire = contender.wire
        self.server = server
        count, times = sizes.flappers
        self.users = [f"flaps{n:04}" for n in range(count)]
        each = min(MOST_WATCHED, count)
        self.watched = [
            [self.users[at % count] for at in range(first, first + each)] for first in range(0, count * times, each)
        ]
        self.watched[-1] = self.watched[-1][: count * times - each * (len(self.watched) - 1)]
        self.scripts = [self.wire.session(user) for user in self.users]
        self.flappers, _ = log_in(server.port, self.scripts)
        self.watchers, _ = log_in(server.port, [self.wire.session(f"watches{n}") for n in range(len(self.watched))])
        for sock, users in zip(self.watchers, self.watched, strict=True):
            ask(sock, self.wire.ask("presence.subscribe", {"client_ids": users}))
        drain(self.watchers, SUBSCRIBED_SECONDS)

    def round(self) -> Round:
        (seconds, void), effort = measure(self.server, self._flap)
        told = 2 * sum(map(len, self.watched))
        values = {CPU: effort.cpu * 1e6 / told, RATE: told / effort.seconds, LAST: seconds * 1e3}
        late = drain(self.watchers)
        void = void or (f"{late} bytes after the last change" if late else "")
        return Round(values, effort.generator, effort.foreign, void)

    def _flap(self) -> tuple[float, str]:
        """All out and all in; the longest time from the last of them to the last who was told, and what was wrong."""
        logout = self.wire.ask("logout", {})
        for sock in self.flappers:
            sock.send(logout.send)
        slowest, void = self._told(online=False)
        hang_up(self.flappers)
        self.flappers, _ = log_in(self.server.port, self.scripts)
        seconds, wrong = self._told(online=True)
        return max(slowest, seconds), void or wrong

    def _told(self, *, online: bool) -> tuple[float, str]:
        began = time.perf_counter()
        waiting = [set(users) for users in self.watched]
        left = sum(map(len, waiting))
        wrong = 0
        rest = [b""] * len(waiting)
        with listening(self.watchers) as turns:
            while left:
                turn = next(turns, None)
                if turn is None:
                    return 0.0, f"{left} changes not told"
                for n, data in turn:
                    data = rest[n] + data
                    start = 0
                    while 0 < (stop := self.wire.end(data, start)) <= len(data):
                        push = orjson.loads(body_of(data[start:stop]))
                        start = stop
                        if push["type"] != "presence.changed":
                            raise Unexpected(repr(push))
                        for change in push["data"]["changes"]:
                            user = change["client_id"]
                            if change["online"] is online and user in waiting[n]:
                                waiting[n].remove(user)
                                left -= 1
                            else:
                                wrong += 1
                    rest[n] = data[start:]
        return time.perf_counter() - began, f"{wrong} changes told wrongly" if wrong else ""
