"""Who takes part: Parley, in one protocol or two, and of a case's peers those that are installed, each in a folder of its
own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgspec

from bench.cases.sizes import Sizes
from bench.ejabberd import Ejabberd
from bench.postgres import PostgresBroker
from bench.report import Row, budget
from bench.servers import Broker, Mosquitto, NatsServer, Server, Thin, found, has_library, watch_idle
from bench.wires.leancloud import LeanCloudWire
from bench.wires.mqtt import MqttWire
from bench.wires.nats import NatsWire
from bench.wires.parley import ParleyWire
from bench.wires.thin import SocketIoWire, ThinWire
from bench.wires.wire import Wire
from bench.wires.xmpp import XmppWire


class Contender(msgspec.Struct, frozen=True):
    """`start` on a fresh folder; `durability` is part of its row's name: `fsync` (on disk before it is acknowledged) or
    `mem` (kept nowhere)."""

    name: str
    durability: str
    program: str
    """What has to be installed; "" for what this tree brings, or what `library` stands on."""
    start: Callable[[Path], Server]
    wire: Wire
    library: str = ""
    """What a thin broker stands on."""
    part: float = 1.0
    """Of the messages of a fan-out's round: those that take twenty times as long as others have fewer to pass on."""

    def part_of(self, count: int, depth: int) -> int:
        """Its messages in such a round, twice what is in flight at least."""
        return max(min(count, 2 * depth), int(self.part * count))

    @property
    def installed(self) -> bool:
        return not (self.program and not found(self.program)) and not (self.library and not has_library(self.library))


SLOW = 0.25
IDLE_SECONDS = 1.0
"""Several ticks of every contender (Parley's is 0.25 s)."""

PARLEY = Contender("Parley", "fsync", "", Broker, ParleyWire())
TRANSIENT = Contender("Parley", "mem", "", Broker, ParleyWire(transient=True))
LEANCLOUD = Contender("LeanCloud wire", "fsync", "", partial(Broker, name="LeanCloud wire"), LeanCloudWire())
"""A broker as Parley's, spoken to by LeanCloud's clients."""
POSTGRES = Contender("Parley on PostgreSQL", "fsync", "postgres", PostgresBroker, ParleyWire())
"""The same program with its messages in PostgreSQL."""
NATS = Contender("nats-server", "mem", "nats-server", partial(NatsServer, jetstream=False), NatsWire())
JETSTREAM = Contender("NATS JetStream", "fsync", "nats-server", partial(NatsServer, jetstream=True), NatsWire())
MOSQUITTO = Contender("mosquitto", "mem", "mosquitto", Mosquitto, MqttWire())

EJABBERD = Contender("ejabberd", "mem", "ejabberdctl", Ejabberd, XmppWire(), part=SLOW)


def thin(library: str, wire: Wire, part: float = 1.0) -> Contender:
    return Contender(library, "mem", "", partial(Thin, library=library), wire, library, part)


THIN = (
    thin("websockets", ThinWire()),
    thin("picows", ThinWire()),
    thin("trio-websocket", ThinWire(), SLOW),
    thin("ws", ThinWire()),
    thin("socket.io", SocketIoWire()),
)
"""Brokers of sixty lines (`bench.peers`)."""


def thin_ones(sizes: Sizes) -> list[Contender]:
    """Those that take part in a run of these sizes."""
    return [each for each in THIN if each.library in sizes.libraries]


@contextmanager
def started(folder: Path, *contenders: Contender) -> Iterator[tuple[Mapping[str, tuple[Contender, Server]], list[str]]]:
    """Those that are installed, running, by the name of their row, and the names of those that are not."""
    running: dict[str, tuple[Contender, Server]] = {}
    missing = []
    with ExitStack() as servers:
        for contender in contenders:
            if not contender.installed:
                missing.append(f"{contender.name}, {contender.durability}")
                continue
            place = folder / f"server{len(running) + len(missing)}"  # short: a socket's path has 107 bytes
            place.mkdir(parents=True)
            server = servers.enter_context(contender.start(place))
            running[f"{server.name}, {contender.durability}"] = (contender, server)
        watch_idle([server for _, server in running.values()], IDLE_SECONDS)
        yield running, missing


def settling(running: Mapping[str, tuple[Contender, Server]]) -> float:
    """Seconds to wait after logins before the first round."""
    return max(contender.wire.settles for contender, _ in running.values())


def row_of(found: Sequence[Row], contender: Contender) -> Row:
    """Its row, empty if it was not measured."""
    return next((each for each in found if each.name.startswith(contender.name)), Row(contender.name))


def no_dearer(found: Sequence[Row], column: str, times: float) -> str:
    """The budget of LeanCloud's wire: so many times what the native one costs in the same run."""
    native = row_of(found, PARLEY).figures.get(column)
    most = times * native.median if native else None
    return budget(f"LeanCloud's wire at most {times} x the native one", row_of(found, LEANCLOUD), column, most=most)
