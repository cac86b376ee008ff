"""The control channel between broker and adminapi or command line, over a Unix socket (DESIGN 5): both halves.

The law: one frame is one CBOR map, and both halves read it into the closed sets of `protocol.commands` and
`protocol.pushes` or not at all. The first frame each way is the hello. An upgrade restarts one program after the other, so
each half takes a words version one before or after its own; whoever hears any other says so in a sentence and hangs up,
because a guess at an unknown word could be a wrong write. Byte strings are allowed here (bodies
and attributes are bytes of JSON), tags and depth beyond `DEPTH` are not.

| frame | keys |
|---|---|
| hello | `words` int, `program` text, `epoch` text (from the broker only) |
| call | `i` int, `c` command, `ms` deadline, and the other fields of a `Managed` |
| answer | `i`, and `r` reply or `x` {`reason`, `detail`, `retry_after_ms`}; `d` int, the newest commit on disk |
| push | `p` push (`AppsChanged` only) |
| probe | `ping` 1 from the broker, `pong` 1 back |
| farewell | `bye` {`reason`, `text`, `retry_after_ms`}, the broker's last frame |

Framing (u32 length) is the gateway's and `adminapi.control`'s. A call whose envelope is sound but whose command is not
one of ours is answered `bad_format`: one caller's slip must not cost the other callers of the channel their answers.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import cbor2
import msgspec

from protocol.commands import (
    AddApp,
    Backup,
    Command,
    InspectConnection,
    InspectSessions,
    ListQuarantine,
    ListSamples,
    Managed,
    Reply,
    Stats,
    WatchApps,
    Watermark,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import AppsChanged, Push
from protocol.wires.wire import End, Ending, Farewell, Inbound, Say, Submit

WORDS = 3
"""Version of the words: of the commands, replies and pushes, and of the frames above. What the half without it may leave
unread, or answers `bad_format`, raises it by one: new commands, and new fields whose default means what was meant before.
What it could misread raises it by two."""
SKEW = 1
"""Versions by which the two halves may differ."""
PROGRAM = "0.1.0"
FRAME_BYTES = 1_048_576
"""Largest call."""
ANSWER_BYTES = 16 * 1_048_576
"""Largest answer: a page of 100 messages of 64 KiB, and some. Beyond it the call is refused `too_broad`."""
DEPTH = 24
"""The 16 levels of foreign JSON inside a condition's value, and those of the frame around it."""
REASONS = frozenset(reason.value for reason in Reason)
OPEN_CALLS = 256
"""A client keeps to 64; a caller that gave up frees its place there before it is free here: hence the room."""

BROKER_LEVEL: tuple[type[Command], ...] = (
    *(WatchApps, AddApp, Stats, Watermark, ListQuarantine, Backup),
    *(InspectSessions, InspectConnection, ListSamples),
)
"""Commands to the broker itself; every other one travels in a `Managed`."""


def by_name(base: type) -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    children: list[type[Any]] = type.__subclasses__(base)
    for child in children:
        found |= {child.__name__: child, **by_name(child)}
    return found


# By tag and not by a Union of all: msgspec builds the plan of a Union anew at each call (measured: 35 us, so 1 us).
COMMANDS = by_name(Command)
REPLIES = by_name(Reply)


class Malformed(Exception):
    """A frame that is none of the table above; the connection ends."""


class Hello(msgspec.Struct, frozen=True):
    """The other half is there. `epoch` is the broker's data epoch ("" from a client)."""

    words: int
    program: str
    epoch: str = ""


class Call(msgspec.Struct, frozen=True, gc=False):
    """The envelope of a call; `c` is converted apart."""

    i: int
    c: dict[str, Any]
    ms: int = 10_000
    app: str | None = None
    rev: int = 0
    user: str = ""
    privileged: bool = True
    numeric_user: bool = False
    heed_ban: bool = False
    newcomers: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """`reason` is a Reason's value, of a newer broker's perhaps."""

    reason: str
    detail: str
    retry_after_ms: int = 0

    def refused(self) -> Refused:
        reason = Reason(self.reason) if self.reason in REASONS else Reason.INTERNAL
        return Refused(reason, self.detail, retry_after_ms=self.retry_after_ms)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The outcome of call `request`."""

    request: int
    outcome: Reply | Refused
    durable: int = 0
    """The newest commit that was on disk when this was said; 0 if that was not said."""


class Bye(msgspec.Struct, frozen=True):
    """The broker's last frame: why, in a word and in a sentence."""

    reason: str
    text: str
    retry_after_ms: int = 0


class Ping(msgspec.Struct, frozen=True):
    """Answer it with `ControlCalls.pong()`."""


Heard = Hello | Answer | AppsChanged | Bye | Ping


def check(value: object) -> None:
    """Malformed unless plain data: what tags make (dates, sets, fractions, big numbers) has no meaning here."""
    kind = type(value)  # by identity, for no subclass may pass; mypy narrows by isinstance alone, hence what it ignores
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str:
                raise Malformed("a key is not text")
            check(item)
    elif kind is list:
        for item in value:  # type: ignore[attr-defined]
            check(item)
    elif kind is int:
        if not -(1 << 63) <= value < 1 << 64:  # type: ignore[operator]
            raise Malformed("a number beyond 64 bits")
    elif value is not None and kind not in (str, bytes, bool, float):
        raise Malformed(f"a value of type {kind.__name__}")


def read_frame(payload: bytes) -> dict[str, Any]:
    """The map in a frame."""
    try:
        source = io.BytesIO(payload)
        frame = cbor2.CBORDecoder(
            source, max_depth=DEPTH, allow_indefinite=False, allow_duplicate_keys=False, strict_hashable_types=True
        ).decode()
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError) as error:
        raise Malformed(f"not CBOR: {error}") from None
    if type(frame) is not dict:
        raise Malformed("not a map")
    if source.tell() != len(payload):
        raise Malformed("bytes after the map")
    check(frame)
    return frame


def write_frame(frame: dict[str, Any]) -> bytes:
    """ValueError or TypeError where it holds what CBOR cannot carry (a lone surrogate)."""
    return cbor2.dumps(frame)


Shape = TypeVar("Shape")


def shaped(value: object, shape: type[Shape]) -> Shape:
    """`value` as `shape`, or Malformed."""
    try:
        return msgspec.convert(value, shape, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def tagged(value: object, field: str, classes: dict[str, type[Any]]) -> Any:
    """`value` as the one of `classes` its tag names, or Malformed."""
    name = value.get(field) if isinstance(value, dict) else None
    shape = classes.get(name) if isinstance(name, str) else None
    if shape is None:
        raise Malformed(f"no {field} of this name: {name!r}")
    return shaped(value, shape)


def plain(value: object) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes,))


def understood(theirs: object) -> bool:
    """Whether the two halves can talk."""
    return type(theirs) is int and abs(theirs - WORDS) <= SKEW


def misunderstood(theirs: object) -> str:
    """The sentence for a words version too far away."""
    return (
        f"This side speaks version {WORDS} of the control words, the other {theirs!r}, and they may differ by {SKEW}; "
        "install one release for both, and restart both programs."
    )


class ControlWire:
    """The broker's half, one a connection. A `protocol.wires.wire.Wire`; `logged_in` turns true at the hello."""

    text = False

    def __init__(self, epoch: str, program: str = PROGRAM, durable: Callable[[], int] | None = None) -> None:
        """`durable` tells the newest commit that is on disk."""
        self.logged_in = False
        self._durable = durable
        self._epoch = epoch
        self._program = program
        self._open: set[int] = set()
        self._fault = ""

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        try:
            frame = read_frame(payload)
            if not self.logged_in:
                return self._hello(frame)
            if "pong" in frame:
                return ()
            return (self._call(shaped(frame, Call)),)
        except Malformed as error:
            self._fault = f"Unreadable control frame: {error}."
            return (End(CloseReason.INTERNAL if self.logged_in else CloseReason.BAD_LOGIN),)

    def _hello(self, frame: dict[str, Any]) -> Sequence[Inbound]:
        if not understood(frame.get("words")):
            self._fault = misunderstood(frame.get("words"))
            return (End(CloseReason.BAD_LOGIN),)
        shaped(frame, Hello)
        self.logged_in = True
        return (Say(write_frame({"words": WORDS, "program": self._program, "epoch": self._epoch})),)

    def _call(self, call: Call) -> Inbound:
        if call.i in self._open:
            raise Malformed(f"call {call.i} is open already")
        if len(self._open) >= OPEN_CALLS:
            refused = Refused(Reason.OVERLOADED, f"{OPEN_CALLS} calls are open on this channel.", retry_after_ms=1000)
            return Say(answer(call.i, refused))
        try:
            command: Command = tagged(call.c, "command", COMMANDS)
        except Malformed as error:
            return Say(answer(call.i, Refused(Reason.BAD_FORMAT, f"Not a command: {error}.")))
        if isinstance(command, BROKER_LEVEL) != (call.app is None):
            raise Malformed("a command for an app names it, one for the broker names none")
        self._open.add(call.i)
        if call.app is None:
            return Submit(request=call.i, command=command)
        managed = Managed(
            app=call.app,
            rev=call.rev,
            command=command,
            user=call.user,
            privileged=call.privileged,
            numeric_user=call.numeric_user,
            heed_ban=call.heed_ban,
            newcomers=call.newcomers,
        )
        return Submit(request=call.i, command=managed)

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        assert isinstance(request, int)
        self._open.discard(request)
        durable = self._durable() if self._durable is not None else 0
        payload = answer(request, reply, durable)
        if len(payload) > ANSWER_BYTES:
            return answer(request, Refused(Reason.TOO_BROAD, "The answer is too large; ask for a smaller page."), durable)
        return payload

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        return None

    def push_key(self) -> Hashable:
        return "control"

    def push(self, push: Push) -> bytes | None:
        return write_frame({"p": plain(push)}) if isinstance(push, AppsChanged) else None

    def farewell(self, ending: Ending, now_ms: int) -> Farewell:
        text = ending.text or self._fault
        bye = {"reason": ending.reason.word, "text": text, "retry_after_ms": ending.retry_after_ms}
        return Farewell([write_frame({"bye": bye})], ending.reason.code, "", 1.0)

    def probe(self) -> bytes | None:
        """A Unix socket has no ping of its own."""
        return write_frame({"ping": 1})


def answer(request: int, outcome: Reply | Refused, durable: int = 0) -> bytes:
    """The answer frame of call `request`."""
    frame: dict[str, Any] = {"i": request}
    if isinstance(outcome, Refused):
        frame["x"] = plain(Refusal(outcome.reason.value, outcome.detail, outcome.retry_after_ms))
    else:
        frame["r"] = plain(outcome)
    if durable:
        frame["d"] = durable
    return write_frame(frame)


class ControlCalls:
    """The client's half: makes the bytes of calls, reads everything else. It numbers nothing and remembers nothing."""

    def __init__(self, program: str = PROGRAM) -> None:
        self._program = program

    def hello(self) -> bytes:
        return write_frame({"words": WORDS, "program": self._program})

    def pong(self) -> bytes:
        return write_frame({"pong": 1})

    def call(self, request: int, command: Command | Managed, deadline_ms: int) -> bytes:
        """Refused BAD_FORMAT for what cannot be written, TOO_LARGE beyond 1 MiB: nothing was sent then."""
        frame: dict[str, Any] = {"i": request, "ms": deadline_ms}
        if isinstance(command, Managed):
            frame |= {
                "app": command.app,
                "rev": command.rev,
                "user": command.user,
                "privileged": command.privileged,
                "numeric_user": command.numeric_user,
                "heed_ban": command.heed_ban,
                "newcomers": command.newcomers,
            }
        try:
            frame["c"] = plain(command.command if isinstance(command, Managed) else command)
            payload = write_frame(frame)
        except (ValueError, TypeError, OverflowError) as error:
            raise Refused(Reason.BAD_FORMAT, f"The request holds what cannot be sent on: {error}") from None
        if len(payload) > FRAME_BYTES:
            raise Refused(Reason.TOO_LARGE, "The request is larger than 1 MiB.")
        return payload

    def receive(self, payload: bytes) -> Heard:
        """What the broker said. Malformed for anything else."""
        frame = read_frame(payload)
        if "i" in frame:
            request, durable = shaped(frame["i"], int), shaped(frame.get("d", 0), int)
            if "x" in frame:
                return Answer(request, shaped(frame["x"], Refusal).refused(), durable)
            return Answer(request, tagged(frame.get("r"), "reply", REPLIES), durable)
        if "p" in frame:
            return shaped(frame["p"], AppsChanged)
        if "ping" in frame:
            return Ping()
        if "bye" in frame:
            return shaped(frame["bye"], Bye)
        return shaped(frame, Hello)
