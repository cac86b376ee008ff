"""Parley's native socket protocol: JSON in WebSocket text frames (SOCKET.md).

Sends carry a `client_msg_id`, as every client library's do, so each also costs the server a remembered send; transient ones
have none, as nothing of them is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from bench.servers import APP, SECRET
from bench.tally import marked, payload
from bench.wires.websocket import bodies, frame_end, masked, upgrade, upgraded
from bench.wires.wire import Gathering, Script, Step, Unexpected, Wire
from protocol.tokens import make_jwt

EXPIRES = 4_102_444_800
"""2100-01-01: tokens of the bench do not end."""
DIRECT, GROUP = 1, 3


class ParleyWire(Wire):
    ack = b'"msg.send.success"'
    settles = 0.3
    end = staticmethod(frame_end)

    def __init__(self, *, transient: bool = False) -> None:
        self._transient = transient

    def session(self, user: str, topic: str = "") -> Script:
        data = {"app_id": APP, "client_id": user, "device_id": "bench", "token": token(user)}
        return (Step(upgrade("parley.v1"), upgraded), self.ask("login", data))

    def ask(self, kind: str, data: object) -> Step:
        """One request whose answer must be a success."""
        frame = masked(orjson.dumps({"type": kind, "id": 1, "data": data}))
        success = f'"{kind}.success"'.encode()

        def answered(answer: bytes) -> bool:
            for body in bodies(answer):
                if success in body:
                    return True
                if b'.error"' in body:
                    raise Unexpected(body.decode(errors="replace"))
            return False  # pushes, so far

        return Step(frame, answered)

    def gather(self, users: Sequence[str]) -> Gathering:
        data = {"conv_type": DIRECT if len(users) == 1 else GROUP, "to_client_ids": users, "name": "the bench"}
        return Gathering(self.ask("conv.create", data), lambda answer: str(data_of(answer, "conv.create")["conv_id"]))

    def send(self, place: str, number: int, size: int) -> bytes:
        more = b'"transient":true' if self._transient else b'"client_msg_id":"%032x"' % number
        return masked(
            b'{"type":"msg.send","id":"%s","data":{"conv_id":"%s","type":-1,"text":"%s",%s}}'
            % (marked(number), place.encode(), payload(number, size), more)
        )


def token(user: str) -> str:
    return make_jwt(SECRET, {"unique_name": user, "exp": EXPIRES})


def data_of(answer: bytes, kind: str) -> dict[str, object]:
    """The data of the success among the frames of an answer."""
    for body in bodies(answer):
        if f'"{kind}.success"'.encode() in body:
            data = orjson.loads(body)["data"]
            assert isinstance(data, dict)
            return data
    raise Unexpected(f"no {kind}.success in {answer!r}")
