"""What the thin brokers of `bench.peers` speak: JSON in WebSocket text frames, and the same in socket.io's events."""

from __future__ import annotations

import orjson

from bench.servers import TOKEN
from bench.tally import marked, payload
from bench.wires.websocket import bodies, frame_end, greeted, masked, upgrade, upgraded
from bench.wires.wire import Script, Step, Wire


class ThinWire(Wire):
    ack = b'{"ack":'
    settles = 0.1
    end = staticmethod(frame_end)

    def session(self, user: str, topic: str = "") -> Script:
        login = orjson.dumps({"login": user, "token": TOKEN, "hear": topic})
        return (Step(upgrade(), upgraded), Step(masked(login), _welcome))

    def send(self, place: str, number: int, size: int) -> bytes:
        return masked(b'{"to":"%s","id":"%s","text":"%s"}' % (place.encode(), marked(number), payload(number, size)))


class SocketIoWire(Wire):
    """Engine.IO 4 over WebSocket: 40 connects, 42 is an event (a number behind it asks for an answer), 43 is that."""

    ack = b'["#'
    settles = 0.1
    end = staticmethod(frame_end)

    def session(self, user: str, topic: str = "") -> Script:
        login = orjson.dumps({"login": user, "token": TOKEN, "hear": topic})
        opening = upgrade(path="/socket.io/?EIO=4&transport=websocket")
        return (Step(opening, greeted), Step(masked(b"40" + login), _welcome))

    def send(self, place: str, number: int, size: int) -> bytes:
        said = b'{"to":"%s","id":"%s","text":"%s"}' % (place.encode(), marked(number), payload(number, size))
        return masked(b'42%d["send",%s]' % (number, said))


def _welcome(answer: bytes) -> bool:
    """The last of what a login brings."""
    return any(b'"welcome"' in body for body in bodies(answer))
