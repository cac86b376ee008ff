"""Where the rows are that the tail let go: numbers only, so that their bodies can be read back from the journal.

A generation takes some thousands of rows and is dropped whole when its newest commit is applied, so nothing is ever taken
out of the middle. In it, new messages lie in arrays that ascend by seq and by id; an edited message repeats an old seq
and is kept apart. The tail decides what is let go; this only remembers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Hashable, Iterator
from typing import TypeVar

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey
from protocol.records import Message, PatchRecord

ROWS = 16_384
"""Of a generation. Small enough that little is kept after it is applied, large enough that a query sees few of them."""
SENDS_KEPT = 64
"""A (user, device) has so many slots: what is older does not count any more."""

Name = TypeVar("Name", bound=Hashable)


def line(lines: dict[Name, array[int]], name: Name) -> array[int]:
    found = lines.get(name)
    if found is None:
        found = lines[name] = array("Q")
    return found


class Generation:
    """The traces of up to ROWS rows. Arrays of a conversation hold pairs: seq, commit, seq, commit, .."""

    __slots__ = ("count", "edited", "edited_ids", "id_commits", "ids", "messages", "newest", "old_commits", "old_marks",
                 "patches", "sends")  # fmt: skip

    def __init__(self) -> None:
        self.newest = 0
        self.count = 0
        self.ids = array("Q")
        self.id_commits = array("Q")
        self.messages: dict[int, array[int]] = {}
        self.edited: dict[int, array[int]] = {}
        self.edited_ids: dict[int, array[int]] = {}
        self.old_marks = array("q")
        self.old_commits = array("Q")
        self.patches: dict[int, array[int]] = {}
        self.sends: dict[tuple[str, str], array[int]] = {}

    def add(self, commit: int, row: FetchedRow) -> None:
        self.newest = commit
        self.count += 1
        if isinstance(row, Message):
            if row.old_id:
                self.old_marks.append(hash((row.conversation, row.old_id)))
                self.old_commits.append(commit)
            pairs = line(self.messages, row.conversation)
            if row.rev or (pairs and pairs[-2] >= row.seq) or (self.ids and self.ids[-1] >= row.id):
                line(self.edited, row.conversation).extend((row.seq, commit))
                line(self.edited_ids, row.id).append(commit)
            else:
                pairs.extend((row.seq, commit))
                self.ids.append(row.id)
                self.id_commits.append(commit)
        elif isinstance(row, PatchRecord):
            line(self.patches, row.conversation).append(commit)
        else:
            commits = line(self.sends, (row.user, row.device))
            commits.append(commit)
            if len(commits) >= 2 * SENDS_KEPT:
                del commits[:-SENDS_KEPT]

    def commits(self, key: Key) -> Iterator[int]:
        if isinstance(key, MessagesKey):
            pairs = self.messages.get(key.conversation, ())
            places = range(len(pairs) // 2)
            first = bisect_left(places, key.lo, key=lambda place: pairs[2 * place])
            last = bisect_right(places, key.hi, key=lambda place: pairs[2 * place])
            for place in range(first, last):
                yield pairs[2 * place + 1]
            pairs = self.edited.get(key.conversation, ())
            for place in range(0, len(pairs), 2):
                if key.lo <= pairs[place] <= key.hi:
                    yield pairs[place + 1]
        elif isinstance(key, MessageKey):
            place = bisect_left(self.ids, key.message)
            if place < len(self.ids) and self.ids[place] == key.message:
                yield self.id_commits[place]
            yield from self.edited_ids.get(key.message, ())
        elif isinstance(key, OldKey):
            # In no order, so all are looked at: it is asked of imported messages only, and seldom.
            mark = hash((key.conversation, key.old_id))
            yield from (self.old_commits[at] for at, each in enumerate(self.old_marks) if each == mark)
        elif isinstance(key, PatchesKey):
            # A patch says in `changed` which commit it happened in.
            commits = self.patches.get(key.conversation, array("Q"))
            start = bisect_right(commits, key.since)
            yield from commits[max(start, len(commits) - key.limit) :] if key.last else commits[start : start + key.limit]
        else:
            yield from self.sends.get((key.user, key.device), array("Q"))[-SENDS_KEPT:]


class Traces:
    """All generations of one app, oldest first."""

    __slots__ = ("_generations",)

    def __init__(self) -> None:
        self._generations: deque[Generation] = deque()

    def __len__(self) -> int:
        """How many rows are traced, some of which may be applied already."""
        return sum(generation.count for generation in self._generations)

    def add(self, commit: int, row: FetchedRow) -> None:
        """Commits must not fall from one call to the next."""
        if not self._generations or self._generations[-1].count >= ROWS:
            self._generations.append(Generation())
        self._generations[-1].add(commit, row)

    def commits(self, key: Key) -> Iterator[int]:
        """The commits that may hold rows the key names; repeats are possible."""
        for generation in self._generations:
            yield from generation.commits(key)

    def applied(self, commit: int) -> None:
        """The store has everything up to `commit`."""
        while self._generations and self._generations[0].newest <= commit:
            self._generations.popleft()
