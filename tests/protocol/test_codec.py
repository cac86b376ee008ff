"""The door for foreign JSON and CBOR: what passes one reader passes through every writer, everything else is refused."""

from __future__ import annotations

import json
import math
import struct

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.codec import DEEPEST, INT_MAX, INT_MIN, Unreadable, is_name, read_cbor, read_json, write_cbor, write_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["", ":", "a:b", "\x00", "\\u"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> object:
    value: object = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@given(VALUES)
def test_what_is_json_data_passes_both_readers_and_writers_unchanged(value: object) -> None:
    assert read_json(write_json(value)) == value
    assert read_cbor(write_cbor(value)) == value


@given(VALUES)
def test_escaped_and_indented_spellings_are_the_same_document(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, indent=1, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60) | VALUES.map(write_cbor) | VALUES.map(write_json))
def test_bytes_are_read_or_refused_and_what_is_read_can_be_written_both_ways(raw: bytes) -> None:
    for read in (read_json, read_cbor):
        try:
            value = read(raw)
        except Unreadable:
            continue
        assert read_json(write_json(value)) == value
        assert read_cbor(write_cbor(value)) == value


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "a:", ":", "c", ""]), st.sampled_from(['":"', "1", '"x"', "{}"]))))
def test_the_fast_test_for_twin_keys_agrees_with_the_definition(pairs: list[tuple[str, str]]) -> None:
    for spell in (json.dumps, lambda key: '"' + "".join(f"\\u{ord(letter):04x}" for letter in key) + '"'):
        raw = ("{" + ",".join(f"{spell(key)}:{value}" for key, value in pairs) + "}").encode()
        if len({key for key, _ in pairs}) == len(pairs):
            read_json(raw)
        else:
            with pytest.raises(Unreadable, match="twice"):
                read_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"[" * 10_000,
        b"[" * 100_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 100_000,
        b"NaN",
        b"Infinity",
        b"[-Infinity]",
        b"1e999",
        b"-1e999",
        b"9223372036854775808",
        b"-9223372036854775809",
        b"18446744073709551616",
        b'{"a":[100000000000000000000000000]}',
        b"1" * 5000,
        b"[" + b"1" * 300 + b"]",
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'{"\\u0061":":","a":":"}',
        b'{"a":{"b":1,"b":2},"c":":"}',
        b'{"a":' + b"[" * 1000 + b"]" * 1000 + b',"a":1}',
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\xc0\x80"',
        b"1 2",
        b"{}{}",
        b"{}x",
        b'"\x01"',
        b"\xef\xbb\xbf{}",
        b"{'a':1}",
        b"[1,]",
        b"01",
        b"\x00",
        "{}".encode("utf-16"),
        write_json(nested(DEEPEST + 1)),
    ],
)
def test_hostile_json_is_refused_in_a_sentence(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        read_json(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"9223372036854775807", INT_MAX),
        (b"-9223372036854775808", INT_MIN),
        (b"[1e19]", [1e19]),
        (b"9223372036854775808.0", 2.0**63),
        (b"1e308", 1e308),
        (b'{"a":"x:y::","b":":"}', {"a": "x:y::", "b": ":"}),
        (b'{"a":"\\u003a"}', {"a": ":"}),
        (b'{"a":"\\u003a","b:":1}', {"a": ":", "b:": 1}),
        (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
        (b' {"a" : null } \n', {"a": None}),
        (b'"\\u0000"', "\x00"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (write_json(nested(DEEPEST)), nested(DEEPEST)),
    ],
)
def test_json_at_the_edge_of_the_law_is_read(raw: bytes, value: object) -> None:
    assert read_json(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x81" * 10_000 + b"\x01",
        b"\x81" * 100_000,
        b"\xa1\x61a" * 100_000,
        b"\xbf" * 100_000,
        cbor2.dumps(nested(DEEPEST + 1)),
        b"\x9b" + b"\xff" * 8,
        b"\xbb" + b"\xff" * 8,
        b"\x7b" + b"\xff" * 8,
        b"\x5b" + b"\x7f" * 8,
        b"\x7b\x00\x00\x00\x20\x00\x00\x00\x00abc",
        b"\x01\x02",
        b"\xa0\x00",
        b"\x41a",
        b"\x40",
        b"\xf7",
        b"\xf0",
        b"\xf8\xff",
        b"\xf8\x18",
        b"\xf9\x7e\x00",
        b"\xf9\x7c\x00",
        b"\xfa\xff\x80\x00\x00",
        b"\xfb" + struct.pack(">d", -math.inf),
        b"\x1b" + b"\xff" * 8,
        b"\x1b\x80" + b"\x00" * 7,
        b"\x3b\x80" + b"\x00" * 7,
        b"\x3b" + b"\xff" * 8,
        b"\xc2\x49\x01" + b"\x00" * 8,
        b"\xa2\x61a\x01\x61a\x02",
        b"\xa1\x01\x02",
        b"\xa1\x41a\x02",
        b"\xa1\xf6\x02",
        b"\xa1\x80\x02",
        b"\x9f\x01\xff",
        b"\xbf\x61a\x01\xff",
        b"\x7f\x61a\xff",
        b"\xff",
        b"\x1f",
        b"\x1c",
        b"\x62\xff\xff",
        b"\x63\xed\xa0\x80",
        b"\xd8\x1c\x81\xd8\x1d\x00",  # an array that contains itself (tags 28 and 29)
        b"\xd8\x1d\x00",
        b"\xd9\xd9\xf7\x01",
        b"\xdb" + b"\xff" * 8 + b"\x01",
        b"\xa1\x61a\xd9\x03\xe9\x01",
    ],
)
def test_hostile_cbor_is_refused_in_a_sentence(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        read_cbor(raw)


@pytest.mark.parametrize("tag", [*range(0, 300), 1004, 43000, 55799, 55800, 2**32, 2**63])
def test_no_tag_whatever_its_content_passes(tag: int) -> None:
    head = cbor2.dumps(cbor2.CBORTag(tag, 0))[:-1]
    for content in (b"\x00", b"\x61a", b"\x41a", b"\x80", b"\xa0", b"\x82\x01\x02"):
        with pytest.raises(Unreadable):
            read_cbor(head + content)


@pytest.mark.parametrize("value", [INT_MAX, INT_MIN, nested(DEEPEST), "\x00", 2.0**64, 1.5, -0.0])
def test_cbor_at_the_edge_of_the_law_is_read(value: object) -> None:
    assert read_cbor(cbor2.dumps(value)) == value


def test_an_ordinary_document_never_takes_the_slow_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(raw: bytes) -> None:
        raise AssertionError(raw)

    monkeypatch.setattr(codec, "_read_slowly", refuse)
    read_json(b'{"type":"msg.send","data":{"text":"see https://a.example:80/ and 12:30","url":"http://b"}}')
    read_json(b'{"text":"\\u4f60\\u597d","n":1.5}')


@pytest.mark.parametrize(
    ("text", "most", "fits"),
    [
        ("alice", 5, True),
        ("alice", 4, False),
        ("", 4, False),
        ("a b", 9, True),
        ("李\u00a0莎\u200b", 9, True),
        ("a\nb", 9, False),
        ("a\x00", 9, False),
        ("a\x7f", 9, False),
        ("a\x85", 9, False),
        ("a\ud800", 9, False),
    ],
)
def test_a_name_is_short_and_without_control_characters(text: str, most: int, fits: bool) -> None:
    assert is_name(text, most) is fits


def test_the_writer_refuses_what_is_not_json() -> None:
    with pytest.raises(TypeError):
        write_json({"a": b"x"})
    assert orjson.loads(write_json({"a": (1,)})) == {"a": [1]}
