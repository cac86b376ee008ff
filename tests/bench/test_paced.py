"""Messages at their own times: what a server's pause costs them, and what is missing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import cast

import pytest

from bench.cases import paced as pacing
from bench.cases.contenders import EJABBERD, SLOW
from bench.cases.direct import Pairs
from bench.cases.paced import A_SECOND, P50, P99, paced
from bench.wires.parley import ParleyWire
from tests.bench.test_wires import server_frame

MESSAGES = 100
PAUSE_SECONDS = 0.2


class Idle:
    """A server whose work is not looked at."""

    def cpu_seconds(self) -> float:
        return 0.0

    def rest(self) -> float:
        return 0.0


class OnePair:
    """Both ends of a pair's sockets; a thread passes on what the sender says, but not before `pause` is over, and not what
    it is told to lose."""

    def __init__(self, pause: float, lose: bytes) -> None:
        (sender, self.far_sender), (receiver, self.far_receiver) = socket.socketpair(), socket.socketpair()
        self.sockets = [sender, receiver]
        for sock in self.sockets:
            sock.setblocking(False)
        self.pairs, self.next, self.places = 1, 0, ["u.1"]
        self.wire = ParleyWire()
        self.server = Idle()
        self._pause, self._lose = pause, lose
        self._thread = threading.Thread(target=self._pass_on)
        self._thread.start()

    def _pass_on(self) -> None:
        waited = False
        while data := self.far_sender.recv(65_536):
            if not waited:
                time.sleep(self._pause)  # the server is busy with something else
                waited = True
            for part in data.split(b'"text":"')[1:]:
                text = part[:100]
                if not (self._lose and self._lose in text):
                    self.far_receiver.sendall(server_frame(text))

    def close(self) -> None:
        self.sockets[0].close()
        self._thread.join()
        for sock in (self.sockets[1], self.far_sender, self.far_receiver):
            sock.close()


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "PATIENCE_SECONDS", 0.5)


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[OnePair]:
    made = OnePair(*request.param)
    yield made
    made.close()


@pytest.mark.parametrize("pair", [(PAUSE_SECONDS, b"")], indirect=True)
def test_a_pause_makes_all_late_that_were_due_meanwhile(pair: OnePair) -> None:
    played = paced(cast(Pairs, pair), MESSAGES)
    assert played.void == ""
    assert played.values[P99] >= (PAUSE_SECONDS - 2 / A_SECOND) * 1e3
    assert played.values[P50] >= (PAUSE_SECONDS - MESSAGES / A_SECOND) * 1e3  # a closed loop would have had one late


@pytest.mark.parametrize("pair", [(0.0, b"#00000007#")], indirect=True)
def test_a_message_that_does_not_come_makes_the_round_void(pair: OnePair) -> None:
    assert paced(cast(Pairs, pair), 20).void == "1 deliveries lost"


def test_who_is_slow_has_fewer_messages_but_never_fewer_than_fill_the_depth() -> None:
    assert EJABBERD.part == SLOW
    assert [EJABBERD.part_of(*each) for each in ((320, 8), (60, 1), (80, 64), (100, 64))] == [80, 15, 80, 100]
