"""A native wire that has logged in, and a short way to speak to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cbor2
import orjson
import pytest

from protocol import commands as c
from protocol.errors import Refused
from protocol.ids import IdForms, Mint
from protocol.pushes import Push
from protocol.wires.native import NativeWire
from protocol.wires.wire import Inbound, Say, Submit

APP = "666666"
NOW = 1_608_126_111_686
Envelope = dict[str, Any]


class Speaker:
    """One connection, spoken to in envelopes. `conv` and `msg` are ids of its app, `conv_id` and `msg_id` their text."""

    app = APP
    now = NOW

    def __init__(self, *, text: bool = True, token: str = "", log_in: bool = True) -> None:
        self.wire = NativeWire(token=token)
        self.text = text
        mint = Mint()
        self.conv, self.msg = mint.next(NOW), mint.next(NOW)
        self.forms = IdForms(APP)
        self.conv_id, self.msg_id = self.forms.hex32(self.conv), self.forms.hex32(self.msg)
        if log_in:
            submit = self.submit({"type": "login", "data": {"app_id": APP, "client_id": "alice"}})
            self.wire.reply(submit.request, self.logged_in())

    def logged_in(self) -> c.LoggedIn:
        return c.LoggedIn(time_ms=NOW, app=APP, user="alice", device="phone", session_token="st-1", frames_per_second=200)

    def receive(self, envelope: object) -> Sequence[Inbound]:
        raw = orjson.dumps(envelope) if self.text else cbor2.dumps(envelope)
        return self.wire.receive(raw, self.text, NOW)

    def submit(self, envelope: object) -> Submit:
        (inbound,) = self.receive(envelope)
        assert isinstance(inbound, Submit), inbound
        return inbound

    def command(self, kind: str, **data: object) -> Any:
        return self.submit({"type": kind, "data": data}).command

    def said(self, envelope: object) -> Envelope:
        """What the wire answers by itself: at once, or through the hub where a refusal has to take its turn."""
        return self.heard(self.receive(envelope)[0])

    def heard(self, first: Inbound) -> Envelope:
        if isinstance(first, Submit):
            assert isinstance(first.command, c.Refuse), first
            refused = Refused(first.command.reason, first.command.detail)
            return self.read(self.wire.reply(first.request, refused))
        assert isinstance(first, Say), first
        return self.read(first.payload)

    def refused(self, kind: str, **data: object) -> tuple[int, str]:
        answer = self.said({"type": kind, "id": 7, "data": data})
        assert list(answer) == ["type", "id", "code", "msg"]
        assert (answer["type"], answer["id"]) == (kind + ".error", 7)
        return answer["code"], answer["msg"]

    def answer(self, request: Envelope, reply: c.Reply | Refused) -> Envelope:
        return self.read(self.wire.reply(self.submit(request).request, reply))

    def data(self, request: Envelope, reply: c.Reply) -> Any:
        """The data of a success answer, whose envelope is checked."""
        answer = self.answer(request, reply)
        assert list(answer) == ["type", "msg", "data"]
        assert (answer["type"], answer["msg"]) == (request["type"] + ".success", "success")
        return answer["data"]

    def pushed(self, push: Push) -> Envelope:
        payload = self.wire.push(push)
        assert payload is not None
        return self.read(payload)

    def read(self, payload: bytes) -> Envelope:
        envelope: Envelope = orjson.loads(payload) if self.text else cbor2.loads(payload)
        return envelope


@pytest.fixture(params=["json", "cbor"])
def speaker(request: pytest.FixtureRequest) -> Speaker:
    """Logged in as alice, in either encoding."""
    return Speaker(text=request.param == "json")


@pytest.fixture
def stranger() -> Speaker:
    """Not logged in yet, JSON."""
    return Speaker(log_in=False)


@pytest.fixture
def new_speaker() -> type[Speaker]:
    return Speaker
