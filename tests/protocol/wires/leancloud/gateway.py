"""LeanCloud's wire and a real hub, with as much of a gateway between them as the seam needs: no sockets, no trio.

A `Line` is a connection. `ask` sends a command and gives its answer, the frame with the same `i`; `heard` gives the pushes
since it was last asked. Frames are read by the schema, as the SDK's own reader would.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from broker.hub.effects import Effect, EndSession, Post, ReplyTo
from protocol.apps import App
from protocol.errors import CloseReason
from protocol.wires.leancloud import LeanCloudWire
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op, read, write
from protocol.wires.wire import End, Inbound, Say, Submit
from tests.broker.hub.script import Script, app


class Line:
    """One connection of somebody's SDK."""

    def __init__(self, gateway: Gateway, subprotocol: str) -> None:
        self.gateway = gateway
        self.wire = LeanCloudWire(subprotocol)
        self.sessions: dict[str, int] = {}
        self.frames: list[Any] = []
        self.closed: int | None = None
        """The close code; 0 if there was no close frame."""
        self.i = 0

    def take(self, items: Sequence[Inbound]) -> None:
        for item in items:
            if isinstance(item, Submit):
                self.gateway.enter(self, item)
            elif isinstance(item, Say):
                self.got(item.payload)
            else:
                assert isinstance(item, End)
                self.closed = item.reason.code or 0

    def got(self, payload: bytes) -> None:
        self.frames.append(read(base64.b64decode(payload, validate=True) if self.wire.text else payload))

    def send(self, **fields: Any) -> None:
        payload = write(GenericCommand(**fields))
        self.raw(base64.b64encode(payload) if self.wire.text else payload)

    def raw(self, payload: bytes) -> None:
        self.take(self.wire.receive(payload, self.wire.text, self.gateway.ms))
        self.gateway.run()

    def ask(self, **fields: Any) -> Any:
        self.i += 1
        self.send(i=self.i, **fields)
        answers = [frame for frame in self.frames if frame.i == self.i]
        assert len(answers) == 1, answers
        self.frames.remove(answers[0])
        return answers[0]

    def heard(self) -> list[Any]:
        frames, self.frames = self.frames, []
        assert not any(frame.HasField("i") for frame in frames), "a push has no i"
        return frames

    # What is said again and again.

    def open(self, peer: str = "", app: str = "a", **said: Any) -> Any:
        fields = {"peerId": peer} if peer else {}
        said.setdefault("configBitmap", 59)
        return self.ask(cmd=Cmd.SESSION, op=Op.OPEN, appId=app, **fields, sessionMessage={"ua": "js/4.3.1", **said})

    def conv(self, op: Op, peer: str = "", **said: Any) -> Any:
        fields = {"peerId": peer} if peer else {}
        return self.ask(cmd=Cmd.CONV, op=op, **fields, convMessage=said)

    def start(self, *members: str, peer: str = "", **said: Any) -> str:
        answer = self.conv(Op.START, peer, m=sorted(members), **said)
        assert answer.op == Op.STARTED, answer
        return str(answer.convMessage.cid)

    def say(self, cid: str, msg: str, peer: str = "", **said: Any) -> Any:
        fields = {"peerId": peer} if peer else {}
        return self.ask(cmd=Cmd.DIRECT, **fields, directMessage={"cid": cid, "msg": msg, **said}).ackMessage

    def logs(self, cid: str, **said: Any) -> list[Any]:
        answer = self.ask(cmd=Cmd.LOGS, logsMessage={"cid": cid, **said})
        assert answer.cmd == Cmd.LOGS, answer
        return list(answer.logsMessage.logs)


class Gateway(Script):
    """One hub session for each seat of each line."""

    lines: dict[int, tuple[Line, str]]

    def __init__(self, *apps: App) -> None:
        self.lines = {}
        self.next = 5000
        super().__init__(*apps)

    def line(self, subprotocol: str = "lc.protobuf2.3") -> Line:
        return Line(self, subprotocol)

    def opened(self, *peers: str, **said: Any) -> Any:
        """A line for each of them."""
        lines = []
        for peer in peers:
            line = self.line()
            assert line.open(peer, **said).op == Op.OPENED
            lines.append(line)
        return lines[0] if len(lines) == 1 else lines

    def enter(self, line: Line, item: Submit) -> None:
        session = line.sessions.get(item.seat)
        if session is None:
            self.next += 1
            session = line.sessions[item.seat] = self.next
            self.lines[session] = line, item.seat
        self.core.submit(session, item.request, item.command)

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, ReplyTo) and effect.session in self.lines:
            line, seat = self.lines[effect.session]
            payload = line.wire.reply(effect.request, effect.reply)
            if payload:
                line.got(payload)
            if line.wire.after_reply(effect.reply) is CloseReason.LOGOUT:
                self.leave(line, seat)
            line.take(line.wire.follow_up())
        elif isinstance(effect, Post):
            for session in effect.sessions:
                if session != effect.skip and session in self.lines:
                    line, seat = self.lines[session]
                    shared = line.wire.push(effect.push)
                    if shared is not None:
                        line.got(shared + line.wire.end_of(seat))
            super().perform(effect)
        elif isinstance(effect, EndSession) and effect.session in self.lines:
            line, seat = self.lines[effect.session]
            if len(line.sessions) > 1:
                for payload in line.wire.part(effect.ending, seat, self.ms):
                    line.got(payload)
            else:
                farewell = line.wire.farewell(effect.ending, self.ms)
                for payload in farewell.payloads:
                    line.got(payload)
                line.closed = farewell.code or 0
            self.leave(line, seat)
        else:
            super().perform(effect)

    def leave(self, line: Line, seat: str) -> None:
        session = line.sessions.pop(seat)
        del self.lines[session]
        self.core.gone(session)

    def lose(self, line: Line) -> None:
        """The connection breaks."""
        for seat in list(line.sessions):
            self.leave(line, seat)
        self.run()


def gateway_with(**settings: Any) -> Gateway:
    return Gateway(app("a", **settings))


def attr(**values: Any) -> dict[str, str]:
    return {"data": json.dumps(values)}


def found(line: Line, where: object = None, **said: Any) -> list[dict[str, Any]]:
    if where is not None:
        said["where"] = {"data": json.dumps(where)}
    answer = line.conv(Op.QUERY, **said)
    assert answer.op == Op.RESULTS, answer
    rows: list[dict[str, Any]] = json.loads(answer.convMessage.results.data)
    return rows


def names(line: Line, where: object = None, **said: Any) -> list[str]:
    return [row["name"] for row in found(line, where, **said)]
