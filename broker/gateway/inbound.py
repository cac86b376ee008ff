"""What a wire makes of its peer's frames, carried out: requests go to the core, words and endings to the connection.

The law: a request that counts takes from the connection's pace or is refused there and then; before login one is answered
before the next is read; and whoever has just fed the journal is the one held back while it is behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broker.gateway.pace import GO, Verdict
from broker.gateway.seats import MOST_SEATS, Seats
from protocol.commands import FREE, Managed
from protocol.errors import CloseReason, Reason, Refused
from protocol.wires.wire import End, Ending, Say, Submit

if TYPE_CHECKING:
    from broker.gateway.connection import Connection

LOGIN = 1
"""Bit of `Connection.paused`: the answer to a login is awaited."""


def submit(connection: Connection, item: Submit) -> None:
    now = connection.table.now
    command = item.command
    inner = command.command if type(command) is Managed else command
    pace = connection.pace
    if not connection.logged_in and item.request is not None:
        connection.unanswered += 1
        connection.pause(LOGIN)
    elif pace is not None:
        if inner.rate is FREE:
            if not pace.spend(1, now):
                connection.rest()
        elif (verdict := pace.ask(now)) is not GO:
            connection.table.counters.refused += 1
            refusal = Refused(Reason.TOO_FAST, retry_after_ms=pace.retry_after_ms())
            connection.answer(item.request, refusal, item.seat)
            if verdict is Verdict.END:
                connection.end(Ending(CloseReason.TOO_FAST))
            return
    if inner.durable:
        connection.durable_at = now
        if connection.table.pause_seconds:
            connection.hold_sender()
    session = connection.session
    if item.seat is not None:
        if connection.seats is None:
            connection.seats = Seats(connection)
        session = connection.seats.session_of(item.seat)
        if not session:
            refusal = Refused(Reason.FULL, f"a connection carries at most {MOST_SEATS} users; open another one")
            connection.answer(item.request, refusal, item.seat)
            return
    else:
        connection.submitted = True
    connection.table.core.submit(session, item.request, command)


def say(connection: Connection, item: Say) -> None:
    if connection.pace is not None and not connection.pace.spend(1, connection.table.now):
        connection.rest()
    connection.say(item.payload)


def end(connection: Connection, item: End) -> None:
    connection.end(Ending(item.reason))


HANDLERS: dict[type, Callable[[Connection, Any], None]] = {Submit: submit, Say: say, End: end}
