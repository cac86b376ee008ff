"""What is fuzzed: each target takes any bytes and raises when something that must hold does not.

The law: a target keeps no state from one call to the next and reads no clock, so that the bytes alone make a failure happen
again. Where two parsers know the same language, both get the same bytes and have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import wsproto.frame_protocol as peer
from websockets.frames import Frame, Opcode

from broker.gateway.framing import Framing, LengthFraming
from broker.gateway.limits import public
from broker.gateway.relay import FrameHeads
from broker.gateway.upgrade import Handshake, Upgrade
from broker.gateway.websocket import WebSocketFraming
from broker.settings import Sockets
from protocol.codec import Unreadable, read_cbor, read_json, write_cbor, write_json
from protocol.commands import Command, ListSessions, LoggedIn, Managed, Stats
from protocol.errors import CloseReason, Reason, Refused
from protocol.wires.control import ControlCalls, ControlWire, Malformed
from protocol.wires.native import NativeWire
from protocol.wires.native.plain import read_plain_send
from protocol.wires.wire import End, Inbound, Say, Submit
from tests.protocol.wires.leancloud.gateway import Gateway
from tests.protocol.wires.native.test_plain import IDS, the_long_way

NOW = 1_608_126_111_686
ROOM = 4096
TARGETS: dict[str, Callable[[bytes], object]] = {}
SEEDS: dict[str, list[bytes]] = {}
"""Bytes to begin with, of each target."""


def target(*seeds: bytes) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    def add(function: Callable[[bytes], object]) -> Callable[[bytes], object]:
        TARGETS[function.__name__] = function
        SEEDS[function.__name__] = list(seeds)
        return function

    return add


def cut(data: bytes) -> Iterator[bytes]:
    """The bytes behind the first in pieces of a size the first tells."""
    size = 1 + (data[0] if data else 0)
    for at in range(1, len(data), size):
        yield data[at : at + size]


def drained(framing: Framing, data: bytes) -> list[tuple[bytes, bool]]:
    """All messages of these bytes."""
    found = []
    for piece in cut(data):
        if framing.finished:
            break
        framing.feed(piece)
        while (message := framing.take()) is not None or framing.pending():
            if message is not None:
                found.append(message)
    return found


def masked(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


FRAMES = (
    b"\xff" + masked(b"hello") + masked(b"\xe2\x82\xac", Opcode.BINARY),
    b"\x00" + masked(b"a", fin=False) + masked(b"", Opcode.PING) + masked(b"b", Opcode.CONT),
    b"\x05" + masked(b"\xc3", fin=False) + masked(b"\xa9", Opcode.CONT) + masked(b"\x03\xe8bye", Opcode.CLOSE),
    b"\x07" + masked(b"x" * 300),
)


@target(*FRAMES)
def websocket(data: bytes) -> None:
    """The quick reader, the library's (before login) and another library's see the same messages, however they are cut."""
    data += bytes(16)  # some judge a frame by the first byte of its head, some by all of it
    quick, careful = WebSocketFraming(ROOM, 1 << 16), WebSocketFraming(ROOM, 1 << 16)
    quick.lift(ROOM)
    messages = drained(quick, data)
    assert messages == drained(careful, data)
    assert bool(quick.finished) == bool(careful.finished)
    other = peer.FrameProtocol(client=False, extensions=[])
    theirs: list[tuple[bytes, bool]] = []
    parts: list[bytes] = []
    over = False
    try:
        for piece in cut(data):
            other.receive_bytes(piece)
            for frame in other.received_frames():
                if frame.opcode is peer.Opcode.CLOSE:
                    over = True
                    break
                if frame.opcode in (peer.Opcode.PING, peer.Opcode.PONG):
                    continue
                payload = frame.payload
                parts.append(payload.encode() if isinstance(payload, str) else bytes(payload))
                if frame.frame_finished and frame.message_finished:
                    theirs.append((b"".join(parts), frame.opcode is peer.Opcode.TEXT))
                    parts = []
            if over:
                break
    except peer.ParseFailed as failed:
        if "would have sufficed" in str(failed):  # a length spelt too long harms nobody; it alone minds
            return
        over = True
    assert messages == theirs
    too_large = any(words[2:4] == (1009).to_bytes(2, "big") for words in quick.out)  # it knows no limit
    assert over or too_large or not quick.finished  # it says so at a frame's head, ours when the frame is whole


@target(b"\xff\x00\x00\x00\x05hello\x00\x00\x00\x00", b"\x02\x00\x00\x00\x01a\xff\xff\xff\xff")
def framed(data: bytes) -> None:
    """Framed TCP: the same frames, however they are cut."""
    assert drained(LengthFraming(ROOM), data) == drained(LengthFraming(ROOM), b"\xff" + data[1:])


@target(*FRAMES)
def heads(data: bytes) -> None:
    """What a TLS connection counts beside trio-websocket does not hang on how the bytes are cut."""
    whole, pieces = FrameHeads(), FrameHeads()
    whole.feed(b"GET / HTTP/1.1\r\n\r\n" + data[1:])
    pieces.feed(b"GET / HTTP/1.1\r\n\r\n")
    for piece in cut(data):
        pieces.feed(piece)
    assert (whole.controls, whole.parts) == (pieces.controls, pieces.parts)


HEAD = (
    b"GET /?token=x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: lc.json.3, parley.v1\r\n\r\n"
)


@target(b"\xff" + HEAD, b"\x10" + HEAD + masked(b"hello"))
def upgrade(data: bytes) -> None:
    """Any head is answered, by an upgrade or a whole HTTP answer, or waited for."""

    def choose(found: Upgrade) -> tuple[NativeWire, str | None]:
        return NativeWire(token=found.token), None

    handshake = Handshake(choose, public(Sockets()))
    for piece in cut(data):
        outcome = handshake.feed(piece)
        if outcome is not None:
            assert outcome.response.startswith(b"HTTP/1.1 ")
            assert b"\r\n\r\n" in outcome.response
            return


def native_wire(text: bool) -> NativeWire:
    """One that has logged in."""
    wire = NativeWire()
    login = {"type": "login", "data": {"app_id": "666666", "client_id": "tom"}}
    (submit,) = wire.receive(write_json(login) if text else write_cbor(login), text, NOW)
    assert isinstance(submit, Submit)
    wire.reply(
        submit.request, LoggedIn(time_ms=NOW, app="666666", user="tom", device="", session_token="", frames_per_second=0)
    )
    return wire


def judged(wire: NativeWire, inbound: list[Inbound]) -> None:
    """What a native frame is made of is one of four things, and each can be answered in the wire's words."""
    kinds = [type(one) for one in inbound]
    assert kinds in ([Submit], [Say], [Say, End]), inbound
    for one in inbound:
        if isinstance(one, Say):
            answer = read_json(one.payload) if wire.text else read_cbor(one.payload)
            assert isinstance(answer, dict)
            assert isinstance(answer["type"], str)
        elif isinstance(one, Submit):
            assert isinstance(one.command, Command)
            assert wire.reply(one.request, Refused(Reason.OVERLOADED))


SEND = b'{"type":"msg.send","id":1,"data":{"to":"bob","type":-1,"text":"hello","client_msg_id":"a1"}}'


@target(SEND, b'{"type":"login","id":1,"data":{"app_id":"demo","client_id":"alice","device_id":"phone"}}')
def native_json(data: bytes) -> None:
    """JSON of any bytes: a request or an answer that says what is wrong, before and after the login."""
    for wire in (NativeWire(), native_wire(text=True)):
        judged(wire, list(wire.receive(data, True, NOW)))


@target(SEND)
def native_plain(data: bytes) -> None:
    """What is read in one step is what the long way reads."""
    found = read_plain_send(data, IDS)
    if found is not None:
        assert found == the_long_way(data)


@target(write_cbor(read_json(SEND)))
def native_cbor(data: bytes) -> None:
    for wire in (NativeWire(), native_wire(text=False)):
        judged(wire, list(wire.receive(data, False, NOW)))


@target(b"\x08\x00\x10\x01", b"\x08\x01\x10\x01\x1a\x04demo")
def leancloud(data: bytes) -> None:
    """Any frame, before and after a session is open, through wire, dispatcher and hub: answered, and nothing breaks."""
    gateway = Gateway()
    for opened in (False, True):
        line = gateway.line()
        if opened:
            line.open("tom")
        line.take(line.wire.receive(data, False, gateway.ms))
        gateway.run()


CALLS = ControlCalls()


@target(CALLS.hello(), CALLS.call(1, Stats(), 5000), CALLS.call(2, Managed(app="a", rev=1, command=ListSessions()), 5000))
def control(data: bytes) -> None:
    """The control channel, before and after the hello and from both ends: understood, or the connection ends."""
    for first in ((), (CALLS.hello(),)):
        wire = ControlWire("epoch")
        for frame in (*first, data):
            for one in wire.receive(frame, False, NOW):
                if isinstance(one, End):
                    assert one.reason in (CloseReason.INTERNAL, CloseReason.BAD_LOGIN)
    try:
        ControlCalls().receive(data)
    except Malformed:
        pass


@target(SEND, b"[1.5e3,-0,null,true]", write_cbor({"a": [1, "x", None]}))
def codec(data: bytes) -> None:
    """What one reader lets in every writer can write, and it stays the same."""
    for read in (read_json, read_cbor):
        try:
            value = read(data)
        except Unreadable:
            continue
        assert read_json(write_json(value)) == value
        assert read_cbor(write_cbor(value)) == value
