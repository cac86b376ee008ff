"""The open commit, and everything that waits for it to be on disk (DESIGN 2.3).

While commit N is on its way to the disk, N+1 collects: group commit without a timer. An effect carries the number of the
newest commit that holds an image and leaves when that one is durable; so what a client was told survives a crash, and
nobody sees what can vanish. A commit that fails ends the process: memory is ahead of the disk.
The one exception is asked for: the answer to a send with `durability: "memory"` says so, and waits for no disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from broker.hub.effects import Effect, ReplyTo
from broker.hub.rows import Image
from protocol.commands import HistoryPage, MessagePage, Reply, Sent
from protocol.errors import Refused
from protocol.records import Message

BEHIND_BYTES = 4 * 1_048_576
BEHIND_SECONDS = 1.0
OVERLOADED_TIMES = 4
IMAGE_BYTES = 160
"""About what an image without a body adds to a commit."""
EFFECT_BYTES = 400
"""About what an effect takes, or a message of a page without its body."""


class CommitFailed(BaseException):
    """The journal could not be written. Nothing may be acknowledged any more; the process ends with exit code 74."""


class StateBroken(BaseException):
    """An image could not be applied: memory is no longer what the journal says. The process ends."""


class Waiting:
    """What waits for one commit. Kept by commit, so that landing one costs the same however much waits for it."""

    __slots__ = ("commit", "effects", "page_bytes", "replies", "sends")

    def __init__(self, commit: int) -> None:
        self.commit = commit
        self.effects: list[Effect] = []
        self.page_bytes = 0
        """What the pages among them take."""
        self.replies: dict[int, int] = {}
        """How many there are of a session, of whatever kind."""
        self.sends: dict[int, int] = {}
        """Those to its sends."""

    def count(self, session: int, reply: Reply | Refused) -> None:
        replies = self.replies
        replies[session] = replies.get(session, 0) + 1
        if type(reply) is Sent:
            sends = self.sends
            sends[session] = sends.get(session, 0) + 1
        elif type(reply) is HistoryPage or type(reply) is MessagePage:
            self.page_bytes += weigh(reply)


class Log(Protocol):
    """What commits need of the journal (`broker.persistence.journal`)."""

    @property
    def idle(self) -> bool: ...
    @property
    def durable(self) -> int: ...
    @property
    def failed(self) -> BaseException | None: ...
    @property
    def in_flight_since(self) -> float | None: ...
    def append(self, number: int, body: bytes) -> None: ...
    def drain(self) -> None: ...


class Commits:
    """`number` is the open commit's; images join it in the order they were applied."""

    def __init__(
        self,
        journal: Log,
        encode: Callable[[list[Image]], bytes],
        on_durable: Callable[[int, list[Image], int], None],
        number: int,
        outgoing: deque[Effect],
        monotonic: Callable[[], float],
    ) -> None:
        self.number = number
        self.outgoing = outgoing
        self.durable = number - 1
        self.commits = 0
        self.behind = 0.0
        """How far the journal is behind, as of this turn: from 1 senders are not read, from OVERLOADED_TIMES refused."""
        self._journal = journal
        self._encode = encode
        self._on_durable = on_durable
        self._monotonic = monotonic
        self._images: list[Image] = []
        self._weighed = self._bytes = 0
        """How many of them have been weighed, because the journal was busy, and what they came to."""
        self._flying: tuple[int, list[Image], int] | None = None
        self._newest = number - 1
        """The newest commit that holds an image."""
        self._waiting: deque[Waiting] = deque()
        """By commit, ascending: the one that flies and the open one, hardly ever more."""
        self._last = Waiting(0)
        """The newest of them, or one that has landed."""

    def add(self, images: Sequence[Image]) -> None:
        self._newest = self.number
        self._images += images

    def emit(self, *effects: Effect) -> None:
        """Let them leave, in this order, as soon as nothing before them can vanish."""
        if self._newest <= self.durable:
            self.outgoing += effects
            return
        waiting = self._last
        if waiting.commit != self._newest:
            waiting = self._last = Waiting(self._newest)
            self._waiting.append(waiting)
        waiting.effects += effects
        for effect in effects:
            if type(effect) is ReplyTo:
                waiting.count(effect.session, effect.reply)

    def emit_early(self, answer: ReplyTo, *, in_order: bool) -> None:
        """Let an answer leave that waits for no disk, as its caller has asked (`SendMessage.memory`). What stays in order:
        with `in_order` the replies of a session leave in the order of its requests, so behind one that is held this one
        is held too. Pushes it may overtake: those to its own session, which are about what others did."""
        if in_order and any(answer.session in waiting.replies for waiting in self._waiting):
            self.emit(answer)
        else:
            self.outgoing.append(answer)

    def advance(self) -> None:
        """See what has become durable, and hand over the open commit if the journal is idle."""
        journal = self._journal
        journal.drain()
        if journal.failed is not None:
            raise CommitFailed(f"commit {self.durable + 1} could not be written: {journal.failed}") from journal.failed
        if journal.durable > self.durable:
            self._land()
        # The journal may finish between these looks at it: what has not landed must not be overtaken.
        if self._images and self._flying is None and journal.idle:
            body = self._encode(self._images)
            journal.append(self.number, body)
            self._flying = (self.number, self._images, len(body))
            self.number += 1
            self._images = []
            self._weighed = self._bytes = 0
        else:
            self._weigh()
        since = journal.in_flight_since
        waiting = self._monotonic() - since if since is not None else 0.0
        self.behind = max(self._bytes / BEHIND_BYTES, waiting / BEHIND_SECONDS)

    def _weigh(self) -> None:
        """Bring the weight of the open commit up to date. One that is handed over in the turn it was made in needs none."""
        new = self._images[self._weighed :]
        self._weighed += len(new)
        bodies = sum([len(row.body) for image in new if type(row := image.row) is Message])
        self._bytes += IMAGE_BYTES * len(new) + 2 * bodies  # each stands in a head, too

    def _land(self) -> None:
        self.durable = self._journal.durable
        if self._flying is not None:
            number, images, size = self._flying
            self._flying = None
            self.commits += 1
            self._on_durable(number, images, size)
        line = self._waiting
        while line and line[0].commit <= self.durable:
            self.outgoing.extend(line.popleft().effects)

    @property
    def accepted(self) -> int:
        """The newest commit that holds an image: what has been decided, on disk or not."""
        return self._newest

    def waiting_of(self, session: int) -> tuple[int, int]:
        """How many replies of this session are held, and the commit the first of them waits for; 0: none."""
        held = [waiting for waiting in self._waiting if session in waiting.replies]
        return sum(waiting.replies[session] for waiting in held), held[0].commit if held else 0

    def unanswered(self, session: int) -> int:
        """Sends of this session whose replies are held."""
        count = 0
        for waiting in self._waiting:
            count += waiting.sends.get(session, 0)
        return count

    @property
    def settled(self) -> bool:
        """Nothing waits for the disk."""
        return not (self._images or self._flying or self._waiting)

    @property
    def held(self) -> int:
        """Effects that wait."""
        return sum(len(waiting.effects) for waiting in self._waiting)

    @property
    def held_bytes(self) -> int:
        """About what they take."""
        return sum([EFFECT_BYTES * len(waiting.effects) + waiting.page_bytes for waiting in self._waiting])


def weigh(page: HistoryPage | MessagePage) -> int:
    """About the bytes, beside its own, that an answer keeps from being freed whose messages have been read for it alone;
    those of pushes are in the tail's budget."""
    return sum(EFFECT_BYTES + len(message.body) for message in page.messages)
