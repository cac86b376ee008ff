"""Finding messages by id and time: one of them, however old (LC-20), and a stretch of them (the history query of LC-30)."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import History
from protocol.ids import IdForms
from protocol.records import Status
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import AT, CONV_ID, HERE, IDS, MSG, MSG_ID, Talk, ok, refused, said


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
async def test_lc20_any_message_is_found_however_old(served: Served, count: int) -> None:
    # The first were removed long ago; gaps in time are of any size.
    messages = [said(seq, f"user{seq}", ms=AT + seq * seq) for seq in range(40, 40 + count)]
    for at in {0, count // 3, count // 2, count - 1}:
        talk = Talk(messages)
        talk.answer(served.broker)
        named = IDS.base64(messages[at].id)
        path = f"{HERE}/messages?msgid={named}&timestamp={messages[at].time_ms}&include_start=true&limit=1"
        assert [row["msg-id"] for row in await ok(served, "GET", path)] == [named]
        assert talk.reads <= 23


def talk_of(count: int, first: int = 1) -> Talk:
    """Two messages in every millisecond."""
    rows = []
    for seq in range(first, first + count):
        row = said(seq, ms=AT + seq // 2)
        row.id += seq % 2
        rows.append(row)
    return Talk(rows)


async def history(served: Served, **query: Any) -> list[str]:
    rows = await ok(served, "GET", f"{HERE}/messages", params=query)
    return [row["data"] for row in rows]


async def test_history_row(served: Served) -> None:
    row = {
        "timestamp": AT,
        "conv-id": CONV_ID,
        "data": "m1",
        "from": "tom",
        "msg-id": MSG_ID,
        "is-conv": True,
        "is-room": False,
        "to": CONV_ID,
        "bin": False,
        "from-ip": "",
    }
    assert await ok(served, "GET", f"{HERE}/messages") == [row]
    Talk([]).answer(served.broker)
    assert await ok(served, "GET", f"{HERE}/messages") == []


@pytest.mark.parametrize(
    ("start", "stop", "flags", "expected"),
    [
        (3, 1, "", "m2"),
        (3, 1, "include_start", "m3 m2"),
        (3, 1, "include_stop", "m2 m1"),
        (3, 1, "include_start include_stop", "m3 m2 m1"),
        (1, 3, "reversed", "m2"),
        (1, 3, "reversed include_start", "m1 m2"),
        (1, 3, "reversed include_stop", "m2 m3"),
        (3, None, "", "m2 m1"),
        (None, 1, "", "m3 m2"),
        (1, None, "reversed", "m2 m3"),
        (None, 3, "reversed", "m1 m2"),
        (None, None, "", "m3 m2 m1"),
        (None, None, "reversed", "m1 m2 m3"),
        (1, 3, "", ""),
    ],
)
@pytest.mark.parametrize("named", [True, False])
async def test_history_as_the_table_of_the_later_document(
    served: Served, start: int | None, stop: int | None, flags: str, expected: str, named: bool
) -> None:
    talk = Talk([said(seq, ms=AT + 10 * seq) for seq in (1, 2, 3)])
    talk.answer(served.broker)
    query: dict[str, Any] = dict.fromkeys(flags.split(), "true")
    for prefix, seq in (("", start), ("till_", stop)):
        if seq is not None:
            query[prefix + "timestamp"] = AT + 10 * seq
            if named:
                query[prefix + "msgid"] = IDS.base64(talk.messages[seq - 1].id)
    assert " ".join(await history(served, **query)) == expected


async def test_history_is_exact_over_many_pages_and_within_a_millisecond(served: Served) -> None:
    talk = talk_of(450, first=7)
    talk.answer(served.broker)
    every = [f"m{seq}" for seq in range(7, 457)]
    assert await history(served) == every[:-101:-1]
    assert await history(served, limit=1000) == every[::-1]
    assert await history(served, limit=1000, reversed=1) == every
    assert await history(served, limit=230, reversed=1) == every[:230]
    middle = talk.messages[200]
    at = {"msgid": IDS.base64(middle.id), "timestamp": middle.time_ms}
    assert await history(served, **at, limit=150) == every[199:49:-1]
    assert await history(served, **at, limit=2, include_start=1) == every[200:198:-1]
    assert await history(served, **at, limit=3, reversed=1) == every[201:204]
    ms = talk.messages[201].time_ms
    assert {each.time_ms for each in talk.messages[201:203]} == {ms}
    assert await history(served, timestamp=ms, limit=1) == every[200:201]
    assert await history(served, timestamp=ms, limit=2, include_start=1) == every[202:200:-1]
    assert await history(served, timestamp=ms, till_timestamp=ms - 2, include_stop=1) == every[200:196:-1]
    assert await history(served, timestamp=AT + 999_999) == every[:-101:-1]
    assert await history(served, timestamp=5) == []
    assert await history(served, timestamp=AT + 999_999, reversed=1) == []


async def test_history_leaves_out_what_was_deleted_and_marks_what_was_recalled(served: Served) -> None:
    rows = [said(seq, ms=AT + seq, status=Status.DELETED if seq % 3 else Status.RECALLED) for seq in range(1, 301)]
    Talk(rows).answer(served.broker)
    assert await history(served) == ['{"_lctype":-127}'] * 100
    Talk([said(seq, ms=AT + seq, status=Status.DELETED) for seq in range(1, 301)]).answer(served.broker)
    assert await history(served) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", (400, 107)),
        ("limit=1001", (400, 107)),
        ("limit=x", (400, 107)),
        ("timestamp=x", (400, 107)),
        ("till_timestamp=-1", (400, 107)),
        ("reversed=maybe", (400, 107)),
        (f"msgid={MSG_ID}&timestamp=5", (404, 4404)),
        (f"till_msgid={MSG_ID}&till_timestamp=5", (404, 4404)),
    ],
)
async def test_history_refusals(served: Served, query: str, expected: tuple[int, int]) -> None:
    assert await refused(served, "GET", f"{HERE}/messages?{query}") == expected
    assert served.broker.heard == []


@pytest.mark.parametrize("name", ["x", IdForms("bare").base64(MSG), "%ED%A0%80"])
async def test_a_name_that_is_no_messages_id_nor_was_one(served: Served, name: str) -> None:
    talk = Talk([said(1, ms=AT)])
    talk.answer(served.broker)
    for query in (f"msgid={name}", f"msgid={name}&timestamp={AT}", f"till_msgid={name}&limit=5"):
        assert await refused(served, "GET", f"{HERE}/messages?{query}") == (404, 4404)


async def test_history_from_the_id_a_message_had(served: Served) -> None:
    """LC-30. An imported message is called as it was, and found by that alone: its time here may be a millisecond later."""
    talk = Talk([said(seq, ms=AT + seq) for seq in range(1, 10)])
    talk.messages[4].old_id = "yvkkAYWBSYKDJ0z3cZmSgg"
    talk.answer(served.broker)
    old = {"msgid": "yvkkAYWBSYKDJ0z3cZmSgg", "timestamp": AT}
    assert await history(served, **old, limit=2) == ["m4", "m3"]
    assert await history(served, **old, limit=2, reversed=1, include_start=1) == ["m5", "m6"]
    assert await history(served, till_msgid=old["msgid"]) == ["m9", "m8", "m7", "m6"]
    rows = await ok(served, "GET", f"{HERE}/messages", params={"msgid": IDS.base64(talk.messages[5].id), "limit": 1})
    assert rows[0]["msg-id"] == old["msgid"]
    assert [each.command.newer_than.old_id for each in served.broker.heard if is_search(each)] == [old["msgid"]] * 3


def is_search(call: Any) -> bool:
    return isinstance(call.command, History) and call.command.newer_than is not None


async def test_history_by_the_old_call(served: Served) -> None:
    """`protocols.md` 2.12."""
    talk = Talk([said(seq, ms=AT + 10 * seq) for seq in (1, 2, 3)])
    talk.answer(served.broker)

    async def old(**query: Any) -> list[str]:
        rows = await ok(served, "GET", "/1.1/rtm/messages/history", params={"convid": CONV_ID, **query})
        return [row["data"] for row in rows]

    assert await old() == ["m3", "m2", "m1"]
    assert await old(limit=1) == ["m3"]
    assert await old(max_ts=AT + 30) == ["m2", "m1"]
    assert await old(max_ts=AT + 30, msgid=IDS.base64(talk.messages[2].id)) == ["m2", "m1"]
    assert await old(max_ts=AT + 10, reversed="true") == ["m2", "m3"]
    assert await refused(served, "GET", "/1.1/rtm/messages/history?from=tom") == (400, 1)
    assert await refused(served, "GET", "/1.1/rtm/messages/history?convid=x") == (404, 4303)
