"""One look a second for all who watch the same, and none while nobody does."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
import trio
import trio.testing

from adminapi.shared import Shared
from protocol.errors import Reason, Refused


class Counting:
    """A poll that says how often it was asked; `refuse` has it refused."""

    def __init__(self) -> None:
        self.count, self.refuse, self.seconds = 0, False, 0.0

    async def __call__(self, before: int | None) -> int:
        self.count += 1
        await trio.sleep(self.seconds)
        if self.refuse:
            raise Refused(Reason.OVERLOADED, "away")
        return (before or 0) + 1


async def take(lines: AsyncGenerator[int | Refused, None], count: int) -> list[int | Refused]:
    async with aclosing(lines):
        return [await anext(lines) for _ in range(count)]


async def test_many_who_watch_ask_once_a_second(autojump_clock: trio.testing.MockClock) -> None:
    shared, poll, found = Shared(), Counting(), []

    async def watch() -> None:
        found.append(await take(shared.watch("k", poll), 4))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(watch)
    assert found == [[1, 2, 3, 4]] * 50
    assert poll.count == 4
    await trio.sleep(60)
    assert poll.count == 4
    assert not shared._places


async def test_keys_are_asked_apart_and_begin_anew_after_the_last_has_gone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shared, poll = Shared(), Counting()
    assert await take(shared.watch("a", poll), 2) == [1, 2]
    assert await take(shared.watch("b", poll), 1) == [1]
    assert await take(shared.watch("a", poll), 1) == [1]


async def test_who_leaves_while_he_looks_for_all_is_followed_by_the_next(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shared, poll = Shared(), Counting()
    poll.seconds = 0.4
    async with trio.open_nursery() as nursery:

        async def first() -> None:
            with trio.move_on_after(0.2):
                await take(shared.watch("k", poll), 1)

        nursery.start_soon(first)
        await trio.sleep(0.1)
        assert await take(shared.watch("k", poll), 1) == [1]
    assert poll.count == 2


async def test_a_refusal_is_told_and_forgotten_when_it_is_over(autojump_clock: trio.testing.MockClock) -> None:
    shared, poll = Shared(), Counting()
    async with aclosing(shared.watch("k", poll)) as lines:
        assert await anext(lines) == 1
        poll.refuse = True
        assert isinstance(await anext(lines), Refused)
        poll.refuse = False
        assert await anext(lines) == 2


async def test_watchers_are_bounded_and_all_end_with_the_program(autojump_clock: trio.testing.MockClock) -> None:
    shared, poll = Shared(most=1), Counting()
    async with aclosing(shared.watch("k", poll)) as lines:
        await anext(lines)
        with pytest.raises(Refused, match="overloaded"):
            await take(shared.watch("k", poll), 1)
        shared.end()
        assert await anext(lines, None) is None
    assert not shared._places
