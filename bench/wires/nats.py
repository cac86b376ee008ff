"""The NATS protocol: lines of text, payloads by length (docs.nats.io, "Client Protocol").

A message is published with a reply subject that carries its number: JetStream acknowledges to it, core NATS ignores it.
All receivers use the same subscription id, so that what the server sends them is the same bytes.
"""

from __future__ import annotations

import orjson

from bench.servers import TOKEN
from bench.tally import marked, payload
from bench.wires.wire import Buffer, Script, Step, Unexpected, Wire

STREAM_PREFIX = "u"
CONNECT = (
    b"CONNECT "
    + orjson.dumps(
        {"verbose": False, "pedantic": False, "auth_token": TOKEN, "lang": "bench", "version": "1", "protocol": 0}
    )
    + b"\r\n"
)
MOST_HEAD = 256
"""Bytes of a MSG line: two subjects and two numbers."""


class NatsWire(Wire):
    ack = b'"seq":'
    settles = 2.5
    """It asks each client for a first sign of life two seconds after the login, and then no more (ping_interval)."""

    def end(self, buffer: Buffer, start: int) -> int:
        line = buffer.find(b"\r\n", start, start + MOST_HEAD)
        if line < 0:
            return 0
        if not buffer.startswith(b"MSG ", start):
            return line + 2
        return line + 4 + int(buffer[buffer.rindex(b" ", start, line) + 1 : line])

    def session(self, user: str, topic: str = "") -> Script:
        hear = topic or f"inbox.{user}.*"
        return (Step(b"", _greeted), Step(CONNECT + b"SUB %s 1\r\nPING\r\n" % hear.encode(), _ponged))

    def send(self, place: str, number: int, size: int) -> bytes:
        return b"PUB %s inbox.%s.%s %d\r\n%s\r\n" % (
            place.encode(), place.removeprefix(STREAM_PREFIX + ".").encode(), marked(number), size, payload(number, size),
        )  # fmt: skip

    def stream(self) -> Step:
        """Keep everything under `u.`: a stream of files, one replica. Of a session that hears `inbox.USER.*`."""
        config = {"name": "bench", "subjects": [f"{STREAM_PREFIX}.*"], "storage": "file", "num_replicas": 1}
        body = orjson.dumps(config)
        return Step(b"PUB $JS.API.STREAM.CREATE.bench inbox.maker.1 %d\r\n%s\r\n" % (len(body), body), _created)


def _greeted(answer: bytes) -> bool:
    return answer.startswith(b"INFO ") and answer.endswith(b"\r\n")


def _ponged(answer: bytes) -> bool:
    if b"-ERR" in answer:
        raise Unexpected(answer.decode(errors="replace"))
    return b"PONG\r\n" in answer and answer.endswith(b"\r\n")


def _created(answer: bytes) -> bool:
    if b'"error"' in answer:
        raise Unexpected(answer.decode(errors="replace"))
    return b"stream_create_response" in answer and answer.endswith(b"\r\n")
