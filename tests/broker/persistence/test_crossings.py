"""Fetches that cross into a thread together: each gets its own, and none is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
import trio
import trio.testing

from broker.hub.recent import FetchedRow, Key, SendsKey
from broker.hub.rows import SendRow
from broker.persistence.crossings import TOGETHER, Crossings

KEYS = [SendsKey(f"u{n}", "d") for n in range(TOGETHER * 2)]


class Slow:
    """Answers each key with a row of that user, once it may; remembers in which thread."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[str] = []
        self.threads: list[int] = []

    def fetch(self, app: str, keys: Sequence[Key]) -> list[FetchedRow]:
        self.may.wait(10)
        (key,) = keys
        assert isinstance(key, SendsKey)
        self.asked.append(key.user)
        self.threads.append(threading.get_ident())
        if key.user == "u3":
            raise LookupError(key.user)
        return [SendRow(key.user, key.device, 0, 1, "c", 1, 1, 1)]


async def test_those_who_wait_go_together_in_their_order_and_each_gets_its_own() -> None:
    store = Slow()
    crossings = Crossings(store, 1)
    found: dict[str, object] = {}

    async def ask(key: SendsKey) -> None:
        try:
            rows = await crossings.fetch("app", [key])
            assert [row.user for row in rows if isinstance(row, SendRow)] == [key.user]
            found[key.user] = len(rows)
        except LookupError as error:
            found[key.user] = str(error)

    async with trio.open_nursery() as nursery:
        for key in KEYS:
            nursery.start_soon(ask, key)
            await trio.testing.wait_all_tasks_blocked()
        store.may.set()
    assert store.asked == [key.user for key in KEYS]
    assert found == {key.user: 1 for key in KEYS} | {"u3": "u3"}


async def test_who_was_to_go_with_somebody_who_is_cancelled_goes_with_the_next() -> None:
    store = Slow()
    crossings = Crossings(store, 1)
    answered: list[str] = []

    async def ask(key: SendsKey) -> None:
        await crossings.fetch("app", [key])
        answered.append(key.user)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, KEYS[0])  # in its thread
        await trio.testing.wait_all_tasks_blocked()
        scope = trio.CancelScope()
        with scope:
            async with trio.open_nursery() as inner:
                inner.start_soon(ask, KEYS[1])
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(ask, KEYS[2])
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        store.may.set()
    assert sorted(answered) == ["u0", "u2"]


async def test_a_fetch_alone_is_one_crossing() -> None:
    store = Slow()
    store.may.set()
    crossings = Crossings(store, 1)
    with pytest.raises(LookupError):
        await crossings.fetch("app", [KEYS[3]])
    assert len(await crossings.fetch("app", [KEYS[4]])) == 1
    assert store.asked == ["u3", "u4"]
