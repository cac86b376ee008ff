"""Fakes the gateway's tests share: a core that answers from memory, and a wire of plain words."""

from __future__ import annotations

import socket
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from broker.gateway.framing import LengthFraming
from broker.gateway.limits import Limits, public
from broker.gateway.listeners import address_of, bind_tcp, framed_door, websocket_door
from broker.gateway.reactor import Reactor
from broker.gateway.upgrade import Upgrade
from broker.hub.effects import Effect, EndSession, Post, ReplyTo
from broker.settings import Sockets
from protocol.commands import Command, Done, LoggedIn, Login, Logout, Managed, QueryPresence, Reply, SendMessage
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import Push, SystemNew
from protocol.wires.wire import End, Ending, Farewell, Inbound, Say, Submit

SECONDS = 5.0
"""What a test waits for something that happens at once, on a slow machine."""


class FakeWire:
    """Frames are words: `login [rate]`, `wrong`, `echo X`, `free X`, `send X`, `ping`, `quit`, `end`, `boom`."""

    def __init__(self, token: str = "", text: bool = True) -> None:
        self.text = text
        self.logged_in = False
        self.token = token
        self.heard: list[bytes] = []

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        self.heard.append(payload)
        word, _, rest = payload.partition(b" ")
        command: Command
        match word:
            case b"login":
                command = Login(app="app", user="u", token=rest.decode())
            case b"wrong":
                command = Login(app="app", user="")
            case b"echo":
                command = QueryPresence(users=())
            case b"free" | b"quit":
                command = Logout()
            case b"send":
                command = SendMessage(type=-1, body=rest)
            case b"ping":
                return [Say(b"pong")]
            case b"end":
                return [End(CloseReason.KICKED)]
            case b"boom":
                raise RuntimeError("a bug in a wire")
            case _:
                return [Say(b"what?")]
        return [Submit(payload, command)]

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        assert isinstance(request, bytes)
        if isinstance(reply, Refused):
            return b"no " + reply.reason.value.encode()
        if isinstance(reply, LoggedIn):
            self.logged_in = True
        return b"ok " + request

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        return CloseReason.BAD_LOGIN if isinstance(reply, Refused) and reply.reason is Reason.BAD_TOKEN else None

    def push_key(self) -> Hashable:
        return "fake"

    def push(self, push: Push) -> bytes | None:
        return push.content if isinstance(push, SystemNew) else b"t" * 1000

    def farewell(self, ending: Ending, now_ms: int) -> Farewell:
        words = [b"bye " + ending.reason.word.encode()]
        return Farewell(payloads=words, code=ending.reason.code, text=ending.reason.word, seconds=2.0)

    def probe(self) -> bytes | None:
        return b"probe"


class FakeCore:
    """Answers at once; what it is asked and what it does can be read and steered."""

    def __init__(self) -> None:
        self.outgoing: deque[Effect] = deque()
        self.submitted: list[tuple[int, object, Command | Managed]] = []
        self.departed: list[int] = []
        self.paused = 0.0
        self.silent = False
        self.refusal: Refused | None = None
        self.advanced = 0
        self.on_advance: Callable[[], object] = lambda: None

    def submit(self, session: int, request: object, command: Command | Managed) -> None:
        self.submitted.append((session, request, command))
        if self.silent:
            return
        reply: Reply | Refused = Done(time_ms=1)
        if self.refusal is not None:
            reply = self.refusal
        elif isinstance(command, Login):
            rate = int(command.token or 0)
            if not command.user:
                reply = Refused(Reason.BAD_TOKEN)
            else:
                reply = LoggedIn(time_ms=1, app="app", user="u", device="", session_token="", frames_per_second=rate)
        self.outgoing.append(ReplyTo(session, request, reply))

    def gone(self, session: int) -> None:
        self.departed.append(session)

    def advance(self) -> None:
        self.advanced += 1
        self.on_advance()

    def wants_turn(self) -> bool:
        return False

    def next_deadline(self) -> float:
        return 10.0

    def filenos(self) -> Sequence[int]:
        return ()

    def pause_seconds(self) -> float:
        return self.paused

    def sessions(self) -> list[int]:
        """Who has logged in, in that order."""
        return [session for session, _, command in self.submitted if isinstance(command, Login)]


class Broker:
    """A reactor under test with a WebSocket and a framed door on loopback."""

    def __init__(self, core: FakeCore, reactor: Reactor, limits: Limits) -> None:
        self.core = core
        self.reactor = reactor
        self.limits = limits
        self.wires: list[FakeWire] = []
        self.upgrades: list[Upgrade] = []
        self.streams: list[trio.SocketStream] = []
        (listener,) = bind_tcp("127.0.0.1", 0)
        self.websocket = address_of(listener)
        reactor.listen(listener, websocket_door(limits, self.choose))
        (listener,) = bind_tcp("127.0.0.1", 0)
        self.framed = address_of(listener)
        reactor.listen(listener, framed_door("tcp", limits, self.begin))

    def choose(self, upgrade: Upgrade) -> tuple[FakeWire, str | None]:
        self.upgrades.append(upgrade)
        self.wires.append(FakeWire(upgrade.token))
        return self.wires[-1], "parley.v1" if "parley.v1" in upgrade.subprotocols else None

    def begin(self) -> tuple[LengthFraming, FakeWire]:
        self.wires.append(FakeWire(text=False))
        return LengthFraming(self.limits.first_frame_bytes, lambda: b"too large"), self.wires[-1]

    def post(self, sessions: Sequence[int], content: bytes, skip: int = 0) -> None:
        self.effect(Post(sessions, SystemNew(app="app", content=content, sender="", time_ms=0), skip))

    def kick(self, session: int, reason: CloseReason = CloseReason.KICKED) -> None:
        self.effect(EndSession(session, Ending(reason)))

    def effect(self, effect: Effect) -> None:
        self.core.outgoing.append(effect)
        self.reactor.wake()

    async def until(self, true: Callable[[], bool]) -> None:
        """Let turns pass until this is so."""
        with trio.fail_after(SECONDS):
            while not true():
                self.reactor.wake()
                await trio.sleep(0.001)

    async def connect(self, framed: bool = False) -> trio.SocketStream:
        """A connection without a word said; closed when the broker is."""
        self.streams.append(await trio.open_tcp_stream(*(self.framed if framed else self.websocket)))
        return self.streams[-1]

    async def client(self, framed: bool = False, login: str | None = "login") -> Client:
        """A connected client, logged in with these words if any."""
        stream = await self.connect(framed)
        client = FramedClient(stream) if framed else WebSocketClient(stream)
        await client.begin()
        if login is not None:
            await client.send(login.encode())
            assert await client.receive() == b"ok " + login.encode()
        return client


class Client:
    """What tests do on the other side; raw bytes go through `stream`."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        """A trio.SocketStream, or an SSLStream over one."""

    async def begin(self) -> None:
        pass

    def frame(self, payload: bytes) -> bytes:
        raise NotImplementedError

    async def send(self, *payloads: bytes) -> None:
        """All of these in one packet."""
        await self.stream.send_all(b"".join(map(self.frame, payloads)))

    async def receive(self) -> bytes:
        """The next payload."""
        raise NotImplementedError

    async def raw(self) -> bytes:
        """Everything until the end of the stream."""
        data = b""
        with trio.fail_after(SECONDS):
            while more := await self.stream.receive_some():
                data += more
        return data

    async def closed(self) -> None:
        """The stream is over, in whatever way."""
        with trio.fail_after(SECONDS):
            try:
                while await self.stream.receive_some():
                    pass
            except trio.BrokenResourceError:
                pass

    def reset(self) -> None:
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.socket.close()


class FramedClient(Client):
    held = b""

    def frame(self, payload: bytes) -> bytes:
        return len(payload).to_bytes(4, "big") + payload

    async def receive(self) -> bytes:
        with trio.fail_after(SECONDS):
            while len(self.held) < 4 or len(self.held) < 4 + int.from_bytes(self.held[:4], "big"):
                more = await self.stream.receive_some()
                if not more:
                    raise EOFError
                self.held += more
        end = 4 + int.from_bytes(self.held[:4], "big")
        payload, self.held = self.held[4:end], self.held[end:]
        return payload


class WebSocketClient(Client):
    """`close_code` is set when a close frame came in."""

    def __init__(self, stream: Any, path: str = "/", headers: str = "") -> None:
        super().__init__(stream)
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
        ).encode()
        self.response = b""
        self.protocol = ClientProtocol(parse_uri("ws://x/"), max_size=None)
        self.frames: deque[Frame] = deque()

    async def begin(self) -> None:
        await self.stream.send_all(self.request)
        data = b""
        with trio.fail_after(SECONDS):
            while b"\r\n\r\n" not in data:
                more = await self.stream.receive_some()
                assert more, data
                data += more
        self.response, _, rest = data.partition(b"\r\n\r\n")
        assert self.response.startswith(b"HTTP/1.1 101 "), self.response
        self.protocol.state = type(self.protocol.state).OPEN
        self.protocol.parser = super(ClientProtocol, self.protocol).parse()
        next(self.protocol.parser)
        self.feed(rest)

    def feed(self, data: bytes) -> None:
        if data:
            self.protocol.receive_data(data)
            self.frames += [frame for frame in self.protocol.events_received() if isinstance(frame, Frame)]

    def frame(self, payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
        return Frame(opcode, payload, fin).serialize(mask=True)

    async def next(self) -> Frame:
        with trio.fail_after(SECONDS):
            while not self.frames:
                more = await self.stream.receive_some()
                if not more:
                    raise EOFError
                self.feed(more)
        return self.frames.popleft()

    async def receive(self) -> bytes:
        while True:
            frame = await self.next()
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
                return bytes(frame.data)

    async def close_code(self) -> int:
        """Of the next close frame."""
        while True:
            frame = await self.next()
            if frame.opcode is Opcode.CLOSE:
                return int.from_bytes(frame.data[:2], "big")


class Clock:
    """Real time, with an offset that a test moves."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.offset


@asynccontextmanager
async def running(core: FakeCore | None = None, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Broker]:
    """A broker whose reactor runs; settings as in `[sockets]`."""
    core = core or FakeCore()
    sockets = msgspec.structs.replace(Sockets(), **settings)
    reactor = Reactor(core, sockets, **({"clock": clock} if clock else {}))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        broker = Broker(core, reactor, public(sockets))
        try:
            yield broker
        finally:
            for stream in broker.streams:
                stream.socket.close()
        nursery.cancel_scope.cancel()
