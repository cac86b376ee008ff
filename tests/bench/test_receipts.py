"""How often receivers say what they have received."""

from __future__ import annotations

import socket

import pytest

from bench.cases import receipts
from bench.wires.parley import ParleyWire
from bench.wires.wire import Wire


class Telling(ParleyWire):
    receipt_seconds = 1.0

    def receipt(self, frame: bytes) -> bytes:
        return b"got " + frame


def told(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, newest: list[bytes], *moments: float, together: int = 1
) -> list[bytes]:
    """What two receivers have said by the last of these moments."""
    clock = iter((0.0, *moments))
    monkeypatch.setattr(receipts, "clock", lambda: next(clock))
    pairs = [socket.socketpair() for _ in range(2)]
    saying = receipts.Receipts(wire, [pair[0] for pair in pairs], newest.__getitem__, together)
    for _ in moments:
        saying.say()
    for near, _ in pairs:
        near.close()
    heard = [far.makefile("rb").read() for _, far in pairs]
    for _, far in pairs:
        far.close()
    return heard


def test_each_says_it_once_a_second_and_not_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Telling(), monkeypatch, [b"a", b"b"], 0.4) == [b"", b""]
    assert told(Telling(), monkeypatch, [b"a", b"b"], 0.4, 0.6) == [b"got a", b""]
    assert told(Telling(), monkeypatch, [b"a", b"b"], 0.6, 1.0, 1.1) == [b"got a", b"got b"]
    assert told(Telling(), monkeypatch, [b"a", b"b"], 2.0) == [b"got agot a", b"got bgot b"]


def test_some_say_it_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Telling(), monkeypatch, [b"a", b"b"], 0.6, 0.9, together=2) == [b"", b""]
    assert told(Telling(), monkeypatch, [b"a", b"b"], 1.1, 1.9, together=2) == [b"got a", b"got b"]


def test_who_has_nothing_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Telling(), monkeypatch, [b"", b"b"], 1.0) == [b"", b"got b"]


def test_where_the_protocol_has_no_receipts_nobody_says_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(ParleyWire(), monkeypatch, [b"a", b"b"], 100.0) == [b"", b""]
