"""The end of a turn: every touched connection gets one send with all its outbox gathered (DESIGN 2.4).

The law: those who wait for a reply, or for a push to a few, are written first, then those whom only a large push or their
own slowness has put on the list; each list in the order in which its outboxes were touched, 250 sockets of the first and
100 of the second between two looks at the clock, and at least so many of each a turn: the many delay nobody by more than
that, and are never left out. What is left is first of its list in the next turn. One send for many frames is most of
Parley's speed (3.5 us to 0.37 us a message at ten, performance.md 2.1), and costs no waiting, because the turn ends anyway.

Tried without gain: to try a socket that did not take all once more behind the others, before epoll is asked (64 of 1 KiB in
flight).
"""

from __future__ import annotations

import logging
import os
import time

from broker.gateway.outbox import FLOWING, bytes_of
from broker.gateway.table import LATER, NOW, UNTOUCHED, Table

logger = logging.getLogger(__name__)
clock = time.monotonic

SOCKETS = 250
"""Written between two looks at the clock: about 1 ms."""
LATER_SOCKETS = 100
"""The same of those who can wait: what a turn may be late by because of them."""


def flush(table: Table, ends: float) -> None:
    """Send until nothing is touched, or the clock says `ends`."""
    if table.touched:
        drain(table, NOW, SOCKETS, ends)
    if table.later:
        drain(table, LATER, LATER_SOCKETS, ends)


def drain(table: Table, level: int, sockets: int, ends: float) -> None:
    """Send what is on the list of that level until it is empty, or the clock says `ends`; at least `sockets` sockets' worth.
    Who is on another list too is left to it, and who was on it is not here any more."""
    waiting = table.waiting[level]
    at = 0
    bytes_out = 0
    while at < len(waiting):
        for outbox in waiting[at : at + sockets]:
            if outbox.touched != level:
                continue
            outbox.touched = UNTOUCHED
            if outbox.mode == FLOWING and len(outbox.frames) == 1 and outbox.sock is not None:
                # Nine of ten: by hand, as this loop runs for every delivery (bench: fan-out).
                frame = outbox.frames[0]
                try:
                    count = outbox.sock.send(bytes_of(frame) if isinstance(frame, tuple) else frame)
                except BlockingIOError:
                    count = 0
                except OSError:
                    outbox.connection.lost("gone")
                    continue
                if count == outbox.size:
                    bytes_out += count
                    outbox.frames.clear()
                    outbox.size = 0
                    continue
                outbox.connection.sent(count)
            else:
                try:
                    outbox.connection.press()
                except Exception:  # the others of this turn are still to be written
                    outbox.connection.fail()
        at += sockets
        os.sched_yield()  # as the reactor does within input
        if clock() >= ends:
            break
    del waiting[:at]
    table.counters.bytes_out += bytes_out
