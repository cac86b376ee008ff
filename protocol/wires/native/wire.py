"""The native socket protocol `parley.v1`: a connection's frames to commands, replies and pushes to frames (SOCKET.md).

The law: every frame gets exactly one answer, in the envelope SOCKET.md prints, and nothing a peer sends is ever raised.
The first frame settles the encoding of all answers; before login only `login` is understood, a frame that is no request
at all ends the connection, and so does a login that can never succeed.

Readings: a known request before login, `ping` too, is answered 4003 and the connection stays until its login deadline.
What the wire refuses by itself goes through the hub all the same, so that answers keep the order of their requests; only
the answer to a ping overtakes (DESIGN 2.3).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from protocol.codec import Unreadable, read_cbor, read_json, write_cbor, write_json
from protocol.commands import ListConversations, LoggedIn, Refuse, Reply
from protocol.errors import RETRY_LATER, CloseReason, Reason, Refused
from protocol.pushes import Push
from protocol.wires.native.codes import code_of, text_of
from protocol.wires.native.fields import ID_MOST, Data, as_object, bad
from protocol.wires.native.ids import AppIds, app_ids
from protocol.wires.native.plain import MARK, read_plain_login, read_plain_send
from protocol.wires.native.pushes import PUSHES
from protocol.wires.native.replies import REPLIES, Asked
from protocol.wires.native.requests import REQUESTS, login
from protocol.wires.native.shapes import Row
from protocol.wires.wire import End, Ending, Farewell, Inbound, Say, Submit

CLOSE_SECONDS = 2.0
"""How long the peer has to close by itself (DESIGN 3)."""

NOTHING = Asked("", None)
"""What a frame that is no request has asked; its refusal has the type `error` alone."""

TEXT_KEY, BINARY_KEY = ("native", True), ("native", False)
_KICKS = frozenset({CloseReason.REPLACED, CloseReason.KICKED, CloseReason.BANNED, CloseReason.DELETED})
_SILENT = frozenset({CloseReason.CONTINUED, CloseReason.GONE})


class NativeWire:
    """One connection. `framed`: the length-prefixed TCP transport, CBOR only. `token`: what the upgrade request brought
    as `Authorization: Bearer` or `?token=`."""

    __slots__ = ("_ending", "_framed", "_ids", "_settled", "_token", "logged_in", "text")

    def __init__(self, *, framed: bool = False, token: str = "") -> None:
        self.text = not framed
        self.logged_in = False
        self._framed = framed
        self._settled = framed
        self._token = token
        self._ids: AppIds | None = None
        self._ending: CloseReason | None = None

    def receive(self, payload: bytes, text: bool, now_ms: int) -> Sequence[Inbound]:
        """One frame: a Submit, or a Say that answers it here and now, before login perhaps with an End behind it."""
        if not self._settled:
            self._settled = True
            self.text = text
        if text and self._ids is not None and MARK in payload and not self._framed:
            plain = read_plain_send(payload, self._ids)
            if plain is not None:
                return (plain,)
        elif text and self._ids is None and not self._framed:
            plain = read_plain_login(payload, self._token)
            if plain is not None:
                return (plain,)
        try:
            frame = read_json(payload) if text and not self._framed else read_cbor(payload)
        except Unreadable as error:
            return self._no_request(Refused(Reason.BAD_FORMAT, str(error)))
        if type(frame) is not dict:
            return self._no_request(Refused(Reason.BAD_FORMAT, "A frame must be an object with type and data."))
        kind = frame.get("type")
        if kind is None:
            return self._no_request(Refused(Reason.MISSING_FIELD, "type is missing."))
        if type(kind) is not str:
            return self._no_request(Refused(Reason.BAD_FORMAT, "type must be text."))
        parse = REQUESTS.get(kind)
        if parse is None and kind != "login" and kind != "ping":
            return self._no_request(Refused(Reason.UNKNOWN_TYPE, f"There is no request of type {kind[:ID_MOST]!r}."))
        number: int | str | None = None
        try:
            number = _request_id(frame)
            data = frame.get("data")
            if type(data) is not dict:
                data = {} if data is None else as_object(data, "data")
            if parse is None:
                return self._own(kind, number, data, now_ms)
            ids = self._ids
            if ids is None:
                raise Refused(Reason.NOT_LOGGED_IN, "Log in first: send a login frame.")
            command = parse(data, ids)
        except Refused as refused:
            if self.logged_in:
                return (Submit(Asked(kind, number), Refuse(reason=refused.reason, detail=refused.detail)),)
            say = Say(self._failure(kind, number, refused))
            return (say, End(CloseReason.BAD_LOGIN)) if kind == "login" else (say,)
        if type(command) is ListConversations:
            return (Submit(Asked(kind, number, command.page, command.size), command),)
        return (Submit(Asked(kind, number), command),)

    def _own(self, kind: str, number: int | str | None, data: Data, now_ms: int) -> Sequence[Inbound]:
        """`login`, which needs no ids, and `ping`, which needs no hub."""
        if kind == "login":
            if self.logged_in:
                raise Refused(Reason.NOT_ALLOWED, "This connection is logged in already; open another one.")
            return (Submit(Asked(kind, number), login(data, self._token)),)
        if not self.logged_in:
            raise Refused(Reason.NOT_LOGGED_IN, "Log in first: send a login frame.")
        return (Say(self._success(kind, number, {"time": now_ms})),)

    def _no_request(self, refused: Refused) -> Sequence[Inbound]:
        if self.logged_in:
            return (Submit(NOTHING, Refuse(reason=refused.reason, detail=refused.detail)),)
        return (Say(self._failure("", None, refused)), End(CloseReason.BAD_LOGIN))

    def reply(self, request: object, reply: Reply | Refused) -> bytes:
        """The answer to a Submit: `T.success` or `T.error` with its `id`."""
        asked = request
        assert type(asked) is Asked, "a request of another wire"
        self._ending = None
        if isinstance(reply, Refused):
            if asked.type == "login" and not self.logged_in and reply.reason not in RETRY_LATER:
                self._ending = CloseReason.BAD_LOGIN
            return self._failure(asked.type, asked.id, reply)
        if type(reply) is LoggedIn:
            self.logged_in = True
            self._ids = app_ids(reply.app)
        elif asked.type == "logout":
            self._ending = CloseReason.LOGOUT
        ids = self._ids
        assert ids is not None, "a reply before login"
        return self._success(asked.type, asked.id, REPLIES[type(reply)](reply, asked, ids))

    def after_reply(self, reply: Reply | Refused) -> CloseReason | None:
        """LOGOUT behind a logout, BAD_LOGIN behind a refused login that would be refused again."""
        return self._ending

    def push_key(self) -> Hashable:
        return TEXT_KEY if self.text else BINARY_KEY

    def push(self, push: Push) -> bytes | None:
        render = PUSHES.get(type(push))
        if render is None:
            return None
        kind, data = render(push, app_ids(push.app))
        return self._write({"type": kind, "data": data})

    def farewell(self, ending: Ending, now_ms: int) -> Farewell:
        """`logout.kick` (ZD-12) for whoever is sent away, `going.away` before a restart, else nothing but the code."""
        reason = ending.reason
        if reason in _SILENT:
            return Farewell(payloads=(), code=None, text="", seconds=0.0)
        payloads: tuple[bytes, ...] = ()
        if reason in _KICKS:
            data: Row = {"time": now_ms, "reason": reason.word}
            if ending.device is not None:
                data["device_id"] = ending.device
            if ending.text:
                data["text"] = ending.text
            payloads = (self._write({"type": "logout.kick", "msg": "error", "data": data}),)
        elif reason is CloseReason.GOING_AWAY:
            data = {"retry_after_ms": ending.retry_after_ms}
            payloads = (self._write({"type": "going.away", "data": data}),)
        return Farewell(payloads=payloads, code=reason.code, text=reason.word, seconds=CLOSE_SECONDS)

    def oversize(self) -> bytes:
        """What is said about a frame that is too long to be read; the connection ends behind it."""
        return self._failure("", None, Refused(Reason.TOO_LARGE, "The frame is longer than allowed here."))

    def probe(self) -> bytes | None:
        """ZD-43."""
        return self._write({"type": "ping"})

    def _success(self, kind: str, number: int | str | None, data: Row) -> bytes:
        envelope: Row
        if number is None:
            envelope = {"type": kind + ".success", "msg": "success", "data": data}
        else:
            envelope = {"type": kind + ".success", "id": number, "msg": "success", "data": data}
        return write_json(envelope) if self.text else write_cbor(envelope)

    def _failure(self, kind: str, number: int | str | None, refused: Refused) -> bytes:
        envelope: Row = {"type": kind + ".error" if kind else "error"}
        if number is not None:
            envelope["id"] = number
        envelope["code"] = code_of(refused.reason)
        envelope["msg"] = text_of(refused)
        if refused.retry_after_ms:
            envelope["data"] = {"retry_after_ms": refused.retry_after_ms}
        return self._write(envelope)

    def _write(self, envelope: Row) -> bytes:
        return write_json(envelope) if self.text else write_cbor(envelope)


def _request_id(frame: Data) -> int | str | None:
    """The request's `id`, to be echoed: an integer or text of up to 64 characters."""
    number = frame.get("id")
    if number is None or type(number) is int or (type(number) is str and len(number) <= ID_MOST):
        return number
    bad("id", f"an integer or text of up to {ID_MOST} characters")
