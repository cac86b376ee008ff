"""What the dispatcher counts of each app's traffic, for metrics.

The law: an app is counted under its id and only once it has a hub, so there are as many labels as apps; counts only grow,
and counting costs a message no more than some dictionary lookups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from broker.hub.effects import Effect, Post
from broker.hub.hub import Hub
from protocol.commands import LoggedIn, Reply, Sent, sample
from protocol.pushes import MessageNew

WIRES = ("native", "leancloud")
"""Counted also while nobody speaks them, so that their lines do not come and go."""


class Tallies:
    def __init__(self) -> None:
        self.refused: defaultdict[str, int] = defaultdict(int)
        """By the word of the Reason, of all apps."""
        self._messages: defaultdict[str, int] = defaultdict(int)
        self._deliveries: defaultdict[str, int] = defaultdict(int)
        self._logins: defaultdict[tuple[str, str], int] = defaultdict(int)

    def count(self, hub: Hub, session: int, reply: Reply, effects: Iterable[Effect]) -> None:
        """A command was carried out."""
        app = hub.app.id
        if type(reply) is Sent:
            self._messages[app] += 1
        elif type(reply) is LoggedIn:
            self._logins[app, hub.sessions[session].wire] += 1
        for effect in effects:
            if type(effect) is Post and type(effect.push) is MessageNew:
                sessions = len(effect.sessions)
                self._deliveries[app] += sessions - 1 if effect.skip and sessions else sessions  # its sender is among them

    def totals(self) -> tuple[int, int, int]:
        """Messages, deliveries and refusals, of all apps."""
        return sum(self._messages.values()), sum(self._deliveries.values()), sum(self.refused.values())

    def figures(self, hubs: Iterable[Hub]) -> dict[str, float]:
        """By metric name: what was counted, and what there is, of each app."""
        found: dict[str, float] = {}
        for hub in hubs:
            app, tables = hub.app.id, hub.tables
            for name, count in (
                ("messages_total", self._messages[app]),
                ("deliveries_total", self._deliveries[app]),
                ("online_users", hub.presence.count()),
                ("users", len(tables.present)),
                ("conversations", len(tables.conversations)),
            ):
                found[sample(name, app=app)] = float(count)
            for wire in dict.fromkeys((*WIRES, *hub.wires)):
                found[sample("sessions", app=app, wire=wire)] = float(hub.wires.get(wire, 0))
                found[sample("logins_total", app=app, wire=wire)] = float(self._logins[app, wire])
        return found
