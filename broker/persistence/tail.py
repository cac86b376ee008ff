"""The tail: messages, patches and sends that are applied in memory but not yet in the store, one of each app.

Rows are held while the budget of all apps lasts. Beyond it the oldest rows of the app that adds are let go: only numbers
remain (`broker.persistence.traces`), the bodies are on the journal and `commits_for` says in which commits. So what is let
go is always older than what is held. `applied` drops, from the front, what the store has. Adding, letting go and dropping
cost the same however much the tail holds.

A message has several images if it is edited; the one with the higher `rev` wins, wherever it was found. Readers copy from
here before they ask the store, so that a row on its way from here to there is seen twice rather than never.
The part of it that handlers see is `broker.hub.recent.Tail`. Plain, and of one thread, like the hub.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import Image, SendRow
from broker.persistence.store import belongs
from broker.persistence.traces import Traces
from protocol.records import Message, PatchRecord

MESSAGE_BYTES = 700
"""Of a held message without its texts: the row and its strings, its dict entries and its place in the queue (measured
with tracemalloc, rounded up; so the others)."""
OLD_ID_BYTES = 250
"""Of a held message that was imported, besides."""
PATCH_BYTES = 500
SEND_BYTES = 600

Name = TypeVar("Name")


class Budget:
    """How many bytes of rows the tails of all apps may hold together."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class Held(msgspec.Struct, gc=False):
    """One row in memory. `row` None: a newer image took its place, or it was removed; the body is free already."""

    commit: int
    row: FetchedRow | None
    size: int


class Tail:
    """The tail of one app. `messages(conversation, lo, hi)` costs as much as its answer."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._queue: deque[Held] = deque()
        self._messages: dict[int, dict[int, Held]] = {}
        self._by_id: dict[int, Held] = {}
        self._by_old_id: dict[tuple[int, str], int] = {}
        self._patches: dict[int, dict[int, Held]] = {}
        self._sends: dict[tuple[str, str], dict[int, Held]] = {}
        self._traces = Traces()
        self._applied = self._sends_applied = 0

    def statistics(self) -> dict[str, int]:
        """`held` rows, and how many were `let_go` of those not applied (a few thousand applied ones may be counted)."""
        held = len(self._by_id) + sum(map(len, self._patches.values())) + sum(map(len, self._sends.values()))
        return {"held": held, "let_go": len(self._traces)}

    # Changing ------------------------------------------------------------------------------------------------------

    def add(self, commit: int, image: Image) -> None:
        """Take in an image of that commit, if it is of one of the tail's tables. Commits must not fall.

        An image without a row takes the held row out; what the store has of it is not hidden, as no command deletes
        such rows one by one.
        """
        row = image.row
        if type(row) is Message:
            size = MESSAGE_BYTES + len(row.body) + len(row.push_data)
            if row.old_id:
                size += OLD_ID_BYTES
                self._by_old_id[row.conversation, row.old_id] = row.id
            held = self._by_id[row.id] = Held(commit, row, size)
            self._put(self._messages, row.conversation, row.seq, held)
        elif type(row) is PatchRecord:
            held = Held(commit, row, PATCH_BYTES + len(row.body))
            self._put(self._patches, row.conversation, row.number, held)
        elif type(row) is SendRow:
            held = Held(commit, row, SEND_BYTES)
            self._put(self._sends, (row.user, row.device), row.slot, held)
        else:
            if row is None:
                self._remove(image)
            return
        self._queue.append(held)
        budget = self._budget
        budget.used += held.size
        while budget.used > budget.limit and self._queue:
            self._let_one_go()

    def _put(self, lines: dict[Name, dict[int, Held]], name: Name, place: int, held: Held) -> None:
        line = lines.get(name)
        if line is None:
            line = lines[name] = {}
        elif (old := line.get(place)) is not None:
            self._empty(old)
        line[place] = held

    def _remove(self, image: Image) -> None:
        held: Held | None = None
        if image.table == "messages":
            held = self._by_id.get(image.key[0])
        elif image.table == "patches":
            held = self._patches.get(image.key[0], {}).get(image.key[1])
        elif image.table == "sends":
            held = self._sends.get((image.key[0], image.key[1]), {}).get(image.key[2])
        if held is not None:
            self._take_out(held)

    def _empty(self, held: Held) -> None:
        held.row = None
        self._budget.used -= held.size

    def _take_out(self, held: Held) -> FetchedRow | None:
        """Out of memory, if no newer image has its place. The row it held, else None."""
        row = held.row
        if row is None:
            return None
        self._empty(held)
        if isinstance(row, Message):
            del self._by_id[row.id]
            if row.old_id and self._by_old_id.get((row.conversation, row.old_id)) == row.id:
                del self._by_old_id[row.conversation, row.old_id]
            forget(self._messages, row.conversation, row.seq)
        elif isinstance(row, PatchRecord):
            forget(self._patches, row.conversation, row.number)
        else:
            forget(self._sends, (row.user, row.device), row.slot)
        return row

    def _let_one_go(self) -> None:
        held = self._queue.popleft()
        if (row := self._take_out(held)) is not None:
            self._traces.add(held.commit, row)

    def applied(self, commit: int, most: int | None = None) -> bool:
        """Drop what the store has: everything up to `commit`, or the first `most` rows of it. Whether more are left."""
        self._applied = max(self._applied, commit)
        self._traces.applied(commit)
        queue = self._queue
        while queue and queue[0].commit <= commit:
            if most == 0:
                return True
            if most is not None:
                most -= 1
            self._take_out(queue.popleft())
        return False

    def sends_applied(self, commit: int) -> None:
        """The store of sends has everything up to `commit`: their bodies are not looked for on the journal any more."""
        self._sends_applied = max(self._sends_applied, commit)

    # Reading -------------------------------------------------------------------------------------------------------

    def message(self, message: int) -> Message | None:
        """None: not in the tail, or its body is on the journal only."""
        held = self._by_id.get(message)
        return held.row if held is not None and isinstance(held.row, Message) else None

    def messages(self, conversation: int, lo: int, hi: int) -> list[Message] | None:
        """All of lo..hi ascending, or None if the tail does not hold every one of them in memory."""
        line = self._messages.get(conversation)
        if line is None or hi - lo >= len(line):
            return None if lo <= hi else []
        found: list[Message] = []
        for seq in range(lo, hi + 1):
            held = line.get(seq)
            if held is None or not isinstance(held.row, Message):
                return None
            found.append(held.row)
        return found

    def copy(self, keys: Iterable[Key]) -> list[FetchedRow]:
        """The rows held for the keys, in no order. To be called before the store is asked."""
        return [held.row for key in keys for held in self._held(key) if held.row is not None]

    def _held(self, key: Key) -> Iterator[Held]:
        if isinstance(key, MessagesKey):
            line = self._messages.get(key.conversation, {})
            if key.hi - key.lo < len(line):
                yield from (line[seq] for seq in range(key.lo, key.hi + 1) if seq in line)
            else:
                yield from (held for seq, held in line.items() if key.lo <= seq <= key.hi)
        elif isinstance(key, MessageKey):
            if (held := self._by_id.get(key.message)) is not None:
                yield held
        elif isinstance(key, OldKey):
            if (held := self._by_id.get(self._by_old_id.get((key.conversation, key.old_id), 0))) is not None:
                yield held
        elif isinstance(key, PatchesKey):
            yield from (held for held in self._patches.get(key.conversation, {}).values() if belongs(held.row, key))
        else:
            yield from self._sends.get((key.user, key.device), {}).values()

    def commits_for(self, keys: Iterable[Key]) -> list[int]:
        """The commits on the journal that may hold further rows for the keys, ascending, each once."""
        found: set[int] = set()
        for key in keys:
            applied = self._sends_applied if isinstance(key, SendsKey) else self._applied
            found.update(commit for commit in self._traces.commits(key) if commit > applied)
        return sorted(found)


def forget(lines: dict[Name, dict[int, Held]], name: Name, place: int) -> None:
    line = lines[name]
    del line[place]
    if not line:
        del lines[name]


def merge(keys: Sequence[Key], tail_rows: Iterable[FetchedRow], store_rows: Iterable[FetchedRow]) -> list[FetchedRow]:
    """One row each of what was found in both places: messages by id with the higher `rev`, patches by number, sends by slot
    with the higher `n`; at equality the tail's. Messages come first, by conversation and seq; then patches by conversation
    and number, of each key the first or last `limit`; then sends by `n`."""
    messages: dict[int, Message] = {}
    patches: dict[tuple[int, int], PatchRecord] = {}
    sends: dict[tuple[str, str, int], SendRow] = {}
    for rows in (store_rows, tail_rows):
        for row in rows:
            if not any(belongs(row, key) for key in keys):
                continue
            if isinstance(row, Message):
                if row.id not in messages or row.rev >= messages[row.id].rev:
                    messages[row.id] = row
            elif isinstance(row, PatchRecord):
                patches[row.conversation, row.number] = row
            else:
                place = (row.user, row.device, row.slot)
                if place not in sends or row.n >= sends[place].n:
                    sends[place] = row
    ordered = [patches[place] for place in sorted(patches)]
    wanted: dict[int, None] = {}
    for key in keys:
        if isinstance(key, PatchesKey):
            named = [id(row) for row in ordered if belongs(row, key)]
            wanted.update(dict.fromkeys(named[-key.limit :] if key.last else named[: key.limit]))
    return [
        *sorted(messages.values(), key=lambda row: (row.conversation, row.seq)),
        *(row for row in ordered if id(row) in wanted),
        *sorted(sends.values(), key=lambda row: (row.user, row.device, row.n)),
    ]
