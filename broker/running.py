"""A command on its way through the dispatcher: who asked, and what has been fetched or proven for it."""

from __future__ import annotations

import msgspec

from broker.hub.decision import Caller, Found
from broker.hub.hub import Hub
from broker.hub.recent import MessagesKey, Need, PatchesKey
from protocol.commands import Command


class Running(msgspec.Struct, eq=False, gc=False):
    session: int
    """0: the broker itself."""
    request: object
    """None: nobody waits for the answer."""
    hub: Hub
    caller: Caller
    command: Command
    serial: bool
    """Later commands of this session wait for it."""
    found: Found = {}
    proven: str | None = None
    needs: int = 0
    """How often it was executed and lacked rows."""
    rounds: int = 0
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
