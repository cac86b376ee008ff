"""The door for foreign JSON and CBOR: what passes one reader passes through every writer, everything else is refused."""

from __future__ import annotations

import json

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
@pytest.mark.F30
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


HOSTILE_CBOR = {
    "more items said than there are": "9bffffffffffffffff bbffffffffffffffff",
    "more bytes said than there are": "7bffffffffffffffff 5b7f7f7f7f7f7f7f7f 7b0000002000000000616263",
    "something behind it": "0102 a000",
    "byte strings": "4161 40",
    "undefined and simple values": "f7 f0 f8ff f818",
    "not finite": "f97e00 f97c00 faff800000 fbfff0000000000000",
    "not within 64 bits": "1bffffffffffffffff 1b8000000000000000 3b8000000000000000 3bffffffffffffffff",
    "a number in a byte string": "c249010000000000000000",
    "a key twice": "a2616101616102",
    "keys that are no text": "a10102 a1416102 a1f602 a18002",
    "length left open": "9f01ff bf616101ff 7f6161ff",
    "not an item": "ff 1f 1c",
    "not UTF-8": "62ffff 63eda080",
    "an array that contains itself": "d81c81d81d00 d81d00",
    "other tags": "d9d9f701 dbffffffffffffffff01 a16161d903e901",
}
"""What is wrong with them -> documents in hexadecimal (RFC 8949)."""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x81" * 10_000 + b"\x01",
        b"\x81" * 100_000,
        b"\xa1\x61a" * 100_000,
        b"\xbf" * 100_000,
        cbor2.dumps(nested(DEEPEST + 1)),
        *(
            pytest.param(bytes.fromhex(each), id=f"{wrong}: {each}")
            for wrong, documents in HOSTILE_CBOR.items()
            for each in documents.split()
        ),
    ],
)
@pytest.mark.F30
def test_hostile_cbor_is_refused_in_a_sentence(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        read_cbor(raw)


@pytest.mark.parametrize("tag", [*range(0, 300), 1004, 43000, 55799, 55800, 2**32, 2**63])
@pytest.mark.F30
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
