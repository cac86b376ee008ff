"""offline: messages to users who are away, then everybody comes back at once and takes what is his.

For Parley: direct messages, on disk before they are acknowledged; coming back is a login, a `sync` and the history of the
conversation. JetStream: a stream of files synced at every message; coming back is a login and an ephemeral consumer that
hands out the user's subject. mosquitto: QoS 1 to a session that stays when its client goes, kept in memory; coming back
is a login, and every message is acknowledged. ejabberd: chat messages to registered users, kept by Mnesia in its own files
(`os`: nothing is flushed before the acknowledgement); coming back is a login and a presence.

A message that does not come back to its user, or comes twice, makes the round void.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import orjson

from bench.cases.contenders import EJABBERD, JETSTREAM, MOSQUITTO, PARLEY, Contender, started
from bench.cases.sizes import PAYLOAD_BYTES, Sizes
from bench.ejabberd import Ejabberd
from bench.figures import percentile
from bench.report import Table, rows
from bench.rounds import Round, interleave, measure
from bench.servers import XMPP_HOST, Server
from bench.sessions import AT_A_TIME, PATIENCE_SECONDS, READ_BYTES, ask, drain, hang_up, log_in
from bench.tally import NUMBER, Tally
from bench.wires.mqtt import MqttWire, connect, packet, text
from bench.wires.nats import NatsWire
from bench.wires.parley import ParleyWire
from bench.wires.wire import Script, Step, Unexpected
from bench.wires.xmpp import XmppWire

KEPT, KEPT_RATE = "us CPU per message kept", "kept/s"
DRAINED, DRAINED_RATE, P99 = "us CPU per message drained", "drained/s", "p99 ms until a user has all"
HISTORY_MOST = 100
"""Messages one `msg.history` answers."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    ejabberd = msgspec.structs.replace(EJABBERD, durability="os")
    with started(folder, PARLEY, JETSTREAM, MOSQUITTO, ejabberd) as (running, missing):
        boxes = {name: Boxes(sizes, *each) for name, each in running.items()}
        found = rows(interleave({name: each.round for name, each in boxes.items()}, sizes.rounds), missing)
    users, messages = sizes.offline
    yield Table(
        f"offline: {users:,} users come back, {AT_A_TIME} at a time, to {messages} messages of {PAYLOAD_BYTES} B each",
        (DRAINED, DRAINED_RATE, P99, KEPT, KEPT_RATE),
        found,
        notes=("Parley and JetStream have them on disk before they say so; ejabberd a while later, mosquitto never",),
    )


class Boxes:
    """The boxes of one contender, filled and drained in each round by users of its own."""

    def __init__(self, sizes: Sizes, contender: Contender, server: Server) -> None:
        self.users, self.messages = sizes.offline
        self.server = server
        self.wire = contender.wire
        self.made = False
        self.rounds = 0
        self.next = 0

    def round(self) -> Round:
        self.rounds += 1
        users = [f"away{self.rounds}-{n}" for n in range(self.users)]
        places = self._away(users)
        total, first = self.users * self.messages, self.next
        self.next += total
        frames = [
            self.wire.send(place, first + n * self.messages + k, PAYLOAD_BYTES)
            for n, place in enumerate(places)
            for k in range(self.messages)
        ]
        answers = "inbox.>" if isinstance(self.wire, NatsWire) else ""  # every user's: it asks for acks in their names
        (sender,), _ = log_in(self.server.port, [self.wire.session("says", answers)])
        _, kept = measure(self.server, partial(self._keep, sender, frames))
        hang_up([sender])
        tally = Tally(first, total)
        heard: list[bytes] = []
        scripts = [self._back(user, place, heard.append) for user, place in zip(users, places, strict=True)]
        (sockets, seconds), drained = measure(self.server, partial(log_in, self.server.port, scripts))
        late = drain(sockets)
        hang_up(sockets)
        for answer in heard:
            for number in NUMBER.finditer(answer):
                tally.add(int(number[1]))
        void = tally.verdict("messages") or (f"{late} bytes after the last message" if late else "")
        return Round(
            {
                DRAINED: drained.cpu * 1e6 / total,
                DRAINED_RATE: total / drained.seconds,
                P99: percentile(seconds, 0.99) * 1e3,
                KEPT: kept.cpu * 1e6 / total,
                KEPT_RATE: total / kept.seconds,
            },
            max(kept.generator, drained.generator),
            max(kept.foreign, drained.foreign),
            void,
        )

    def _away(self, users: Sequence[str]) -> list[str]:
        """Where messages to these users go while they are away."""
        wire = self.wire
        places = [f"u.{user}" for user in users]
        if isinstance(wire, MqttWire):
            sessions = [
                (Step(connect(user, clean=False), _connected), Step(packet(0x82, b"\0\x01" + text(place) + b"\1"), _suback))
                for user, place in zip(users, places, strict=True)
            ]
            hang_up(log_in(self.server.port, sessions)[0])
        elif isinstance(wire, NatsWire):
            if not self.made:
                self.made = True
                (maker,), _ = log_in(self.server.port, [wire.session("maker")])
                ask(maker, wire.stream())
                hang_up([maker])
        elif isinstance(wire, XmppWire):
            assert isinstance(self.server, Ejabberd)
            self.server.register(users)
            places = [f"{user}@{XMPP_HOST}" for user in users]
        else:
            hang_up(log_in(self.server.port, [wire.session(user) for user in users])[0])
            (says,), _ = log_in(self.server.port, [wire.session("says")])
            gatherings = [wire.gather([user]) for user in users]
            places = [each.place(ask(says, each.step)) for each in gatherings if each is not None]
            hang_up([says])
        self.server.rest()
        return places

    def _keep(self, sender: socket.socket, frames: list[bytes]) -> None:
        """Send them all, AT_A_TIME unacknowledged."""
        ack = self.wire.ack
        sender.settimeout(PATIENCE_SECONDS)
        sent = acknowledged = 0
        rest = b""
        while acknowledged < len(frames):
            free = min(len(frames), acknowledged + AT_A_TIME) - sent
            if free:
                sender.sendall(b"".join(frames[sent : sent + free]))
                sent += free
            data = rest + sender.recv(READ_BYTES)
            if data == rest:
                raise Unexpected("the server closed the connection")
            found = data.count(ack)
            acknowledged += found
            rest = data[data.rfind(ack) + len(ack) :] if found else data
            rest = rest[-len(ack) + 1 :]

    def _back(self, user: str, place: str, heard: Callable[[bytes], None]) -> Script:
        """A login that ends when the user has all his messages, which `heard` is given."""
        wire, count = self.wire, self.messages

        def complete(answer: bytes) -> bool:
            if len(NUMBER.findall(answer)) < count:
                return False
            heard(answer)
            return True

        if isinstance(wire, MqttWire):
            acks = b"".join(packet(0x40, n.to_bytes(2, "big")) for n in range(1, count + 1))
            return (Step(connect(user, clean=False), complete), Step(acks + PINGREQ, lambda answer: answer == PINGRESP))
        if isinstance(wire, NatsWire):
            config = {
                "deliver_subject": f"box.{user}",
                "filter_subject": place,
                "ack_policy": "none",
                "deliver_policy": "all",
            }
            body = orjson.dumps({"stream_name": "bench", "config": config})
            asking = b"SUB box.%s 2\r\nPUB $JS.API.CONSUMER.CREATE.bench inbox.%s.1 %d\r\n%s\r\n" % (
                user.encode(), user.encode(), len(body), body,
            )  # fmt: skip
            return (*wire.session(user), Step(asking, lambda answer: _made(answer) and complete(answer)))
        if isinstance(wire, XmppWire):
            *steps, presence = wire.session(user, f"u.{user}")
            # His own presence comes before his messages or behind them.
            return (*steps, Step(presence.send, lambda answer: presence.answered(answer) and complete(answer)))
        assert isinstance(wire, ParleyWire)
        assert count <= HISTORY_MOST
        history = wire.ask("msg.history", {"conv_id": place, "after": 0, "limit": count})

        def answered(answer: bytes) -> bool:
            return history.answered(answer) and complete(answer)

        return (*wire.session(user), wire.ask("sync", {}), Step(history.send, answered))


PINGREQ, PINGRESP = b"\xc0\0", b"\xd0\0"


def _connected(answer: bytes) -> bool:
    return answer.startswith(b"\x20\x02") and len(answer) == 4


def _made(answer: bytes) -> bool:
    """The answer about the consumer may come after the first messages of it."""
    _, found, rest = answer.partition(b"consumer_create_response")
    return bool(found) and b"\r\n" in rest


def _suback(answer: bytes) -> bool:
    return len(answer) == 5
