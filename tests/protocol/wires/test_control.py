"""The control channel's two halves, talking to each other and to nonsense."""

from __future__ import annotations

import datetime

import cbor2
import msgspec
import pytest

from protocol.apps import App, AppSettings
from protocol.commands import (
    AddApp,
    AppTable,
    Backup,
    Condition,
    Done,
    ListConversations,
    ListQuarantine,
    Managed,
    MessagePage,
    SendMessage,
    Stats,
    WatchApps,
    Watermark,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import AppsChanged, ConversationDeleted
from protocol.records import Message
from protocol.wires.control import (
    ANSWER_BYTES,
    OPEN_CALLS,
    WORDS,
    Answer,
    Bye,
    ControlCalls,
    ControlWire,
    Hello,
    Malformed,
    Ping,
)
from protocol.wires.wire import End, Ending, Say, Submit, Wire

APP = App(id="a", key="k", master_key="m", secret="s", settings=AppSettings(bare_app_id=True), rev=3)


@pytest.fixture
def calls() -> ControlCalls:
    return ControlCalls()


@pytest.fixture
def wire(calls: ControlCalls) -> ControlWire:
    wire = ControlWire("epoch-1")
    (said,) = wire.receive(calls.hello(), False, 0)
    assert isinstance(said, Say)
    assert calls.receive(said.payload) == Hello(WORDS, "0.1.0", "epoch-1")
    return wire


def submitted(wire: ControlWire, payload: bytes) -> Submit:
    (item,) = wire.receive(payload, False, 0)
    assert isinstance(item, Submit)
    return item


def test_it_is_a_wire_and_logged_in_after_the_hello(wire: ControlWire) -> None:
    kept: Wire = wire
    assert kept.logged_in
    assert not ControlWire("e").logged_in


@pytest.mark.parametrize(
    "command",
    [
        Managed(
            app="a",
            rev=3,
            user="7",
            privileged=False,
            numeric_user=True,
            command=SendMessage(type=-1, body=b'{"text":"x"}', conversation=1 << 52, mentions=("a", "b")),
        ),
        Managed(app="a", rev=0, command=ListConversations(where=(Condition("kind", "in", [1, "x", None, 2.5]),))),
        WatchApps(),
        Stats(),
        Watermark(),
        Backup(path="/srv/x.db", folder=(64769, 1 << 40)),
        ListQuarantine(limit=5),
        AddApp(app=APP),
    ],
)
def test_a_call_arrives_as_it_was_made(wire: ControlWire, calls: ControlCalls, command: Managed) -> None:
    assert submitted(wire, calls.call(5, command, 10_000)) == Submit(request=5, command=command)


def test_replies_and_refusals_arrive_as_they_were_made(wire: ControlWire, calls: ControlCalls) -> None:
    message = Message(id=9, conversation=8, seq=1, sender="u", type=-1, body=b"{}", mentions=("x",))
    for reply in (Done(time_ms=5), AppTable(apps=[APP]), MessagePage(messages=[message], total=1)):
        submitted(wire, calls.call(1, Stats(), 1))
        heard = calls.receive(wire.reply(1, reply))
        assert heard == Answer(1, reply)
    submitted(wire, calls.call(2, Stats(), 1))
    heard = calls.receive(wire.reply(2, Refused(Reason.TOO_FAST, "Slower.", retry_after_ms=70)))
    assert isinstance(heard, Answer)
    assert isinstance(heard.outcome, Refused)
    assert (heard.outcome.reason, heard.outcome.detail, heard.outcome.retry_after_ms) == (
        Reason.TOO_FAST,
        "Slower.",
        70,
    )


def test_every_answer_can_carry_the_durable_position(calls: ControlCalls) -> None:
    positions = iter((7, 8))
    wire = ControlWire("e", durable=lambda: next(positions))
    wire.receive(calls.hello(), False, 0)
    for request, outcome in ((1, Done(time_ms=5)), (2, Refused(Reason.FULL, "no"))):
        submitted(wire, calls.call(request, Stats(), 1))
        heard = calls.receive(wire.reply(request, outcome))
        assert isinstance(heard, Answer)
        assert heard.durable == 6 + request


def test_only_the_app_table_is_pushed(wire: ControlWire, calls: ControlCalls) -> None:
    push = AppsChanged(app="", apps=(APP,))
    payload = wire.push(push)
    assert payload is not None
    assert calls.receive(payload) == push
    assert wire.push(ConversationDeleted(app="a", conversation=1, by="x")) is None
    assert wire.push_key() == ControlWire("other").push_key()


@pytest.mark.parametrize("words", [WORDS - 1, WORDS, WORDS + 1])
def test_a_words_version_next_to_ours_is_taken(words: int) -> None:
    wire = ControlWire("e")
    (said,) = wire.receive(cbor2.dumps({"words": words, "program": "9", "new": 1}), False, 0)
    assert isinstance(said, Say)
    assert wire.logged_in


@pytest.mark.parametrize("words", [WORDS - 2, WORDS + 2, "2", 2.0, True, None])
def test_another_words_version_is_refused_with_a_sentence(calls: ControlCalls, words: object) -> None:
    wire = ControlWire("e")
    assert wire.receive(cbor2.dumps({"words": words, "program": "9"}), False, 0) == (End(CloseReason.BAD_LOGIN),)
    farewell = wire.farewell(Ending(CloseReason.BAD_LOGIN), 0)
    heard = calls.receive(farewell.payloads[0])
    assert isinstance(heard, Bye)
    assert f"version {WORDS}" in heard.text
    assert repr(words) in heard.text
    assert "restart both" in heard.text
    assert not wire.logged_in


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"garbage",
        cbor2.dumps([1]),
        cbor2.dumps({}),
        cbor2.dumps({"i": "text", "c": {"command": "Stats"}}),
        cbor2.dumps({"i": 1, "c": 5}),
        cbor2.dumps({"i": 1, "c": {"command": "Stats"}, "app": "a"}),
        cbor2.dumps({"i": 1, "c": {"command": "ListFriends"}}),
        cbor2.dumps({"i": 1, "c": {"command": "Stats", "x": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)}}),
        cbor2.dumps({"i": 1, "c": {1: 2}}),
        cbor2.dumps({"i": 1 << 70, "c": {"command": "Stats"}}),
        b"\xa1\x61i" + b"\x81" * 5000 + b"\x01",
        b"\xbf\x61i\x01\xff",
        cbor2.dumps({"i": 1, "c": {"command": "Stats"}}) + b"\x00",
    ],
)
def test_a_malformed_frame_ends_the_connection(wire: ControlWire, payload: bytes) -> None:
    assert wire.receive(payload, False, 0) == (End(CloseReason.INTERNAL),)
    assert ControlWire("e").receive(payload, False, 0) == (End(CloseReason.BAD_LOGIN),)


def test_an_unknown_command_is_refused_alone(wire: ControlWire, calls: ControlCalls) -> None:
    for c in ({"command": "Nonsense"}, {"command": "SendMessage", "type": "x", "body": b"{}"}):
        (said,) = wire.receive(cbor2.dumps({"i": 4, "app": "a", "c": c}), False, 0)
        assert isinstance(said, Say)
        heard = calls.receive(said.payload)
        assert isinstance(heard, Answer)
        assert isinstance(heard.outcome, Refused)
        assert heard.outcome.reason is Reason.BAD_FORMAT


def test_an_id_is_open_until_answered(wire: ControlWire, calls: ControlCalls) -> None:
    submitted(wire, calls.call(1, Stats(), 1))
    assert wire.receive(calls.call(1, Stats(), 1), False, 0) == (End(CloseReason.INTERNAL),)
    wire.reply(1, Done(time_ms=1))
    submitted(wire, calls.call(1, Stats(), 1))


def test_open_calls_are_bounded(wire: ControlWire, calls: ControlCalls) -> None:
    for i in range(OPEN_CALLS):
        submitted(wire, calls.call(i, Stats(), 1))
    (said,) = wire.receive(calls.call(999, Stats(), 1), False, 0)
    assert isinstance(said, Say)
    heard = calls.receive(said.payload)
    assert isinstance(heard, Answer)
    assert isinstance(heard.outcome, Refused)
    assert heard.outcome.reason is Reason.OVERLOADED


def test_a_call_too_large_or_unwritable_is_never_sent(calls: ControlCalls) -> None:
    huge = Managed(app="a", rev=1, command=SendMessage(type=-1, body=b"x" * 1_048_577, conversation=1))
    with pytest.raises(Refused, match="too_large"):
        calls.call(1, huge, 1)
    with pytest.raises(Refused, match="bad_format"):
        calls.call(1, Managed(app="a", rev=1, user="\ud800", command=WatchApps()), 1)


def test_an_answer_too_large_becomes_a_refusal(wire: ControlWire, calls: ControlCalls) -> None:
    submitted(wire, calls.call(1, Stats(), 1))
    message = Message(id=9, conversation=8, seq=1, sender="u", type=-1, body=b"x" * ANSWER_BYTES)
    heard = calls.receive(wire.reply(1, MessagePage(messages=[message], total=1)))
    assert isinstance(heard, Answer)
    assert isinstance(heard.outcome, Refused)
    assert heard.outcome.reason is Reason.TOO_BROAD


def test_probe_and_pong(wire: ControlWire, calls: ControlCalls) -> None:
    probe = wire.probe()
    assert probe is not None
    assert calls.receive(probe) == Ping()
    assert wire.receive(calls.pong(), False, 0) == ()


def test_the_client_refuses_nonsense_too(calls: ControlCalls) -> None:
    for payload in (b"", cbor2.dumps({"i": 1, "r": {"reply": "Nope"}}), cbor2.dumps({"i": 1, "x": {"reason": 5}})):
        with pytest.raises(Malformed):
            calls.receive(payload)


def test_what_a_newer_broker_adds_costs_an_older_client_nothing(calls: ControlCalls) -> None:
    """Fields of an app, its settings and a reply that are not known here, and a reason for a refusal."""
    app = msgspec.to_builtins(APP)
    app["settings"]["a_newer_setting"] = True
    heard = calls.receive(cbor2.dumps({"p": {"app": "", "apps": [{**app, "a_newer_field": [1]}], "push": "AppsChanged"}}))
    assert heard == AppsChanged(app="", apps=(APP,))
    heard = calls.receive(cbor2.dumps({"i": 1, "r": {"reply": "Done", "time_ms": 5, "newer": 1}, "newer": 2}))
    assert heard == Answer(1, Done(time_ms=5))
    heard = calls.receive(cbor2.dumps({"i": 1, "x": {"reason": "a_newer_reason", "detail": "Because."}}))
    assert isinstance(heard, Answer)
    assert isinstance(heard.outcome, Refused)
    assert (heard.outcome.reason, heard.outcome.detail) == (Reason.INTERNAL, "Because.")
