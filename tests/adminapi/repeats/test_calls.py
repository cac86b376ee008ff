"""A repeated POST with one `Idempotency-Key` is carried out once, before and after the program was killed."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from adminapi.dialect import Answer
from adminapi.repeats import calls
from adminapi.repeats.calls import Marking, Repeats
from protocol.apps import App
from protocol.commands import BanUser, Done, GetUser, SendMessage
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import APP, BARE, OPERATOR, Served
from tests.adminapi.repeats.conftest import Counting, Place, refusal, saying

PATH = f"/-/api/apps/{APP.id}/users/tom/ban"
BAN = BanUser(user="tom")
SAY = SendMessage(type=-1, body=b"{}", conversation=1)


async def ban(served: Served, key: str, token: str = APP.master_key) -> httpx.Response:
    return await served.client.post(PATH, headers={"authorization": f"Bearer {token}", "idempotency-key": key})


async def test_a_repeat_gets_the_first_answer(served: Served) -> None:
    served.broker.on(BanUser, lambda command, managed: Done(time_ms=len(served.broker.heard)))
    for key, time_ms in (("a", 1), ("a", 1), ("b", 2), ("", 3), ("", 4), ("a", 1)):
        assert (await ban(served, key)).json() == {"time_ms": time_ms}
    assert (await ban(served, "x" * 300)).status_code == 400


async def test_repeats_at_the_same_time_wait_for_the_first_of_the_same_caller(served: Served) -> None:
    """An operator's call is not an app's, which may do less; nor is it another operator's."""

    async def slow(command: Any, managed: Any) -> Done:
        await trio.sleep(0.05)
        return Done(time_ms=1)

    served.broker.on(BanUser, slow)
    async with trio.open_nursery() as nursery:
        for token in (APP.master_key, OPERATOR) * 3:
            nursery.start_soon(ban, served, "k", token)
    assert len(served.broker.heard) == 2


async def test_a_refusal_is_tried_afresh(served: Served) -> None:
    served.broker.on(BanUser, Refused(Reason.OVERLOADED))
    assert (await ban(served, "k")).status_code == 503
    served.broker.on(BanUser, Done(time_ms=1))
    assert (await ban(served, "k")).status_code == 200


async def test_who_was_cut_off_gets_the_first_answer(served: Served) -> None:
    """The call goes on without him."""
    heard, go_on = trio.Event(), trio.Event()

    async def slow(command: Any, managed: Any) -> Done:
        heard.set()
        await go_on.wait()
        return Done(time_ms=7)

    served.broker.on(BanUser, slow)
    async with await served.stream() as stream:
        lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {APP.master_key}", "Idempotency-Key: k"]
        await stream.send_all("\r\n".join([*lines, "Content-Length: 0", "\r\n"]).encode())
        await heard.wait()
    async with trio.open_nursery() as nursery:

        async def again() -> None:
            assert (await ban(served, "k")).json() == {"time_ms": 7}

        nursery.start_soon(again)
        await trio.sleep(0.05)  # the server has seen by now that the first one is gone
        go_on.set()
    assert len(served.broker.heard) == 1


async def test_an_outcome_that_nobody_knows_stays_unknown(served: Served) -> None:
    served.broker.on(BanUser, Refused(Reason.OUTCOME_UNKNOWN, retry_after_ms=1000))
    assert (await ban(served, "k")).status_code == 504
    served.broker.on(BanUser, Done(time_ms=1))
    answer = await ban(served, "k")
    assert answer.status_code == 504
    assert "whether it was carried out is unknown" in answer.text
    assert "retry-after" not in answer.headers
    assert len(served.broker.heard) == 1
    assert (await ban(served, "l")).status_code == 200


async def test_while_answers_cannot_be_kept_nothing_is_done_under_a_key(served: Served, folder: Path) -> None:
    """The refusal is the dialect's, the console shows why, and it ends without a restart."""

    async def shown() -> dict[str, Any]:
        found = (await served.client.get("/-/api/health", headers={"authorization": f"Bearer {OPERATOR}"})).json()
        return next(check for check in found["checks"] if check["name"] == "repeats")

    served.broker.on(BanUser, Done(time_ms=1))
    (folder / "repeats.db").mkdir()
    answer = await ban(served, "k")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (507, "storage_unavailable")
    assert served.broker.heard == []
    assert (await ban(served, "")).status_code == 200
    shows = await shown()
    assert not shows["ok"]
    assert "Is a directory" in shows["text"]
    (folder / "repeats.db").rmdir()
    assert (await ban(served, "k")).status_code == 200
    assert (await shown())["ok"]


# Below HTTP


async def test_after_a_kill_a_repeat_gets_the_first_answer(place: Place) -> None:
    broker = Counting(place.folder)
    first = await place.begin().once(("k", "é"), broker, saying(b"one", BAN))
    again = place.after_a_kill()
    assert await again.once(("k", "é"), broker, saying(b"two", BAN)) == first
    assert broker.heard == [BAN]
    assert (await again.once(("k", "e"), broker, saying(b"two", BAN))).body == b"two"


async def test_after_a_kill_in_the_middle_the_outcome_is_unknown_and_nothing_is_done_again(place: Place) -> None:
    broker = Counting(place.folder)
    later: list[Repeats] = []

    async def run(marked: Marking) -> Answer:
        await marked.call(GetUser(user="tom"))
        await marked.call(BAN)
        later.append(place.after_a_kill())
        return Answer()

    await place.begin().once(("k",), broker, run)
    assert await refusal(later[0], "k", broker, saying(b"", BAN)) is Reason.OUTCOME_UNKNOWN
    assert await refusal(place.after_a_kill(), "k", broker, saying(b"", BAN)) is Reason.OUTCOME_UNKNOWN
    assert broker.heard.count(BAN) == 1


async def test_a_refusal_after_a_part_was_done_is_not_tried_afresh(place: Place) -> None:
    broker, repeats = Counting(place.folder), place.begin()
    half = saying(b"", BAN, BAN)

    async def refused_second(marked: Marking) -> Answer:
        await marked.call(BAN)
        broker.taking.refused = [Reason.FULL]
        await marked.call(BAN)
        raise AssertionError

    assert await refusal(repeats, "k", broker, refused_second) is Reason.FULL
    assert await refusal(repeats, "k", broker, half) is Reason.OUTCOME_UNKNOWN
    assert await refusal(place.after_a_kill(), "k", broker, half) is Reason.OUTCOME_UNKNOWN
    assert len(broker.heard) == 2


async def test_after_a_refusal_that_did_nothing_a_kill_changes_nothing(place: Place) -> None:
    broker = Counting(place.folder)
    broker.taking.refused = [Reason.FULL]
    assert await refusal(place.begin(), "k", broker, saying(b"", BAN)) is Reason.FULL
    assert (await place.after_a_kill().once(("k",), broker, saying(b"done", BAN))).body == b"done"


async def test_a_bug_before_anything_was_done_is_tried_afresh_and_one_after_it_is_not(place: Place) -> None:
    broker, repeats = Counting(place.folder), place.begin()

    async def bug(marked: Marking, commands: int) -> Answer:
        for _ in range(commands):
            await marked.call(BAN)
        raise ZeroDivisionError

    for commands in (0, 1):
        with pytest.raises(ZeroDivisionError):
            await repeats.once((str(commands),), broker, partial(bug, commands=commands))
    assert (await repeats.once(("0",), broker, saying(b"done"))).body == b"done"
    assert await refusal(repeats, "1", broker, saying(b"")) is Reason.OUTCOME_UNKNOWN


async def test_on_a_disk_that_fails_nothing_is_begun_and_what_was_done_is_answered(place: Place) -> None:
    """The answer stays in memory, and goes to the disk with the next one."""
    broker, repeats = Counting(place.folder), place.begin()
    await repeats.once(("0",), broker, saying(b"", BAN))
    db = repeats._book._db
    assert db is not None
    db.pragma("query_only", True)
    assert await refusal(repeats, "1", broker, saying(b"", BAN)) is Reason.STORAGE_UNAVAILABLE
    assert broker.heard == [BAN]
    assert "readonly" in repeats.fault
    for text in (b"first", b"second"):
        assert (await repeats.once(("2",), broker, saying(text, SAY))).body == b"first"
    db.pragma("query_only", False)
    assert (await repeats.once(("1",), broker, saying(b"now", BAN))).body == b"now"
    assert not repeats.fault
    assert (await place.after_a_kill().once(("2",), broker, saying(b"third"))).body == b"first"


async def test_many_at_once_are_written_together_and_all_are_kept(place: Place) -> None:
    broker, repeats = Counting(place.folder), place.begin()
    await repeats.once(("first",), broker, saying(b""))
    writes, write = [], repeats._book.write

    def counted(*given: Any) -> None:
        writes.append(given)
        write(*given)

    repeats._book.write = counted  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(repeats.once, (str(number),), broker, saying(b"%d" % number, BAN))
    assert len(writes) < 10
    again = place.after_a_kill()
    for number in range(50):
        assert (await again.once((str(number),), broker, saying(b"", BAN))).body == b"%d" % number
    assert len(broker.heard) == 50


async def test_memory_and_file_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    broker, memory = Counting(place.folder), place.begin()
    memory._clock = lambda: now[0]

    async def give(text: bytes, *keys: int) -> None:
        for key in keys:
            now[0] += 1
            assert (await memory.once((str(key),), broker, saying(text, BAN))).body == text

    def kept(repeats: Repeats) -> list[bytes]:
        return [row.answer.body for row in repeats._kept.values() if row.answer is not None]

    async def on_the_disk() -> list[bytes]:
        later = place.after_a_kill()
        await later._load()
        assert later._bytes == sum(map(len, kept(later)))
        return kept(later)

    monkeypatch.setattr(calls, "KEPT_ANSWERS", 3)
    await give(b"x" * 10, *range(9))
    assert kept(memory) == await on_the_disk() == [b"x" * 10] * 3
    place.times = 0
    monkeypatch.setattr(calls, "KEPT_BYTES", 25)
    await give(b"y" * 10, 9)
    assert kept(memory) == [b"x" * 10, b"y" * 10]
    assert memory._bytes == 20
    monkeypatch.setattr(calls, "KEPT_SECONDS", 5.0)
    now[0] += 3.5
    await give(b"z", 10)
    assert kept(memory) == [b"y" * 10, b"z"]
    assert memory._bytes == 11


async def test_a_clock_that_is_set_forward_makes_nothing_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    broker, repeats = Counting(place.folder), Repeats(place.folder / "repeats.db")
    assert (await repeats.once(("k",), broker, saying(b"first", BAN))).body == b"first"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 30 * 86_400)
    assert (await repeats.once(("k",), broker, saying(b"second", BAN))).body == b"first"


async def test_a_clock_that_is_set_back_makes_nothing_old(place: Place) -> None:
    now = [1000.0]
    broker, repeats = Counting(place.folder), place.begin()
    repeats._clock = lambda: now[0]
    for text in (b"1000", b"500", b"600"):
        now[0] = float(text)
        await repeats.once((text.decode(),), broker, saying(text, BAN))
    later = place.after_a_kill()
    for text in (b"1000", b"500", b"600"):
        assert (await later.once((text.decode(),), broker, saying(b"", BAN))).body == text


async def test_after_a_day_a_key_is_free_again(place: Place) -> None:
    now = [1000.0]
    broker, repeats = Counting(place.folder), place.begin()
    repeats._clock = lambda: now[0]
    for moved, body in ((0.0, b"0"), (86_399.0, b"0"), (86_400.0, b"86400"), (90_000.0, b"86400")):
        now[0] = 1000.0 + moved
        assert (await repeats.once(("k",), broker, saying(b"%d" % moved, BAN))).body == body


# Uploads


async def test_a_repeated_upload_keeps_one_file(served: Served) -> None:
    """The second body is cut into parts by another boundary, as a client's retry is. Another app's key is another one."""

    async def upload(key: str, content: bytes, app: App = APP) -> httpx.Response:
        headers = {"app-id": app.id, "app-key": app.key, "idempotency-key": key}
        return await served.call(
            "POST", "/im/file/upload", headers=headers, files={"file": ("a.txt", content, "text/plain")}
        )

    first, again = await upload("k", b"one"), await upload("k", b"one")
    assert first.json()["code"] == 0, first.text
    assert again.content == first.content
    assert len(list((served.files.root / APP.id).iterdir())) == 1
    assert (await upload("k", b"one", BARE)).content != first.content
    assert len(list((served.files.root / BARE.id).iterdir())) == 1
    for key, content in (("k", b"two"), ("l", b"one")):
        assert (await upload(key, content)).content != first.content
    assert len(list((served.files.root / APP.id).iterdir())) == 3
