"""Images as bytes: what is decoded is what was encoded, type by type."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.hub.rows import Image, MemberRow, UserRow, delete, put
from broker.persistence.images import UnreadableCommit, decode, encode
from tests.broker.persistence.conftest import any_image


@settings(deadline=None)
@given(st.lists(any_image, max_size=5))
def test_images_come_back_with_the_types_they_went_with(images: list[Image]) -> None:
    back = decode(encode(images))
    assert back == images
    for image, again in zip(images, back, strict=True):
        assert type(image.row) is type(again.row)
        assert repr(image.row) == repr(again.row)  # tells True from 1


def test_fields_that_an_older_program_did_not_write_take_their_defaults() -> None:
    body = msgspec.msgpack.encode([["app", "members", [7, "u"], [7, "u", 1000]], ["app", "members", [7, "v"], None]])
    assert decode(body) == [put("app", "members", MemberRow(7, "u", 1000)), delete("app", "members", 7, "v")]


def test_fields_that_a_newer_program_added_are_passed_over() -> None:
    row = [*msgspec.structs.astuple(UserRow("u", 5)), "new", 7]
    assert decode(msgspec.msgpack.encode([["app", "users", ["u"], row]])) == [put("app", "users", UserRow("u", 5))]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([["a", "nothing", [1], None]]),
        msgspec.msgpack.encode([["a", "users", ["u"], [1]]]),
    ],
)
def test_bytes_that_are_no_images_are_refused(body: bytes) -> None:
    with pytest.raises(UnreadableCommit):
        decode(body)
