"""Sends and logins read in one step: the same command as the long way makes, or left to it (ZD-09, ZD-03)."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.codec import Unreadable, read_json
from protocol.ids import IdForms
from protocol.wires.native.ids import AppIds
from protocol.wires.native.plain import MARK, read_plain_login, read_plain_send
from protocol.wires.native.replies import Asked
from protocol.wires.native.requests import REQUESTS, login
from protocol.wires.native.wire import _request_id
from protocol.wires.wire import Submit

APP = "666666"
CONVERSATION = 1_608_126_111_686
ID = IdForms(APP).hex32(CONVERSATION)
IDS = AppIds(APP)

TEXTS = st.sampled_from(["", "a", ":", "http://a:1", '"', "\\", "\n", "\x7f", "é:", "x" * 65, ID, "msg.send"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=6
)
ODD = st.none() | st.booleans() | st.sampled_from([0, -1, -6, -7, 1, 2**31, 2**63, -(2**64), 1.0, 1e300, [], {}, {"a": [1]}])
ESCAPED = st.sampled_from(["\\u003a", "a\\u003ab", "\\ud800", "\\/", "\\x", "\x01"]).map(lambda text: f'"{text}"')


def spelt(values: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    """Values as JSON text, in both spellings of what is not ASCII, or some text that may be none."""
    return st.builds(lambda value, plain: json.dumps(value, ensure_ascii=plain), values, st.booleans()) | ESCAPED


def object_of(fields: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    """Any of the fields in any order, some twice, some that are none of ours."""
    pair = st.sampled_from(sorted(fields)).flatmap(lambda name: st.tuples(st.just(name), fields[name]))
    return st.lists(pair, max_size=len(fields) + 1).map(joined)


def joined(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f'"{name}":{value}' for name, value in pairs) + "}"


def whole(fields: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    """All of the fields, once each."""
    return st.permutations(sorted(fields)).flatmap(lambda order: st.tuples(*(fields[name] for name in order)).map(
        lambda values: joined(list(zip(order, values, strict=True)))
    ))  # fmt: skip


FLAG = st.sampled_from(["0", "1", '"0"', '"1"', "true", "false"])
PLAIN = {
    "conv_id": st.just(json.dumps(ID)),
    "type": st.sampled_from(["-1", "7"]),
    "text": spelt(TEXTS),
    "client_msg_id": spelt(TEXTS),
    "transient": FLAG,
    "receipt": FLAG,
}
LOOSE = {
    "conv_id": spelt(st.just(ID) | TEXTS),
    "to": spelt(TEXTS | ODD),
    "type": spelt(st.just(-1) | ODD),
    "text": spelt(TEXTS | ODD),
    "client_msg_id": spelt(TEXTS | ODD),
    "transient": FLAG | spelt(TEXTS | ODD),
    "receipt": FLAG | spelt(TEXTS | ODD),
    "attr": spelt(ODD),
    "t\\u0065xt": spelt(TEXTS),
}
PLACELESS = {name: value for name, value in PLAIN.items() if name != "conv_id"}
DATA = whole(PLAIN) | whole(PLACELESS | {"to": spelt(TEXTS)}) | object_of(LOOSE)
FRAME = {"type": st.just('"msg.send"'), "id": spelt(TEXTS | ODD), "data": DATA}
FRAMES = whole(FRAME) | object_of(FRAME | {"msg": spelt(ODD)})


LOGIN = dict.fromkeys(
    ("app_id", "client_id", "device_id", "platform", "tag", "install_id", "token", "password", "session_token"), spelt(TEXTS)
)
LOGIN_LOOSE = dict.fromkeys(LOGIN, spelt(TEXTS | ODD)) | {"ext": spelt(ODD), "t\\u0061g": spelt(TEXTS)}
NAMED = dict.fromkeys(("app_id", "client_id"), st.sampled_from(['"a"', '"a:b"']))
LOGIN_FRAME = {
    "type": st.just('"login"'),
    "id": spelt(TEXTS | ODD),
    "data": whole(LOGIN | NAMED) | whole(NAMED) | object_of(LOGIN_LOOSE),
}
LOGINS = whole(LOGIN_FRAME) | object_of(LOGIN_FRAME | {"msg": spelt(ODD)})


def the_long_way(raw: bytes, kind: str = "msg.send") -> Submit:
    """The request of a frame, or what the codec and the parsers raise."""
    frame = read_json(raw)
    assert isinstance(frame, dict)
    number, data = _request_id(frame), frame["data"]
    assert frame["type"] == kind
    command = login(data, "upgrade's") if kind == "login" else REQUESTS[kind](data, IDS)
    return Submit(Asked(kind, number), command)


@given(FRAMES.map(str.encode))
@example(b'{"type":"msg.send","data":{"conv_id":"%s","type":-1,"text":"b:c","text":"a"}}' % ID.encode())
@example(b'{"type":"msg.send","data":{"conv_id":"%s","type":-1,"text":"b","text":"a:"}}' % ID.encode())
@example(b'{"type":"msg.send","data":{"conv_id":"%s","type":-1,"text":"b","text":"\\u003a"}}' % ID.encode())
def test_zd09_what_is_read_in_one_step_is_what_the_long_way_reads(raw: bytes) -> None:
    found = read_plain_send(raw, IDS)
    if found is not None:
        assert found == the_long_way(raw)
        assert MARK in raw


@given(whole(FRAME | {"id": st.sampled_from(['"a"', "5"]), "data": whole(PLAIN)}).map(str.encode), st.data())
def test_zd09_a_broken_frame_is_not_read_in_one_step(raw: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(raw) - 1))
    broken = raw[:at] + bytes([draw.draw(st.integers(0, 255))]) + raw[at + draw.draw(st.integers(0, 1)) :]
    found = read_plain_send(broken, IDS)
    if found is not None:
        assert found == the_long_way(broken)


@given(LOGINS.map(str.encode))
@example(b'{"type":"login","data":{"app_id":"a","client_id":"b","tag":"b:c","tag":"a"}}')
@example(b'{"type":"login","data":{"app_id":"a","client_id":"b","tag":"","tag":"a"}}')
@example(b'{"type":"login","id":"a:b","data":{"app_id":"a","client_id":"b","client_id":"a"}}')
def test_zd03_a_login_read_in_one_step_is_what_the_long_way_reads(raw: bytes) -> None:
    found = read_plain_login(raw, "upgrade's")
    if found is not None:
        assert found == the_long_way(raw, "login")


@given(whole(LOGIN_FRAME | {"id": st.just("5"), "data": whole(LOGIN | NAMED)}).map(str.encode), st.data())
def test_zd03_a_broken_login_is_not_read_in_one_step(raw: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(raw) - 1))
    broken = raw[:at] + bytes([draw.draw(st.integers(0, 255))]) + raw[at + draw.draw(st.integers(0, 1)) :]
    found = read_plain_login(broken, "upgrade's")
    if found is not None:
        assert found == the_long_way(broken, "login")


@pytest.mark.parametrize("number", [None, 5, "a:b"])
@pytest.mark.parametrize("more", [{}, {"token": "a.b.c"}, {"password": "p:q", "device_id": "d", "tag": "t"}])
def test_zd03_plain_logins_are_read_in_one_step(more: dict[str, str], number: int | str | None) -> None:
    frame = {"type": "login", "data": {"app_id": "a", "client_id": "zw\u00f6lf"} | more}
    raw = json.dumps(frame if number is None else frame | {"id": number}, ensure_ascii=False).encode()
    assert read_plain_login(raw, "upgrade's") is not None


@pytest.mark.parametrize("text", ["hello", "see http://a:1", 'say "hello"', "", "zwölf\n"])
@pytest.mark.parametrize("number", [None, 5, "a:b"])
@pytest.mark.parametrize("flags", [{}, {"transient": True}, {"receipt": "1", "transient": 0}])
@pytest.mark.parametrize("place", [{"conv_id": ID}, {"to": "zw\u00f6lf:12"}])
def test_zd09_plain_sends_are_read_in_one_step(
    place: dict[str, str], text: str, number: int | str | None, flags: dict[str, object]
) -> None:
    frame = {"type": "msg.send", "data": place | {"type": 1, "text": text, "client_msg_id": "a1"} | flags}
    raw = json.dumps(frame if number is None else frame | {"id": number}, ensure_ascii=False).encode()
    doubtful = "\\" in raw.decode() and (number == "a:b" or "to" in place)
    never_met = AppIds(APP)
    assert (read_plain_send(raw, never_met) is None) == doubtful


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, "x" * 65, True, None, 1.0, [1]])
def test_odd_request_ids_are_left_to_the_long_way(number: object) -> None:
    frame = {"type": "msg.send", "id": number, "data": {"conv_id": ID, "type": 1, "text": "a"}}
    assert read_plain_send(json.dumps(frame).encode(), IDS) is None
    frame |= {"type": "login", "data": {"app_id": "a", "client_id": "b"}}
    assert read_plain_login(json.dumps(frame).encode(), "") is None


def test_what_the_codec_refuses_is_refused_the_long_way() -> None:
    """The reference of this file is one: it refuses."""
    with pytest.raises(Unreadable):
        the_long_way(b'{"type":"msg.send","type":"msg.send","data":{}}')
