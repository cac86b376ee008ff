"""The native wire as a whole: envelopes, login, endings, encodings; and whatever comes in, a legal answer goes out."""

from __future__ import annotations

from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import commands as c
from protocol.errors import RETRY_LATER, CloseReason, Reason, Refused
from protocol.pushes import ConversationJoined
from protocol.wires.native import NativeWire
from protocol.wires.native.requests import REQUESTS
from protocol.wires.wire import End, Ending, Farewell, Say, Submit, Wire

NOW = 1_608_126_111_686
LOGIN = {"type": "login", "data": {"device_id": "1111", "app_id": "666666", "client_id": "1111"}}
SEED_LOGIN = {
    "type": "login",
    "data": {"device_id": "1111", "app_id": "666666", "client_id": "1111", "ext": {"nickname": "liliSara"}},
}


def test_it_is_a_wire() -> None:
    wire: Wire = NativeWire()
    assert not wire.logged_in


# Login


def test_the_login_of_the_seed_is_understood_word_for_word(stranger: Any) -> None:
    assert stranger.submit(SEED_LOGIN).command == c.Login(
        app="666666", user="1111", device="1111", attributes=b'{"nickname":"liliSara"}', wire="native"
    )


def test_a_login_with_everything_and_numbers_for_ids(stranger: Any) -> None:
    data = {
        "app_id": 666666,
        "client_id": 1111,
        "device_id": 7,
        "platform": "ios",
        "tag": "mobile",
        "install_id": "i",
        "token": "t",
        "password": "p",
        "session_token": "s",
    }
    assert stranger.submit({"type": "login", "data": data}).command == c.Login(
        app="666666",
        user="1111",
        device="7",
        platform="ios",
        tag="mobile",
        install="i",
        token="t",
        password="p",
        session_token="s",
    )


@pytest.mark.parametrize(
    ("proof", "token"),
    [({}, "up"), ({"token": "own"}, "own"), ({"password": "p"}, ""), ({"session_token": "s"}, "up")],
)
def test_the_token_of_the_upgrade_counts_where_the_frame_brings_none(proof: Any, token: str, new_speaker: Any) -> None:
    speaker = new_speaker(token="up", log_in=False)
    data = {"app_id": "a", "client_id": "b"} | proof
    assert speaker.submit({"type": "login", "data": data}).command.token == token


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, 4001),
        ({"app_id": "a"}, 4001),
        ({"client_id": "a"}, 4001),
        ({"app_id": "a", "client_id": ""}, 4001),
        ({"app_id": "a", "client_id": None}, 4001),
        ({"app_id": [], "client_id": "b"}, 4406),
        ({"app_id": "a", "client_id": "b\n"}, 4406),
        ({"app_id": "a", "client_id": "b" * 129}, 4406),
        ({"app_id": "a", "client_id": "b", "ext": "x"}, 4406),
        ({"app_id": "a", "client_id": "b", "device_id": {}}, 4406),
        ({"app_id": "a", "client_id": "b", "token": 1}, 4406),
        ({"app_id": "a", "client_id": "b", "session_token": "x" * 8193}, 4406),
    ],
)
def test_a_login_that_lacks_something_is_answered_and_ended(data: Any, code: int, stranger: Any) -> None:
    say, end = stranger.receive({"type": "login", "id": 1, "data": data})
    answer = orjson.loads(say.payload)
    assert (answer["type"], answer["id"], answer["code"]) == ("login.error", 1, code)
    assert end == End(CloseReason.BAD_LOGIN)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_refused_login_ends_the_connection_unless_it_may_succeed_later(reason: Reason, stranger: Any) -> None:
    refused = Refused(reason, retry_after_ms=100)
    stranger.answer(LOGIN, refused)
    expected = None if reason in RETRY_LATER else CloseReason.BAD_LOGIN
    assert stranger.wire.after_reply(refused) is expected
    assert not stranger.wire.logged_in


def test_a_second_login_is_refused_and_changes_nothing(speaker: Any) -> None:
    (say,) = speaker.receive(LOGIN)
    assert speaker.heard(say)["code"] == 4005
    assert speaker.command("conv.get", conv_id=speaker.conv_id) == c.GetConversation(conversation=speaker.conv)


def test_a_second_login_already_on_its_way_is_refused_without_an_end(stranger: Any) -> None:
    first, second = stranger.submit(LOGIN), stranger.submit(LOGIN)
    stranger.wire.reply(first.request, stranger.logged_in())
    refused = Refused(Reason.NOT_ALLOWED)
    stranger.wire.reply(second.request, refused)
    assert stranger.wire.after_reply(refused) is None


def test_after_a_refusal_of_the_moment_the_same_connection_may_log_in(stranger: Any) -> None:
    stranger.answer(LOGIN, Refused(Reason.LOGIN_CONFLICT, retry_after_ms=500))
    stranger.answer(LOGIN, stranger.logged_in())
    assert stranger.wire.logged_in


@pytest.mark.parametrize("kind", [*REQUESTS, "ping"])
def test_a_request_before_login_is_answered_4003_and_the_connection_stays(kind: str, stranger: Any) -> None:
    (say,) = stranger.receive({"type": kind, "id": "x", "data": {}})
    answer = orjson.loads(say.payload)
    assert (answer["type"], answer["id"], answer["code"]) == (kind + ".error", "x", 4003)


# Frames that are no request

NONSENSE: list[tuple[bytes, int]] = [
    (b"", 4406),
    (b"{", 4406),
    (b"[]", 4406),
    (b"null", 4406),
    (b"{}", 4001),
    (b'{"type":null}', 4001),
    (b'{"type":5}', 4406),
    (b'{"type":["login"]}', 4406),
    (b'{"type":"dance"}', 4406),
    (b'{"type":"dance","type":"login"}', 4406),
    (b'{"type":"' + b"x" * 4000 + b'"}', 4406),
]


@pytest.mark.parametrize(("raw", "code"), NONSENSE)
def test_a_frame_that_is_no_request_is_an_error_and_before_login_the_end(raw: bytes, code: int, new_speaker: Any) -> None:
    speaker = new_speaker()
    (submit,) = speaker.wire.receive(raw, True, NOW)
    answer = speaker.heard(submit)
    assert (list(answer), answer["type"], answer["code"]) == (["type", "code", "msg"], "error", code)
    assert len(answer["msg"]) < 300
    say, end = NativeWire().receive(raw, True, NOW)
    assert isinstance(say, Say)
    assert orjson.loads(say.payload)["code"] == code
    assert end == End(CloseReason.BAD_LOGIN)


@pytest.mark.parametrize("number", [1.5, True, [], {}, "x" * 65])
def test_an_id_of_another_form_is_4406_and_not_echoed(number: Any, speaker: Any) -> None:
    answer = speaker.said({"type": "ping", "id": number})
    assert list(answer) == ["type", "code", "msg"]
    assert (answer["type"], answer["code"]) == ("ping.error", 4406)


@pytest.mark.parametrize("data", [[], "x", 1, True])
def test_data_that_is_no_object_is_4406(data: Any, speaker: Any) -> None:
    assert speaker.said({"type": "sync", "data": data})["code"] == 4406


@pytest.mark.parametrize("envelope", [{"type": "ping"}, {"type": "ping", "data": {}}, {"type": "ping", "data": None}])
def test_a_ping_is_answered_with_the_time(envelope: Any, speaker: Any) -> None:
    assert speaker.said(envelope) == {"type": "ping.success", "msg": "success", "data": {"time": speaker.now}}
    assert speaker.said(envelope | {"id": 4})["id"] == 4


def test_the_server_pings_with_a_bare_type(speaker: Any) -> None:
    assert speaker.read(speaker.wire.probe()) == {"type": "ping"}


# Encodings


def test_the_first_frame_settles_the_encoding_of_all_answers(new_speaker: Any) -> None:
    speaker = new_speaker()
    (say,) = speaker.wire.receive(cbor2.dumps({"type": "ping"}), False, NOW)
    assert orjson.loads(say.payload)["type"] == "ping.success"
    binary = new_speaker(text=False)
    assert binary.wire.text is False
    (say,) = binary.wire.receive(b'{"type":"ping"}', True, NOW)
    assert cbor2.loads(say.payload)["type"] == "ping.success"


def test_an_unreadable_first_frame_settles_it_too() -> None:
    wire = NativeWire()
    say = wire.receive(b"\xff", False, NOW)[0]
    assert isinstance(say, Say)
    assert cbor2.loads(say.payload)["type"] == "error"


def test_the_framed_transport_is_cbor_whatever_it_is_told() -> None:
    wire = NativeWire(framed=True)
    assert wire.text is False
    (submit,) = wire.receive(cbor2.dumps(LOGIN), True, NOW)
    assert isinstance(submit, Submit)


def test_pushes_are_shared_by_connections_of_one_encoding(new_speaker: Any) -> None:
    one, two, other = new_speaker(), new_speaker(), new_speaker(text=False)
    assert one.wire.push_key() == two.wire.push_key() != other.wire.push_key()
    push = ConversationJoined(app="666666", conversation=one.conv, by="a")
    assert one.wire.push(push) == two.wire.push(push)


def test_a_push_speaks_the_ids_of_its_own_app(speaker: Any) -> None:
    mine = speaker.pushed(ConversationJoined(app="666666", conversation=speaker.conv, by="a"))
    other = speaker.pushed(ConversationJoined(app="777777", conversation=speaker.conv, by="a"))
    assert mine["data"]["conv_id"] != other["data"]["conv_id"]


# Endings


def test_a_logout_ends_the_connection_after_its_answer(speaker: Any) -> None:
    done = c.Done(time_ms=5)
    assert speaker.data({"type": "logout"}, done) == {"time": 5}
    assert speaker.wire.after_reply(done) is CloseReason.LOGOUT


def test_an_answer_behind_a_logout_that_was_refused_ends_nothing(speaker: Any) -> None:
    refused = Refused(Reason.GOING_AWAY)
    speaker.answer({"type": "logout"}, refused)
    assert speaker.wire.after_reply(refused) is None
    speaker.data({"type": "friend.list"}, c.FriendList(friends=[]))
    assert speaker.wire.after_reply(c.FriendList(friends=[])) is None


@pytest.mark.parametrize("word", ["replaced", "kicked", "banned", "deleted"])
def test_who_is_sent_away_hears_why(word: str, speaker: Any) -> None:
    reason = CloseReason[word.upper()]
    farewell = speaker.wire.farewell(Ending(reason=reason), NOW)
    assert [speaker.read(payload) for payload in farewell.payloads] == [
        {"type": "logout.kick", "msg": "error", "data": {"time": NOW, "reason": word}}
    ]
    assert (farewell.code, farewell.text, farewell.seconds) == (reason.code, word, 2.0)


def test_a_kick_names_the_newcomers_device_and_the_words_of_who_kicked(speaker: Any) -> None:
    ending = Ending(reason=CloseReason.KICKED, device="", text="spam")
    (payload,) = speaker.wire.farewell(ending, NOW).payloads
    assert speaker.read(payload)["data"] == {"time": NOW, "reason": "kicked", "device_id": "", "text": "spam"}


def test_before_a_restart_the_time_to_come_back_is_told(speaker: Any) -> None:
    farewell = speaker.wire.farewell(Ending(reason=CloseReason.GOING_AWAY, retry_after_ms=750), NOW)
    (payload,) = farewell.payloads
    assert speaker.read(payload) == {"type": "going.away", "data": {"retry_after_ms": 750}}
    assert farewell.code == 4501


def test_a_continued_session_leaves_without_a_word(speaker: Any) -> None:
    for reason in (CloseReason.CONTINUED, CloseReason.GONE):
        assert speaker.wire.farewell(Ending(reason=reason), NOW) == Farewell(payloads=(), code=None, text="", seconds=0.0)


@pytest.mark.parametrize("reason", list(CloseReason))
def test_every_ending_has_a_farewell_also_before_the_first_frame(reason: CloseReason) -> None:
    farewell = NativeWire().farewell(Ending(reason=reason), NOW)
    assert farewell.code == reason.code
    assert len(farewell.text.encode()) <= 123  # RFC 6455 section 5.5.1


# Whatever comes in

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "0", "1", "null", "[]", "bob", "0" * 32, "11", "=", "conv_id", "ctime", "in"])
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
FIELDS = (
    "app_id client_id device_id platform tag install_id ext token password session_token conv_id to type text attr url"
    " transient no_sync mention_all mention_client_ids client_msg_id receipt priority push_data before after limit seq"
    " msg_id cursor conv_type to_client_ids conv_extend name unique page size where client_ids ttl attributes"
).split()
ENVELOPES = st.fixed_dictionaries(
    {"type": st.sampled_from([*REQUESTS, "login", "ping", "x"])},
    optional={
        "id": LEAVES,
        "data": JSON
        | st.dictionaries(st.sampled_from(FIELDS), JSON | st.lists(st.lists(LEAVES, max_size=3), max_size=2), max_size=8),
    },
)


def check_legal(wire: NativeWire, raw: bytes, text: bool) -> None:
    inbound = wire.receive(raw, text, NOW)
    kinds = [type(one) for one in inbound]
    assert kinds in ([Submit], [Say], [Say, End]), inbound
    assert not (wire.logged_in and End in kinds)
    for one in inbound:
        if isinstance(one, Say):
            answer = orjson.loads(one.payload) if wire.text else cbor2.loads(one.payload)
            assert isinstance(answer["type"], str)
            if "code" in answer:
                assert isinstance(answer["code"], int)
                assert answer["msg"]
        elif isinstance(one, Submit):
            assert isinstance(one.command, c.Command)
            assert wire.reply(one.request, Refused(Reason.OVERLOADED))


@given(raw=st.binary(max_size=80), text=st.booleans())
def test_any_bytes_get_a_legal_answer(raw: bytes, text: bool) -> None:
    check_legal(NativeWire(), raw, text)
    check_legal(logged_in_wire(text), raw, text)


@given(value=JSON | ENVELOPES, text=st.booleans())
def test_any_json_value_gets_a_legal_answer(value: object, text: bool) -> None:
    raw = orjson.dumps(value) if text else cbor2.dumps(value)
    check_legal(NativeWire(), raw, text)
    check_legal(logged_in_wire(text), raw, text)


def logged_in_wire(text: bool) -> NativeWire:
    wire = NativeWire()
    (submit,) = wire.receive(orjson.dumps(LOGIN) if text else cbor2.dumps(LOGIN), text, NOW)
    assert isinstance(submit, Submit)
    wire.reply(
        submit.request,
        c.LoggedIn(time_ms=1, app="666666", user="1111", device="", session_token="", frames_per_second=0),
    )
    return wire
