"""Reading what LeanCloud exports, in every form it comes in, and what of it is left out and why."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adminapi.imports import files
from adminapi.imports.files import Broken, Faulty, rows_of
from adminapi.imports.leancloud import NotTaken, conversation_of, is_message, message_of
from adminapi.imports.sending import Progress, Tally, batches, bounded, read
from adminapi.imports.staging import Stage
from protocol.commands import ImportedConversation, ImportedMessage
from protocol.settings import BadSettings

ONE = "5a5b1c2d3e4f5a6b7c8d9e0f"
CONVERSATION: dict[str, Any] = {
    "objectId": ONE,
    "name": "Lunch",
    "m": ["tom", "ann"],
    "mu": ["ann"],
    "c": "tom",
    "unique": True,
    "uniqueId": "5ab2",
    "level": 5,
    "attr": {"x": 1},
    "gone": None,
    "ACL": {"*": {"read": True}},
    "lm": {"__type": "Date", "iso": "2018-01-17T04:15:33.386Z"},
    "createdAt": "2018-01-16T03:40:32.814Z",
    "updatedAt": {"__type": "Date", "iso": "2018-01-16T03:40:33.000Z"},
}
MESSAGE: dict[str, Any] = {
    "timestamp": 1516162533386,
    "conv-id": ONE,
    "data": '{"_lctype":-1,"_lctext":"hi"}',
    "from": "tom",
    "msg-id": "yvkkAYWBSYKDJ0z3cZmSgg",
    "is-conv": True,
    "from-ip": "10.0.0.1",
}
ROWS = [CONVERSATION, {**CONVERSATION, "name": "ünïcode [,] {"}, MESSAGE]


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FORMS: list[Callable[[list[Any]], str]] = [
    json.dumps,
    lambda rows: json.dumps(rows, indent=2),
    lines,
    lambda rows: '#filetype:JSON-streaming {"type":"Class","class":"_Conversation"}\n' + lines(rows),
    lambda rows: json.dumps({"results": rows}, indent=1),
    lambda rows: json.dumps(rows[:1]) + json.dumps(rows[1:]),
    lambda rows: "\ufeff" + lines(rows).rstrip(),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("piece", [1 << 20, 7])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_file(
    form: Callable[[list[Any]], str], piece: int, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", piece)
    path, told = tmp_path / "export", list[int]()
    raw = form(ROWS).encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert list(rows_of(path, told.append)) == ROWS
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_what_is_no_json_costs_a_row(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(lines([MESSAGE]) + '{"broken": \n' + '"text"\n' + lines([MESSAGE]) + '{"cut": "of')
    found = list(rows_of(path, lambda done: None))
    assert found == [MESSAGE, Broken(2), Broken(3), MESSAGE, Faulty(f"it is cut off at byte {path.stat().st_size}")]


@pytest.mark.parametrize("form", FORMS[:6])
def test_a_file_that_is_cut_off_is_told_wherever_it_ends(form: Callable[[list[Any]], str], tmp_path: Path) -> None:
    """By how far it came; the rows before are read all the same."""
    path, text = tmp_path / "export", form([MESSAGE, MESSAGE]).rstrip()
    for size in range(2, len(text)):
        raw = text[:size].encode()
        path.write_bytes(raw)
        found = list(rows_of(path, lambda done: None))
        whole = [row for row in found if isinstance(row, dict)]
        assert whole == [MESSAGE] * len(whole)
        # What is cut between two lines, or two arrays, is whole in itself.
        begun = raw.split(b"\n")[-1]
        if b"{" in begun and not begun.rstrip().endswith((b"}", b"]")) and not begun.startswith(b"#"):
            assert found[-1] == Faulty(f"it is cut off at byte {size}"), raw


@pytest.mark.parametrize("text", ['[{"a": 1}', '[{"a": 1},', '{"results": [{"a": 1}', '{"results": [{"a": 1},', "["])
def test_a_file_that_ends_within_its_array_is_cut_off(text: str, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(text)
    found = list(rows_of(path, lambda done: None))
    assert found == [{"a": 1}] * text.count("a") + [Faulty(f"it is cut off at byte {len(text)}")]


def test_a_saved_error_answer_is_told_with_its_code_and_text(tmp_path: Path) -> None:
    """What a loop of curl calls saves when the key is wrong."""
    path = tmp_path / "page"
    path.write_text('{"code":401,"error":"Unauthorized."}')
    with Stage(tmp_path) as stage:
        tallies = Tally("rows"), Tally("conversations"), Tally("messages")
        assert read(path, stage, *tallies) == [f"{path}: it is an error answer of the service: 401 Unauthorized."]
        assert not any(tally.left for tally in tallies)


@pytest.mark.parametrize("piece", [1 << 10, 7])
def test_a_long_answer_of_a_query_is_read_row_by_row(piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long, and whatever stands behind its rows; lines go on being counted."""
    monkeypatch.setattr(files, "PIECE", piece)
    monkeypatch.setattr(files, "LONGEST", 2_000)
    rows = [{**MESSAGE, "timestamp": at} for at in range(50)]
    text = json.dumps({"results": rows, "count": 50, "className": "_Conversation"}, indent=1)
    path = tmp_path / "export"
    path.write_text(text + "\n" + lines([MESSAGE]) + "nonsense\n")
    found = list(rows_of(path, lambda done: None))
    assert found == [*rows, MESSAGE, Broken(text.count("\n") + 3)]


def test_an_attribute_called_results_is_one(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(json.dumps({"results": [1], "objectId": ONE}))
    assert list(rows_of(path, lambda done: None)) == [{"results": [1], "objectId": ONE}]


def test_a_file_that_is_not_there_or_breaks_off_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="nothing"):
        list(rows_of(tmp_path / "nothing", lambda done: None))
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(lines([MESSAGE] * 100).encode())[:-20])
    assert list(rows_of(cut, lambda done: None))[-1] == Faulty(f"it is cut off at byte {cut.stat().st_size}")


def test_a_conversation() -> None:
    assert not is_message(CONVERSATION)
    assert conversation_of(CONVERSATION) == ImportedConversation(
        alias=ONE,
        room=False,
        name="Lunch",
        attributes=b'{"level":5,"attr":{"x":1}}',
        creator="tom",
        members=("tom", "ann"),
        created_ms=1516074032814,
        updated_ms=1516074033000,
        unique=True,
        quiet=("ann",),
        said_ms=1516162533386,
    )
    assert conversation_of({**CONVERSATION, "tr": True}).room


def test_a_message() -> None:
    assert is_message(MESSAGE)
    found = message_of(MESSAGE)
    assert (found.conversation, found.id, found.time_ms, found.sender) == (
        ONE,
        "yvkkAYWBSYKDJ0z3cZmSgg",
        1516162533386,
        "tom",
    )
    assert json.loads(found.body)["text"] == "hi"
    assert message_of({**MESSAGE, "data": '{"_lctype":-127}'}).recalled
    assert (found.edited_ms, found.mention_all, found.mentions) == (0, False, ())
    for form in ("-", "_"):
        said = {"mention-pids": ["ann", "bob", "ann"], "mention-all": True, "patch-timestamp": 1516162533999}
        more = message_of({**MESSAGE, **{key.replace("-", form): value for key, value in said.items()}})
        assert (more.edited_ms, more.mention_all, more.mentions) == (1516162533999, True, ("ann", "bob"))
    raw = message_of({**MESSAGE, "data": "AAEC", "bin": True})
    assert (raw.type, raw.body) == (0, b'{"lc":{"base64":"AAEC"}}')


@pytest.mark.parametrize(
    "row",
    [
        {**CONVERSATION, "m": "tom"},
        {**CONVERSATION, "m": [1]},
        {**CONVERSATION, "m": ["\ud800"]},
        {**CONVERSATION, "createdAt": "yesterday"},
        {**CONVERSATION, "level": float("nan"), "deep": json.loads("[" * 20 + "]" * 20)},
        {**CONVERSATION, "level": 1 << 80},
        {**CONVERSATION, "name": "\ud800"},
        {"neither": 1},
        {**MESSAGE, "timestamp": "1"},
        {**MESSAGE, "data": "x" * 600_000},
        {**CONVERSATION, "m": [f"{at:0100}" for at in range(6000)]},
        {**MESSAGE, "timestamp": 1 << 70},
        {**MESSAGE, "data": {"x": 1}},
        {**MESSAGE, "data": "\ud800"},
        {**MESSAGE, "data": "!", "bin": True},
        {**MESSAGE, "from": None},
        {**MESSAGE, "msg-id": ""},
        {**MESSAGE, "conv-id": 5},
        {**MESSAGE, "mention-pids": "tom"},
    ],
)
def test_what_is_left_out_is_counted_with_its_reason(row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotTaken):
        bounded((message_of if is_message(row) else conversation_of)(row))
    path = tmp_path / "export"
    path.write_text(json.dumps(row) + "\n" + json.dumps(row) + "\nnonsense\n" + json.dumps(MESSAGE))
    tallies = Tally("rows"), Tally("conversations"), Tally("messages")
    with Stage(tmp_path) as stage:
        read(path, stage, *tallies)
        assert stage.counts() == (0, 1)
    assert [sum(count for count, _ in tally.left.values()) for tally in tallies] in ([1, 2, 0], [1, 0, 2])
    assert any("skipped 2: " in line for tally in tallies for line in tally.lines())


def test_nothing_of_the_stage_stays_if_its_program_is_killed(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        stage.add_message(message_of(MESSAGE))
        assert list(tmp_path.iterdir()) == []


def test_the_stage_sorts_and_keeps_each_once(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        for at in (5, 1, 3, 5):
            stage.add_message(message_of({**MESSAGE, "timestamp": at}))
        assert [each.time_ms for each in stage.messages()] == [1, 3, 5]


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    def fill() -> None:
        with Stage(tmp_path) as stage:
            stage._db.execute("PRAGMA max_page_count = 20")
            for at in range(1000):
                stage.add_message(message_of({**MESSAGE, "timestamp": at}))

    with pytest.raises(BadSettings, match=f"{tmp_path} cannot hold .*TMPDIR"):
        fill()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_the_bar_is_for_terminals(stream: type[io.StringIO], shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said = stream()
    monkeypatch.setattr(sys, "stderr", said)
    bar = Progress("messages", 300)
    for done in (0, 1, 150, 150, 300, 301):
        bar.show(done)
    bar.end()
    expected = "".join(f"\rmessages       [{'#' * (percent * 30 // 100):.<30}] {percent:3} %" for percent in (0, 50, 100))
    assert said.getvalue() == (expected + "\n" if shown else "")


def test_of_two_versions_the_newer_counts_wherever_it_stood(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        for name, day in (("old", 1), ("new", 3), ("older", 2)):
            stage.add_conversation(conversation_of({**CONVERSATION, "name": name, "updatedAt": f"2018-02-0{day}T00:00:00Z"}))
        for data, edited in (("said", None), ("edited", 1516162533999), ("said", None)):
            stage.add_message(message_of({**MESSAGE, "data": data, "patch-timestamp": edited}))
        stage.add_message(message_of({**MESSAGE, "timestamp": 1516162533387, "data": '{"_lctype":-127}'}))
        stage.add_message(message_of({**MESSAGE, "timestamp": 1516162533387, "patch-timestamp": 1516162533999}))
        assert [each.name for each in stage.conversations()] == ["new"]
        edited, recalled = stage.messages()
        assert json.loads(edited.body)["text"] == "edited"
        assert recalled.recalled


def test_batches_are_bounded_in_number_and_in_bytes() -> None:
    small = message_of(MESSAGE)
    large = message_of({**MESSAGE, "data": "x" * 100_000})
    assert [len(batch) for batch in batches([small] * 450)] == [200, 200, 50]
    assert [len(batch) for batch in batches([large] * 7)] == [2, 2, 2, 1]
    none: list[ImportedMessage] = []
    assert list(batches(none)) == []
