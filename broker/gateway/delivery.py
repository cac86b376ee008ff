"""Performing what leaves the core: replies to their connections, pushes to many, ends (DESIGN 2.4).

The law: each session gets its effects in the order of `core.outgoing`. Those of a few sessions are performed at once; a push
to very many is put into a lane (`lanes.py`), of which each turn serves some, however many turns that takes, so that nobody
waits for a room of 20,000.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from broker.gateway import lanes
from broker.gateway.core import Core
from broker.gateway.lanes import Lanes
from broker.gateway.spread import Spread
from broker.gateway.table import NOW, Table
from broker.hub.effects import EndSession, Post, ReplyTo
from protocol.errors import Refused
from protocol.guesses import PROOFS

logger = logging.getLogger(__name__)
clock = time.monotonic


def answer(effect: ReplyTo, table: Table, *, held: bool = False) -> None:
    """Give this reply to its connection, if it is still there. `held`: it has waited already."""
    outbox = table.outboxes.get(effect.session)
    if outbox is None:
        return
    reply, connection = effect.reply, outbox.connection
    if not held and type(reply) is Refused and reply.reason in PROOFS:
        now = table.proofs.hold(effect, connection.address, table.now)
        if now is None:
            return
        reply = now.reply
    try:
        connection.answer(effect.request, reply, outbox.seat)
    except Exception:  # a bug in a wire ends this connection alone
        connection.fail()


class Delivery:
    """The effects of one core on the connections of one table."""

    __slots__ = ("_core", "_lanes", "_table")

    def __init__(self, core: Core, table: Table) -> None:
        self._core = core
        self._table = table
        self._lanes = Lanes(table)

    def pending(self) -> bool:
        return bool(self._core.outgoing or self._lanes.open)

    def perform(self, ends: float) -> None:
        """Perform effects until there are none, or the clock says `ends`; at least one, and a slice of what is in lanes."""
        outgoing = self._core.outgoing
        while outgoing:
            effect = outgoing.popleft()
            PERFORMERS[type(effect)](self, effect)
            if clock() >= ends:
                break
        self._lanes.advance(ends)

    def _reply(self, effect: ReplyTo) -> None:
        if self._lanes.open:
            self._lanes.catch_up((effect.session,), NOW)
        answer(effect, self._table)

    def _end(self, effect: EndSession) -> None:
        outbox = self._table.outboxes.get(effect.session)
        if outbox is not None:
            if self._lanes.open:
                self._lanes.catch_up((effect.session,), NOW)
            self._table.counters.kicks[effect.ending.reason.word] += 1
            outbox.connection.end(effect.ending, outbox.seat)

    def _post(self, effect: Post) -> None:
        sessions = effect.sessions
        if len(sessions) > lanes.SLICE:
            self._lanes.add(effect)
            return
        if self._lanes.open:
            self._lanes.catch_up(sessions, NOW)
        spread = Spread(self._table, effect)
        if effect.skip and len(sessions) > 1:
            self._gather(effect, spread)
        spread.put(sessions, NOW)

    def _gather(self, first: Post, spread: Spread) -> None:
        """Take along the pushes that follow to the same sessions. Between them stand the answers to their sender, who gets
        none of these pushes, so that neither overtakes the other."""
        outgoing = self._core.outgoing
        while outgoing:
            effect = outgoing[0]
            if type(effect) is ReplyTo and effect.session == first.skip:
                self._reply(effect)
            elif type(effect) is not Post or not spread.take(effect):
                return
            outgoing.popleft()


PERFORMERS: dict[type, Callable[[Delivery, Any], None]] = {
    ReplyTo: Delivery._reply,
    Post: Delivery._post,
    EndSession: Delivery._end,
}
