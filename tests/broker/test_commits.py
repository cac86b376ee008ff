"""The open commit: what leaves when, and that nothing is lost between two looks at a journal that works on its own."""

from __future__ import annotations

from collections import deque

import pytest

from broker.commits import BEHIND_BYTES, CommitFailed, Commits
from broker.hub.effects import Effect, EndSession, ReplyTo
from broker.hub.rows import Image, UserRow, put
from protocol.commands import Done, Sent
from protocol.errors import CloseReason
from protocol.records import Message
from protocol.wires.wire import Ending


class HandLog:
    """A journal whose thread is the test: it finishes a commit when told to, also between two looks at it."""

    def __init__(self) -> None:
        self.appended: list[int] = []
        self.durable = 0
        self.failed: BaseException | None = None
        self.in_flight_since: float | None = None
        self.finishes_after_looks = 0
        """Looks at `durable` after which it finishes what flies; 0: when told."""

    def __getattribute__(self, name: str) -> object:
        value = object.__getattribute__(self, name)
        if name == "durable" and (looks := self.finishes_after_looks):
            self.finishes_after_looks = looks - 1
            if looks == 1:
                self.finish()
        return value

    @property
    def idle(self) -> bool:
        return self.in_flight_since is None

    def append(self, number: int, body: bytes) -> None:
        assert self.idle
        self.appended.append(number)
        self.in_flight_since = 0.0

    def finish(self) -> None:
        self.__dict__["durable"] = self.appended[-1]
        self.in_flight_since = None

    def drain(self) -> None:
        """There is no event to clear."""


class Bench:
    def __init__(self) -> None:
        self.log = HandLog()
        self.outgoing: deque[Effect] = deque()
        self.landed: list[tuple[int, list[Image], int]] = []
        self.commits = Commits(
            self.log,
            lambda images: b"",
            lambda number, images, size: self.landed.append((number, images, size)),
            1,
            self.outgoing,
            lambda: 0.5,
        )

    def write(self, name: str) -> Image:
        image = put("app", "users", UserRow(name, 0))
        self.commits.add([image])
        return image


@pytest.fixture
def bench() -> Bench:
    return Bench()


def reply(request: int, seq: int = 0) -> ReplyTo:
    return ReplyTo(7, request, Sent(message=1, conversation=1, seq=seq, time_ms=0) if seq else Done(time_ms=0))


def test_an_effect_waits_for_the_newest_commit_with_an_image_and_leaves_in_order(bench: Bench) -> None:
    bench.commits.emit(reply(0))
    assert list(bench.outgoing) == [reply(0)]  # nothing is uncommitted
    bench.write("a")
    bench.commits.emit(reply(1, seq=1))
    bench.commits.emit(EndSession(9, Ending(CloseReason.KICKED)))
    bench.commits.advance()
    bench.write("b")
    bench.commits.emit(reply(2, seq=2))
    assert len(bench.outgoing) == 1
    assert bench.commits.unanswered(7) == 2
    bench.log.finish()
    bench.commits.advance()
    assert list(bench.outgoing)[1:] == [reply(1, seq=1), EndSession(9, Ending(CloseReason.KICKED))]
    assert bench.commits.unanswered(7) == 1
    assert not bench.commits.settled
    bench.log.finish()
    bench.commits.advance()
    assert bench.outgoing[-1] == reply(2, seq=2)
    assert bench.commits.unanswered(7) == 0
    assert bench.commits.settled
    assert bench.log.appended == [1, 2]


@pytest.mark.parametrize("looks", range(1, 5))
def test_a_commit_that_finishes_between_two_looks_reaches_the_writer(bench: Bench, looks: int) -> None:
    first = bench.write("a")
    bench.commits.advance()
    second = bench.write("b")
    bench.log.finishes_after_looks = looks
    bench.commits.advance()
    while bench.log.finishes_after_looks:
        bench.commits.advance()
    bench.commits.advance()
    bench.log.finish()
    bench.commits.advance()
    assert [(number, images) for number, images, _ in bench.landed] == [(1, [first]), (2, [second])]


def test_a_commit_that_failed_ends_it_before_anything_leaves(bench: Bench) -> None:
    bench.write("a")
    bench.commits.emit(reply(1))
    bench.commits.advance()
    bench.log.failed = OSError("no space")
    with pytest.raises(CommitFailed, match="commit 1 could not be written: no space"):
        bench.commits.advance()
    assert not bench.outgoing


def answer(request: int, session: int = 7) -> ReplyTo:
    """To a send that asked for memory only."""
    return ReplyTo(session, request, Sent(message=1, conversation=1, seq=1, time_ms=0, memory=True))


def test_an_answer_that_waits_for_no_disk_leaves_at_once_but_behind_those_of_its_session(bench: Bench) -> None:
    bench.write("a")
    bench.commits.emit_early(answer(1), in_order=True)
    assert list(bench.outgoing) == [answer(1)]
    assert bench.commits.accepted == 1
    bench.commits.emit(reply(2))
    bench.commits.emit_early(answer(3), in_order=True)  # what came before it is held
    bench.commits.emit_early(answer(4, session=8), in_order=True)
    bench.commits.emit_early(answer(5), in_order=False)
    assert list(bench.outgoing)[1:] == [answer(4, session=8), answer(5)]
    bench.commits.advance()
    bench.log.finish()
    bench.commits.advance()
    assert list(bench.outgoing)[3:] == [reply(2), answer(3)]
    assert bench.commits.durable == bench.commits.accepted
    bench.write("b")
    bench.commits.emit_early(answer(6), in_order=True)  # nothing is held any more
    assert bench.outgoing[-1] == answer(6)


def test_it_is_behind_by_bytes_of_the_open_commit_or_seconds_in_flight(bench: Bench) -> None:
    bench.write("a")
    bench.commits.advance()
    assert bench.commits.behind == 0.5  # in flight for half a second
    body = Message(1, 1, 1, "tom", -1, b"x" * (BEHIND_BYTES // 2))
    bench.commits.add([put("app", "messages", body)])
    bench.commits.advance()
    assert bench.commits.behind >= 1
