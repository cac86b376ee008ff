"""idle: what a session costs in memory while its user says nothing.

The slope between two numbers of sessions, so what the program itself takes is not in it; the user that a first login
creates is. Peers: a connection that has logged in and hears one subject, or one topic.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

from bench.cases.contenders import EJABBERD, MOSQUITTO, NATS, PARLEY, Contender, started, thin_ones
from bench.cases.sizes import Sizes
from bench.report import Table, budget, rows
from bench.rounds import Round
from bench.servers import Server
from bench.sessions import hang_up, log_in

COLUMN = "KiB RSS per session"
MOST_KIB = 8.0


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    with started(folder, PARLEY, NATS, MOSQUITTO, EJABBERD, *thin_ones(sizes)) as (running, missing):
        found = rows({name: [slope(sizes, *each)] for name, each in running.items()}, missing)
    yield Table(
        f"idle: {sizes.idle:,} logged-in sessions",
        (COLUMN,),
        found,
        notes=("durability plays no part here; sockets' kernel memory (about 4 KiB each) is in no figure",),
        budgets=(budget(f"at most {MOST_KIB:.0f} KiB", found[0], COLUMN, most=MOST_KIB),),
    )


def slope(sizes: Sizes, contender: Contender, server: Server) -> Round:
    sockets: list[socket.socket] = []
    try:
        resident = []
        for first, count in ((0, sizes.idle_before), (sizes.idle_before, sizes.idle)):
            scripts = [contender.wire.session(f"idle{n}", f"to.idle{n}") for n in range(first, first + count)]
            sockets += log_in(server.port, scripts)[0]
            server.rest()
            resident.append(server.resident_kib())
        return Round({COLUMN: (resident[1] - resident[0]) / sizes.idle})
    finally:
        hang_up(sockets)
