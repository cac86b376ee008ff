"""admin: management calls through all hops (HTTP, dialect, control channel, hub, journal), alone and while users talk.

Calls are kept in flight on eight connections that stay open. What they are compared with is the least the same HTTP stack
can do, a Quart-Trio route that answers at once. During a message load the calls share the servers' core with it: the
second table shows what they do to the acknowledgements of users who write as fast as they can, the third what they do to
users who write at a steady pace: a flood of calls must not be felt by them.

Peer: ejabberd's `send_message` (mod_http_api), to a user who is away, so that it is kept (`os`: not flushed). The others
with an HTTP API of their own (NATS' is for monitoring) have no call that sends a message to a user.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

import msgspec
import orjson

from bench.cases.contenders import EJABBERD, IDLE_SECONDS, PARLEY, started
from bench.cases.direct import CPU as MESSAGE_CPU
from bench.cases.direct import P50, RATE, Pairs
from bench.cases.direct import P99 as ACK_P99
from bench.cases.paced import A_SECOND, paced
from bench.cases.paced import P50 as PACED_P50
from bench.cases.paced import P99 as PACED_P99
from bench.cases.sizes import PAYLOAD_BYTES, Sizes
from bench.ejabberd import HEADERS, OFFICE, Ejabberd
from bench.figures import percentile
from bench.report import Row, Table, budget, rows
from bench.rounds import Round, interleave, measure
from bench.servers import APP, XMPP_HOST, EmptyRoute, Managed, Server, watch_idle
from bench.sessions import PATIENCE_SECONDS, READ_BYTES, connections, drain, hang_up
from bench.tally import payload
from bench.users import meet
from bench.wires.wire import Unexpected
from protocol.clients.trio import Client

CPU, CALLS, CALL_P99 = "us CPU per call", "calls/s", "p99 ms"
CONNECTIONS = 8
TIMES = 2.5
FLOOD_TIMES = 1.2
AWAY = "away"
"""Whom ejabberd's calls write to."""


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    for name in ("managed", "empty"):
        (folder / name).mkdir(parents=True)
    ejabberd = msgspec.structs.replace(EJABBERD, durability="os")
    managed, empty = Managed(folder / "managed"), EmptyRoute(folder / "empty")
    with managed, empty, started(folder / "peers", ejabberd) as (running, missing):
        watch_idle([managed, empty], IDLE_SECONDS)
        place = absent(managed)
        alone(20, managed, managed.admin_port, send(place))  # something to list
        count, messages = next(iter(sizes.pairs.items()))
        pairs = Pairs(count, messages, PARLEY, managed)
        try:
            where = f'[["conv_id","=","{place}"]]'
            requests = {
                "list": get(f"/im/conversations/{place}/message?page=1&size=20"),
                "find": get(f"/im/conversations?where={quote(where)}&page=1&size=20"),
                "send": send(place),
            }
            plays = {
                f"Parley {name}, fsync": partial(alone, sizes.calls, managed, managed.admin_port, request)
                for name, request in requests.items()
            }
            drain(pairs.sockets, PARLEY.wire.settles)
            plays[empty.name] = partial(alone, sizes.calls, empty, empty.port, get("/"))
            for name, (_, peer) in running.items():
                assert isinstance(peer, Ejabberd)
                peer.register([AWAY])
                plays[name] = partial(alone, sizes.calls, peer, peer.admin_port, told(AWAY))
            yield alone_table(sizes, rows(interleave(plays, sizes.rounds), missing), empty.name)
            loads = {"Parley's messages alone, fsync": pairs.round} | {
                f"beside {name} calls, fsync": partial(beside, pairs, managed, request) for name, request in requests.items()
            }
            yield Table(
                f"admin: {count} pairs talk while {CONNECTIONS} management calls are in flight",
                (ACK_P99, P50, RATE, MESSAGE_CPU, CALLS),
                rows(interleave(loads, sizes.rounds)),
                notes=("all on one core, calls as fast as they are answered: what is between is shared by both",),
            )
            yield flood_table(sizes, pairs, managed, requests)
        finally:
            hang_up(pairs.sockets)


def flood_table(sizes: Sizes, pairs: Pairs, managed: Managed, requests: Mapping[str, bytes]) -> Table:
    plays = {"Parley's messages alone, fsync": partial(paced, pairs, sizes.paced)} | {
        f"beside {name} calls, fsync": partial(flooded, pairs, managed, request, sizes.paced)
        for name, request in requests.items()
    }
    found = rows(interleave(plays, sizes.rounds))
    alone = found[0].figures.get(PACED_P99)
    most = FLOOD_TIMES * alone.median if alone else None
    return Table(
        f"admin: {A_SECOND:,} messages a second at their own times, while {CONNECTIONS} management calls are in flight",
        (PACED_P99, PACED_P50, CALLS),
        found,
        notes=("milliseconds from when a message was due to its receiver; all on one core",),
        budgets=tuple(
            budget(f"p99 {each.name} at most {FLOOD_TIMES} x alone", each, PACED_P99, most=most) for each in found[1:]
        ),
    )


def flooded(pairs: Pairs, managed: Managed, request: bytes, count: int) -> Round:
    calls = Calls(managed.admin_port, request)
    began = time.perf_counter()
    try:
        played = paced(pairs, count, calls.epoll, calls.turn)
    finally:
        calls.close()
    played.values[CALLS] = len(calls.seconds) / (time.perf_counter() - began)
    return played


def alone_table(sizes: Sizes, found: tuple[Row, ...], empty: str) -> Table:
    least = next(each for each in found if each.name == empty).figures.get(CPU)
    most = TIMES * least.median if least else None
    own = [each for each in found if each.name.startswith("Parley")]
    return Table(
        f"admin: {sizes.calls:,} management calls, {CONNECTIONS} in flight",
        (CPU, CALLS, CALL_P99),
        found,
        notes=(f"list: twenty messages of a conversation; find: one by its id; send: {PAYLOAD_BYTES} B, durable",),
        budgets=tuple(budget(f"{each.name} at most {TIMES} x an empty route", each, CPU, most=most) for each in own),
    )


def absent(server: Server) -> str:
    """A conversation with somebody who is not there, so that nobody hears what is sent to it."""

    async def write(_: Client, office: Client) -> str:
        return str((await office.send(to="absent", text="hello"))["conv_id"])

    return meet(server.port, ("absent", "office"), write)


def told(user: str) -> bytes:
    """ejabberd's call that sends a message."""
    said = {"type": "chat", "from": f"{OFFICE}@{XMPP_HOST}", "to": f"{user}@{XMPP_HOST}", "subject": ""}
    body = orjson.dumps({**said, "body": payload(0, PAYLOAD_BYTES).decode()})
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    return f"POST /api/send_message HTTP/1.1\r\nHost: bench\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\napp-id: {APP}\r\napp-key: master-key\r\n\r\n".encode()


def send(place: str) -> bytes:
    body = orjson.dumps({"from_client": "office", "type": -1, "text": payload(0, PAYLOAD_BYTES).decode()})
    return (
        f"POST /im/conversations/{place}/message HTTP/1.1\r\nHost: bench\r\napp-id: {APP}\r\napp-key: master-key\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Calls:
    """One request again and again on CONNECTIONS connections. `turn` does what can be done now."""

    def __init__(self, port: int, request: bytes) -> None:
        self.request = request
        self.sockets = {sock.fileno(): sock for sock in connections(port, CONNECTIONS)}
        self.rest = dict.fromkeys(self.sockets, b"")
        self.sent_at = dict.fromkeys(self.sockets, 0.0)
        self.seconds: list[float] = []
        self.epoll = select.epoll()
        for fileno in self.sockets:
            self.epoll.register(fileno, select.EPOLLIN)
            self._ask(fileno)

    def _ask(self, fileno: int) -> None:
        self.sent_at[fileno] = time.perf_counter()
        self.sockets[fileno].sendall(self.request)

    def turn(self, patience: float = 0.0) -> bool:
        """False if nothing came."""
        ready = self.epoll.poll(patience)
        for fileno, _ in ready:
            data = self.rest[fileno] + self.sockets[fileno].recv(READ_BYTES)
            end = answer_end(data)
            if end != len(data):
                self.rest[fileno] = data
                continue
            if not data.startswith(b"HTTP/1.1 200 ") or (b'"code":' in data and b'"code":0' not in data):
                raise Unexpected(data.decode(errors="replace"))
            self.rest[fileno] = b""
            self.seconds.append(time.perf_counter() - self.sent_at[fileno])
            self._ask(fileno)
        return bool(ready)

    def close(self) -> None:
        self.epoll.close()
        hang_up(self.sockets.values())


def answer_end(data: bytes) -> int:
    """Where an HTTP answer ends; -1 while that cannot be told."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return -1
    lower = data[:head].lower()
    at = lower.find(b"content-length:")
    if at < 0:
        raise Unexpected(data.decode(errors="replace"))
    return head + 4 + int(lower[at + 15 :].split(b"\r\n", 1)[0])


def alone(count: int, server: Server, port: int, request: bytes) -> Round:
    calls = Calls(port, request)

    def work() -> None:
        while len(calls.seconds) < count:
            if not calls.turn(PATIENCE_SECONDS):
                return

    _, effort = measure(server, work)
    calls.close()
    server.rest()
    done = len(calls.seconds)
    return Round(
        {
            CPU: effort.cpu * 1e6 / max(1, done),
            CALLS: done / effort.seconds,
            CALL_P99: percentile(calls.seconds, 0.99) * 1e3 if done else 0.0,
        },
        effort.generator,
        effort.foreign,
        "" if done >= count else f"{count - done} calls not answered",
    )


def beside(pairs: Pairs, managed: Managed, request: bytes) -> Round:
    calls = Calls(managed.admin_port, request)
    began = time.perf_counter()
    try:
        played = pairs.round(calls.turn)
    finally:
        calls.close()
    played.values[CALLS] = len(calls.seconds) / (time.perf_counter() - began)
    return played
