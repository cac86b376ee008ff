"""A command on its way through the dispatcher: who asked, and what has been fetched or proven for it."""

from __future__ import annotations

from broker.hub.decision import Caller, Found
from broker.hub.hub import Hub
from broker.hub.recent import MessagesKey, Need, PatchesKey
from protocol.commands import Command


class Running:
    __slots__ = ("caller", "command", "found", "hub", "needs", "proven", "request", "rounds", "serial", "session")

    def __init__(self, session: int, request: object, hub: Hub, caller: Caller, command: Command, serial: bool) -> None:
        self.session = session
        """0: the broker itself."""
        self.request = request
        """None: nobody waits for the answer."""
        self.hub = hub
        self.caller = caller
        self.command = command
        self.serial = serial
        """Later commands of this session wait for it."""
        self.found: Found = {}
        self.proven: str | None = None
        self.needs = 0
        """How often it was executed and lacked rows."""
        self.rounds = 0
        """How often what was fetched for it had changed meanwhile."""


def internal(hub: Hub, command: Command) -> Running:
    """A command the broker gives itself."""
    return Running(0, None, hub, Caller("", privileged=True), command, False)


def marks(running: Running, need: Need) -> list[tuple[int, int] | None]:
    """What tells that the rows fetched for a command are no longer what they were: patches and floors."""
    numbers = {key.conversation for key in need.keys if isinstance(key, MessagesKey | PatchesKey)}
    numbers.add(getattr(running.command, "conversation", 0))
    heads = running.hub.tables.heads
    return [(heads[number].patch, heads[number].floor) if number in heads else None for number in sorted(numbers)]
