"""What passed the Autobahn|Testsuite passes still: its bytes again, however TCP cuts them (`cases.py`)."""

from __future__ import annotations

import pytest
import trio

from tests.conformance.cases import Case, read_cases
from tests.conformance.echo import echoing

CASES = read_cases()
SECONDS = 20


def frames(answered: bytes) -> tuple[list[bytes], list[bytes]]:
    """Messages and control frames, each in their order; a pong may come before or behind an answer. The upgrade, which has
    the time in it, is left out."""
    rest = answered.partition(b"\r\n\r\n")[2]
    found: tuple[list[bytes], list[bytes]] = [], []
    while rest:
        size, start = rest[1], 2
        if size == 126:
            size, start = int.from_bytes(rest[2:4], "big"), 4
        found[rest[0] & 0x0F >= 8].append(rest[: start + size])
        rest = rest[start + size :]
    return found


async def answer(port: int, pieces: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """What is answered to the end of the connection."""
    answered = bytearray()
    with trio.fail_after(SECONDS):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:

            async def ask() -> None:
                try:
                    for piece in pieces:
                        await stream.send_all(piece)
                        await trio.lowlevel.checkpoint()
                    await stream.send_eof()
                except trio.BrokenResourceError:
                    pass  # closed in the middle, as the case wants

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                try:
                    async for data in stream:
                        answered += data
                except trio.BrokenResourceError:
                    pass
    return frames(bytes(answered))


def test_there_are_cases_of_every_chapter() -> None:
    assert {case.name.partition(".")[0] for case in CASES} >= {"1", "2", "3", "4", "5", "6", "7"}
    assert len(CASES) > 200


@pytest.mark.parametrize("chapter", sorted({case.name.rpartition(".")[0] for case in CASES}))
@pytest.mark.F28
async def test_the_same_is_answered_as_when_it_passed(chapter: str) -> None:
    async with echoing() as port:
        for case in CASES:
            if case.name.rpartition(".")[0] == chapter:
                assert await answer(port, [case.asked]) == frames(case.answered), case.name
                assert await answer(port, cut(case)) == frames(case.answered), case.name


def cut(case: Case) -> list[bytes]:
    return [case.asked[at : at + 3] for at in range(0, len(case.asked), 3)]
