"""What a hub cannot do itself because it takes time: fetching old rows, comparing a password. A job is started by the
dispatcher and done by tasks of the service nursery; its result comes back through the reactor, in a turn of its own."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from broker.hub.decision import Found
from broker.hub.hub import Hub
from broker.hub.recent import Key
from protocol.commands import Command, Reply
from protocol.errors import Refused


class Fetch(msgspec.Struct, gc=False):
    """`done` gets the rows by key, or None if the store cannot answer."""

    hub: Hub
    keys: tuple[Key, ...]
    done: Callable[[Found | None], None]


class Compare(msgspec.Struct, gc=False):
    """`done` gets whether `password` fits `hash`, or None if that could not be found out in time."""

    hash: str
    password: str
    done: Callable[[bool | None], None]


class Errand(msgspec.Struct, gc=False):
    """A command of the operator to the broker as a whole (`broker.upkeep`)."""

    command: Command
    done: Callable[[Reply | Refused], None]


Job = Fetch | Compare | Errand
