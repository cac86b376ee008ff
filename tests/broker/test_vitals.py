"""The watchdog is fed by turns of a reactor whose journal commits, and by nothing else (DESIGN 2.5)."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broker.vitals import STUCK_SECONDS, Vitals
from protocol.clients.manager import Manager


class Reactor:
    """What is to be done in a turn, and a turn."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], object]] = deque()
        self.in_flight_since: float | None = None

    def turn(self) -> None:
        while self.calls:
            self.calls.popleft()()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def heard(listener: socket.socket) -> list[str]:
    told = []
    while True:
        try:
            told.append(listener.recv(1000).decode())
        except BlockingIOError:
            return told


async def test_only_a_turn_feeds_and_only_while_commits_arrive(
    listener: socket.socket, nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    manager = Manager({"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "6000000"})
    reactor, now = Reactor(), [50.0]
    vitals = Vitals(
        manager, reactor.calls.append, lambda: reactor.in_flight_since, lambda: "7 sessions", clock=lambda: now[0]
    )
    nursery.start_soon(vitals.run)
    await trio.testing.wait_all_tasks_blocked()
    assert heard(listener) == []  # the reactor has not turned
    reactor.turn()
    assert heard(listener) == ["WATCHDOG=1\nSTATUS=7 sessions"]

    mock_clock.jump(2.01)  # a third of the watchdog's time
    await trio.testing.wait_all_tasks_blocked()
    reactor.in_flight_since = now[0] - STUCK_SECONDS
    reactor.turn()
    assert heard(listener) == ["WATCHDOG=1\nSTATUS=7 sessions"]

    mock_clock.jump(2.01)
    await trio.testing.wait_all_tasks_blocked()
    now[0] += 1
    reactor.turn()
    assert heard(listener) == ["STATUS=a commit has been on its way to the disk for 11 s"]
    manager.close()
