"""Shapes shared with the native REST dialect, as the seed prints them."""

from __future__ import annotations

import pytest

from protocol.errors import Refused
from protocol.ids import RECENT, Mint
from protocol.records import ConversationInfo, Message
from protocol.richtext import binary_body_of, body_of
from protocol.wires.native.ids import AppIds
from protocol.wires.native.shapes import conversation_row, date_text, message_push, message_row, page
from protocol.wires.native.where import conditions

IDS = AppIds("666666")
CONV = Mint().next(1608126111618)
MSG = CONV + 1


def test_a_row_of_the_message_list_is_zd_08() -> None:
    message = Message(MSG, CONV, 5, "2", -1, b'{"text":"123323333211112321"}', numeric_sender=True)
    assert list(message_row(message, IDS).items()) == [
        ("msg_id", IDS.text(MSG)),
        ("conv_id", IDS.text(CONV)),
        ("type", -1),
        ("text", "123323333211112321"),
        ("attr", None),
        ("url", "null"),
        ("ctime", 1608126111618),
        ("msg_status", 1),
        ("no_sync", 0),
        ("mention_all", 0),
        ("mention_client_ids", "null"),
        ("transient", 0),
        ("mtime", None),
        ("client_id", "2"),
    ]


def test_a_row_of_the_message_list_with_everything() -> None:
    body = b'{"attr":{"a":1},"url":"u"}'
    message = Message(MSG, CONV, 0, "b", -2, body, 3, edited_ms=9, mention_all=True, mentions=("x",), no_sync=True)
    row = message_row(message, IDS)
    assert (row["text"], row["attr"], row["url"], row["mention_client_ids"]) == (None, {"a": 1}, '"u"', '["x"]')
    assert (row["msg_status"], row["no_sync"], row["mention_all"], row["transient"], row["mtime"]) == (3, 1, 1, 1, 9)


def test_what_a_leancloud_app_defined_is_shown_as_attributes() -> None:
    own = body_of('{"_lctype":5,"order":{"id":7},"_lctext":null}')
    assert message_row(Message(MSG, CONV, 1, "b", *own), IDS)["attr"] == {"order": {"id": 7}}
    worded = body_of('{"_lctype":5,"_lctext":"hi","_lcattrs":{"a":1},"order":{"id":7}}')
    row = message_row(Message(MSG, CONV, 1, "b", *worded), IDS)
    assert (row["type"], row["text"], row["attr"]) == (5, "hi", {"order": {"id": 7}, "a": 1})
    raw = binary_body_of(b"\0\1")
    assert message_push(Message(MSG, CONV, 1, "b", *raw), IDS)["attr"] == '{"base64":"AAE="}'


def test_a_row_of_the_conversation_list_is_zd_05() -> None:
    info = ConversationInfo(
        id=CONV,
        kind=2,
        name="",
        attributes=b"{}",
        owner="1597500303",
        creator="1597500303",
        members=0,
        created_ms=1597994197999,
        updated_ms=0,
    )
    assert list(conversation_row(info, IDS).items()) == [
        ("conv_id", IDS.text(CONV)),
        ("conv_type", 2),
        ("client_num", 0),
        ("app_id", "666666"),
        ("conv_extend", None),
        ("conv_creater_id", "1597500303"),
        ("ctime", "2020-08-21 07:16:37"),
        ("mtime", None),
    ]


def test_a_date_is_utc_text() -> None:
    assert date_text(1_600_000_000_000) == "2020-09-13 12:26:40"
    assert date_text(0) is None


@pytest.mark.parametrize(("size", "total", "last"), [(20, 0, 1), (20, 20, 1), (20, 21, 2), (2, 237, 119)])
def test_a_page_counts_its_pages(size: int, total: int, last: int) -> None:
    assert page([1], 3, size, total) == {
        "current_page": 3,
        "data": [1],
        "last_page": last,
        "per_page": size,
        "total": total,
    }


def test_where_may_be_the_json_text_of_the_seed() -> None:
    (one,) = conditions('[["conv_id","=","' + IDS.text(CONV) + '"]]', IDS)
    assert (one.field, one.op, one.value) == ("id", "=", CONV)
    assert conditions("null", IDS) == conditions("[]", IDS) == conditions(None, IDS) == ()


@pytest.mark.parametrize(
    "where",
    [
        "[",
        "\ud800",
        "{}",
        5,
        [[]],
        [["conv_id", "=", [1]]],
        [["conv_id", "in", "x"]],
        [["conv_type", "in", [1] * 201]],
        [["name", "=", "x"]] * 17,
        [[5, "=", 1]],
        [["name", 5, 1]],
        [["user_id", "=", 1.5]],
        [["ctime", ">", -1]],
    ],
)
def test_a_where_of_another_form_is_refused(where: object) -> None:
    with pytest.raises(Refused, match="where"):
        conditions(where, IDS)


def test_the_memory_of_ids_is_bounded_and_true() -> None:
    ids = AppIds("a")
    texts = [ids.text(number) for number in range(1, RECENT * 2)]
    assert [ids.number(text) for text in texts] == list(range(1, RECENT * 2))
    assert [ids.text(number) for number in range(1, RECENT * 2)] == texts
    assert len(ids._numbers) <= RECENT
    assert ids.number("nonsense") is None
