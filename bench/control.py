"""What a broker says of itself: its counters, asked over the control socket as `parley stats` does.

The law: it is asked between rounds, never in one, so that the asking is in no figure. The bytes are
`protocol.wires.control`'s; a call waits for its answer, as the bench has nothing else to do then.
"""

from __future__ import annotations

import socket
from pathlib import Path

from bench.wires.wire import Unexpected
from protocol.commands import Stats, StatsReport
from protocol.wires.control import Answer, ControlCalls

SECONDS = 10.0


def counters(path: Path) -> dict[str, float]:
    """By name, as in `/-/metrics` without `parley_`. OSError, or Unexpected if the broker answers otherwise."""
    calls = ControlCalls()
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as incoming:
        sock.settimeout(SECONDS)
        sock.connect(str(path))
        for payload in (calls.hello(), calls.call(1, Stats(), int(SECONDS * 1000))):
            sock.sendall(len(payload).to_bytes(4, "big") + payload)
        while head := incoming.read(4):
            heard = calls.receive(incoming.read(int.from_bytes(head, "big")))
            if isinstance(heard, Answer):
                if isinstance(heard.outcome, StatsReport):
                    return heard.outcome.counters
                break
    raise Unexpected("the broker does not tell its counters")
