"""MaxLeap's content and our messages, both ways (ML-47)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.media import LARGEST, Content, body_of, content_of
from protocol.records import Message
from protocol.richtext import binary_body_of as leancloud_bytes
from protocol.richtext import body_of as leancloud_body


def message(kind: int, body: bytes) -> Message:
    return Message(id=1, conversation=2, seq=1, sender="tom", type=kind, body=body)


def shown(kind: int, **body: Any) -> Content:
    return content_of(message(kind, orjson.dumps(body)))


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        (Content(0, "hello all!"), -1, {"text": "hello all!"}),
        (Content(1, "http://h/a.png"), -2, {"url": "http://h/a.png"}),
        (Content(2, "http://h/a.mp3"), -3, {"url": "http://h/a.mp3"}),
        (Content(3, "http://h/a.mp4"), -4, {"url": "http://h/a.mp4"}),
        (Content(7, "{}"), 7, {"text": "{}"}),
        (Content(0, "hello", "r"), -1, {"text": "hello", "attr": {"remark": "r"}}),
    ],
)
def test_what_maxleap_says(content: Content, kind: int, body: dict[str, object]) -> None:
    made = body_of(content)
    assert (made[0], orjson.loads(made[1])) == (kind, body)


@given(
    st.builds(
        Content,
        st.integers(0, LARGEST),
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
        st.text(st.characters(exclude_categories=("Cs",))),
    )
)
def test_what_maxleap_says_comes_back_the_same(content: Content) -> None:
    assert content_of(message(*body_of(content))) == content


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (-1, {"text": "words", "attr": {"a": 1}}, Content(0, "words")),
        (-2, {"url": "u", "text": "caption"}, Content(1, "u")),
        (-3, {"text": "no file"}, Content(0, "no file")),
        (-5, {"attr": {"latitude": 1.5, "longitude": 2}}, Content(0, '{"latitude":1.5,"longitude":2}')),
        (-6, {"url": "u", "text": "name.pdf"}, Content(0, "u")),
        (1, {"attr": {"msg_type": "custom"}}, Content(0, '{"msg_type":"custom"}')),
        (9, {"url": "u"}, Content(9, "u")),
        (-1, {}, Content(0, "")),
        (-1, {"text": None, "attr": [1]}, Content(0, "[1]")),
        (-1, {"text": "", "attr": {"remark": "r"}}, Content(0, "", "r")),
        (-1, {"text": "t", "attr": {"remark": 5}}, Content(0, "t")),
    ],
)
def test_what_others_say(kind: int, body: dict[str, Any], expected: Content) -> None:
    assert shown(kind, **body) == expected


def test_what_leancloud_says() -> None:
    assert content_of(message(*leancloud_body("plain words"))) == Content(0, "plain words")
    image = '{"_lctype":-2,"_lctext":"me","_lcfile":{"url":"http://h/me.png"}}'
    assert content_of(message(*leancloud_body(image))) == Content(1, "http://h/me.png")
    own = '{"_lctype":3,"order":{"id":7}}'
    assert content_of(message(*leancloud_body(own))) == Content(0, '{"order":{"id":7}}')
    assert content_of(message(*leancloud_bytes(b"\0\1"))) == Content(0, '{"base64":"AAE="}')
