"""The tally of a round: every message once, no more, no less.

The law: a round counts only if each message it sent came back exactly once wherever it had to come, and nothing else did.
Messages carry a number between two marks, in the payload and in the request's id, so any wire's bytes can be counted
by the same few lines.
"""

from __future__ import annotations

import re

MARK = b"#"
DIGITS = 8
NUMBER = re.compile(rb"#(\d{8})#")


def marked(number: int) -> bytes:
    """The number as it travels."""
    return b"#%08d#" % number


def payload(number: int, size: int) -> bytes:
    """A text of `size` bytes that carries the number."""
    return marked(number).ljust(size, b"x")


class Tally:
    """Of the messages `first` up to `first + count`, at one place where each has to arrive once."""

    __slots__ = ("count", "first", "marks", "strangers")

    def __init__(self, first: int, count: int) -> None:
        self.first = first
        self.count = count
        self.marks = bytearray(count)
        self.strangers = 0

    def add(self, number: int) -> bool:
        """One arrived; True if it was expected and is here for the first time."""
        at = number - self.first
        if not 0 <= at < self.count:
            self.strangers += 1
            return False
        seen = self.marks[at]
        self.marks[at] = min(seen + 1, 255)
        return not seen

    def add_frame(self, frame: bytes) -> bool:
        """The same for a frame with a number in it; a frame without one is a stranger."""
        found = NUMBER.search(frame)
        if found is None:
            self.strangers += 1
            return False
        return self.add(int(found[1]))

    def verdict(self, what: str) -> str:
        """Why the round is void, in a few words; empty if it is sound."""
        lost = self.marks.count(0)
        doubled = self.count - lost - self.marks.count(1)
        faults = [(lost, "lost"), (doubled, "twice or more"), (self.strangers, "never sent")]
        return ", ".join(f"{number} {what} {fault}" for number, fault in faults if number)
