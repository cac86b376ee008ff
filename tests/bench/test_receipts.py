"""How often receivers say what they have received."""

from __future__ import annotations

import socket
from typing import cast

import pytest

from bench.cases.receipts import Receipts
from bench.servers import Server
from bench.wires.parley import ParleyWire
from bench.wires.wire import Wire


class Telling(ParleyWire):
    receipt_seconds = 1.0

    def receipt(self, frame: bytes) -> bytes:
        return b"got " + frame


class Working:
    """A server that has used so much at each look."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = iter((0.0, *seconds))

    def cpu_seconds(self) -> float:
        return next(self.seconds)


@pytest.fixture(autouse=True)
def _resting_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cases.receipts.own_seconds", lambda: 100.0)


def told(wire: Wire, newest: list[bytes], *seconds: float, together: int = 1) -> list[bytes]:
    """What two receivers have said by the last of these looks."""
    pairs = [socket.socketpair() for _ in range(2)]
    server = cast(Server, Working(*seconds))
    saying = Receipts(wire, server, [pair[0] for pair in pairs], newest.__getitem__, together)
    for _ in seconds:
        saying.say()
    for near, _ in pairs:
        near.close()
    heard = [far.makefile("rb").read() for _, far in pairs]
    for _, far in pairs:
        far.close()
    return heard


def test_each_says_it_once_a_second_and_not_all_at_once() -> None:
    assert told(Telling(), [b"a", b"b"], 0.4) == [b"", b""]
    assert told(Telling(), [b"a", b"b"], 0.4, 0.6) == [b"got a", b""]
    assert told(Telling(), [b"a", b"b"], 0.6, 1.0, 1.1) == [b"got a", b"got b"]
    assert told(Telling(), [b"a", b"b"], 2.0) == [b"got agot a", b"got bgot b"]


def test_some_say_it_together() -> None:
    assert told(Telling(), [b"a", b"b"], 0.6, 0.9, together=2) == [b"", b""]
    assert told(Telling(), [b"a", b"b"], 1.1, 1.9, together=2) == [b"got a", b"got b"]


def test_who_has_nothing_says_nothing() -> None:
    assert told(Telling(), [b"", b"b"], 1.0) == [b"", b"got b"]


def test_where_the_protocol_has_no_receipts_nobody_says_one() -> None:
    assert told(ParleyWire(), [b"a", b"b"], 100.0) == [b"", b""]
