"""Rich text: whatever LeanCloud says comes back letter for letter, and what others say reads the same on both sides."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.records import Message, Status
from protocol.richtext import RECALLED, binary_body_of, binary_of, binary_patch_of, body_of, patch_of, string_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e6, 1e6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
TYPES = st.integers(-6, -1) | st.integers(-(2**31), 2**31 - 1)
DOCUMENTS = st.fixed_dictionaries(
    {"_lctype": TYPES},
    optional={
        "_lctext": JSON,
        "_lcattrs": JSON,
        "_lcfile": JSON | st.fixed_dictionaries({"url": TEXTS}, optional={"name": TEXTS, "size": st.integers(0, 9)}),
        "_lcloc": JSON | st.fixed_dictionaries({"latitude": st.floats(-90, 90), "longitude": st.integers(-180, 180)}),
        "other": JSON,
    },
)
PLACES = st.fixed_dictionaries({"latitude": st.floats(-90, 90), "longitude": st.floats(-180, 180)}, optional={"a": JSON})


def message(kind: int, body: bytes, status: int = 1) -> Message:
    return Message(id=1, conversation=2, seq=3, sender="tom", type=kind, body=body, status=status)


def read(string: str) -> tuple[int, dict[str, Any]]:
    kind, body = body_of(string)
    return kind, orjson.loads(body)


@pytest.mark.parametrize(
    ("string", "kind", "said"),
    [
        ("hello", -1, {"text": "hello"}),
        ("", -1, {"text": ""}),
        ('{"_lctype":-1,"_lctext":"hi"}', -1, {"text": "hi"}),
        ('{"_lctype":-1,"_lctext":"hi","_lcattrs":{"a":1}}', -1, {"text": "hi", "attr": {"a": 1}}),
        (
            ' {"_lctype": -2, "_lctext": "pic", "_lcfile": {"url": "http://x/y.png", "objId": "5", "metaData": {}}}',
            -2,
            {"text": "pic", "url": "http://x/y.png"},
        ),
        (
            '{"_lctype":-5,"_lcloc":{"latitude":31.2,"longitude":121},"_lcattrs":{"name":"Bund"}}',
            -5,
            {"attr": {"name": "Bund", "latitude": 31.2, "longitude": 121}},
        ),
        ('{"_lctype":-5,"_lcloc":{"latitude":"north"}}', -5, {}),
        ('{"_lctype":-5,"_lcloc":{"latitude":1,"longitude":2},"_lcattrs":[1]}', -5, {"attr": [1]}),
        ('{"_lctype":12,"_lctext":5,"_lcfile":{"url":5}}', 12, {}),
        ('{"_lctype":"-1","_lctext":"x"}', -1, {"text": '{"_lctype":"-1","_lctext":"x"}'}),
        ('{"_lctype":true}', -1, {"text": '{"_lctype":true}'}),
        ('{"_lctype":-1.5}', -1, {"text": '{"_lctype":-1.5}'}),
        ('{"_lctype":99999999999}', -1, {"text": '{"_lctype":99999999999}'}),
        ('{"_lctype":-2,"_lctype":-1}', -1, {"text": '{"_lctype":-2,"_lctype":-1}'}),
        ('{"a":1}', -1, {"text": '{"a":1}'}),
        ("[1]", -1, {"text": "[1]"}),
        ('{"_lctype":-1,"_lcattrs":' + "[" * 50 + "]" * 50 + "}", -1, None),
    ],
)
def test_what_a_string_says(string: str, kind: int, said: dict[str, Any] | None) -> None:
    wanted = {"text": string} if said is None else said
    assert read(string) == (kind, {**wanted, "lc": string})
    assert string_of(message(*body_of(string))) == string


@given(TEXTS | DOCUMENTS.map(json.dumps) | JSON.map(json.dumps))
def test_what_leancloud_says_comes_back_letter_for_letter(string: str) -> None:
    kind, body = body_of(string)
    assert string_of(message(kind, body)) == string
    said = orjson.loads(body)
    assert set(said) <= {"text", "attr", "url", "lc"}
    assert isinstance(said.get("text", ""), str)
    assert isinstance(said.get("url", ""), str)


FIELDS = st.tuples(
    st.sampled_from(['"_lctype"', '"_lctext"', '"_lctext"', '"_lcattrs"', '"_lct\\u0065xt"', '"_lctext:"']),
    st.sampled_from(
        ["-1", "-1", "-2", "-1.0", "-1e0", "-0", '"-1"', "null", '"a:"', '":"', '"\\u003a"', '"\\ud800"', '"\\n"', '"\n"']
    ),
)


@given(st.lists(FIELDS, max_size=4), st.sampled_from(["", " ", "\n", "\x0b", "a"]), TEXTS)
@example([('"_lctext"', '":"'), ('"_lctype"', "-1"), ('"_lctext"', '"a"')], "", "")
@example([('"_lctext"', '"a"'), ('"_lctype"', "-1"), ('"_lctext"', '":"')], "", "")
def test_a_text_is_read_in_one_step_as_it_would_be_in_many(fields: list[tuple[str, str]], odd: str, text: str) -> None:
    """`patch_of` always reads the long way."""
    for string in (
        odd + "{" + ",".join(f"{key}{odd}:{value}" for key, value in fields) + "}" + odd,
        json.dumps({"_lctype": -1, "_lctext": text}, ensure_ascii=bool(odd)),
    ):
        kind, body = patch_of(string)
        assert read(string) == (kind, {key: value for key, value in orjson.loads(body).items() if value is not None})


@given(kind=TYPES, text=st.none() | TEXTS, attr=JSON | PLACES, url=st.none() | TEXTS)
def test_what_others_say_reads_the_same_on_both_sides(kind: int, text: str | None, attr: Any, url: str | None) -> None:
    said = {key: value for key, value in (("text", text), ("attr", attr), ("url", url)) if value not in (None, "")}
    string = string_of(message(kind, orjson.dumps(said)))
    again, back = read(string)
    assert again == kind
    del back["lc"]
    if kind == -1:
        said.setdefault("text", "")
    assert back == said


def test_a_text_of_another_wire_is_rich_text() -> None:
    assert string_of(message(-1, b'{"text":"hi","attr":{"a":1}}')) == '{"_lctype":-1,"_lctext":"hi","_lcattrs":{"a":1}}'
    assert string_of(message(-2, b'{"url":"http://x"}')) == '{"_lctype":-2,"_lcfile":{"url":"http://x"}}'
    assert string_of(message(-1, b"{}")) == '{"_lctype":-1,"_lctext":""}'
    where = string_of(message(-5, b'{"attr":{"latitude":1.5,"longitude":2.5}}'))
    assert where == '{"_lctype":-5,"_lcloc":{"latitude":1.5,"longitude":2.5}}'


@pytest.mark.parametrize("status", [Status.RECALLED, Status.DELETED])
def test_what_was_taken_back_is_minus_127(status: Status) -> None:
    assert string_of(message(-1, b"{}", status)) == RECALLED
    assert json.loads(RECALLED)["_lctype"] == -127


def merged(body: bytes, edit: bytes) -> bytes:
    """As the hub edits."""
    both = {**orjson.loads(body), **orjson.loads(edit)}
    return orjson.dumps({key: value for key, value in both.items() if value is not None})


@given(before=TEXTS | DOCUMENTS.map(json.dumps), after=TEXTS | DOCUMENTS.map(json.dumps))
def test_an_edit_by_leancloud_leaves_nothing_of_what_was_there(before: str, after: str) -> None:
    _, body = body_of(before)
    kind, edit = patch_of(after)
    edited = message(kind, merged(body, edit))
    assert string_of(edited) == after
    assert (kind, orjson.loads(edited.body)) == read(after)


def test_an_edit_by_leancloud_of_what_another_wire_said() -> None:
    kind, edit = patch_of('{"_lctype":-1,"_lctext":"new"}')
    body = orjson.loads(merged(b'{"text":"old","attr":{"a":1},"url":"u"}', edit))
    assert (kind, body) == (-1, {"text": "new", "lc": '{"_lctype":-1,"_lctext":"new"}'})


@given(DOCUMENTS, TEXTS)
def test_an_edit_elsewhere_is_seen_and_the_rest_of_the_original_stays(document: dict[str, Any], text: str) -> None:
    kind, body = body_of(json.dumps(document))
    string = string_of(message(kind, merged(body, orjson.dumps({"text": text}))))
    again, back = read(string)
    assert again == kind
    assert back["text"] == text
    assert back.get("attr") == read(json.dumps(document))[1].get("attr")
    if "other" in document:
        assert json.loads(string)["other"] == document["other"]


@pytest.mark.parametrize("form", ['{"_lctype":-1,"_lctext":%s}', '{"_lctext":%s,"_lctype":-1}'])
@given(TEXTS, TEXTS)
def test_a_text_as_sdks_write_it_comes_back_until_it_is_edited(form: str, text: str, edited: str) -> None:
    string = form % orjson.dumps(text).decode()
    kind, body = body_of(string)
    assert string_of(message(kind, body)) == string
    again = string_of(message(kind, merged(body, orjson.dumps({"text": edited}))))
    assert json.loads(again) == {"_lctype": -1, "_lctext": edited}


def test_an_edit_elsewhere_keeps_the_file_but_not_another_files_data() -> None:
    kind, body = body_of('{"_lctype":-2,"_lctext":"a","_lcfile":{"url":"u","name":"n"}}')
    edited = json.loads(string_of(message(kind, merged(body, b'{"text":"b"}'))))
    assert edited == {"_lctype": -2, "_lctext": "b", "_lcfile": {"url": "u", "name": "n"}}
    edited = json.loads(string_of(message(kind, merged(body, b'{"url":"v"}'))))
    assert edited["_lcfile"] == {"url": "v"}


def test_a_plain_string_edited_elsewhere_stays_plain_while_it_can() -> None:
    kind, body = body_of("old")
    assert string_of(message(kind, merged(body, b'{"text":"new"}'))) == "new"
    edited = json.loads(string_of(message(kind, merged(body, b'{"attr":1}'))))
    assert edited == {"_lctype": -1, "_lctext": "old", "_lcattrs": 1}


@given(st.binary(max_size=300))
def test_bytes_come_back_as_they_were_and_text_said_since_is_text(data: bytes) -> None:
    kind, body = binary_body_of(data)
    said = message(kind, body)
    assert binary_of(said) == data
    assert string_of(said) == base64.b64encode(data).decode()
    assert binary_of(message(kind, body, Status.RECALLED)) is None
    changed, patch = patch_of("now text")
    merged = {key: value for key, value in {**orjson.loads(body), **orjson.loads(patch)}.items() if value is not None}
    assert binary_of(message(changed, orjson.dumps(merged))) is None
    assert string_of(message(changed, orjson.dumps(merged))) == "now text"
    kind, patch = binary_patch_of(data)
    merged = {key: value for key, value in {**merged, **orjson.loads(patch)}.items() if value is not None}
    assert binary_of(message(kind, orjson.dumps(merged))) == data
