"""What every client asked and what it was told, in the words of the wire: the one side of the comparison.

The law: an ask is written down before its first byte leaves, as unknown; only an answer makes it more than that. A retry
is the same ask, under the same `client_msg_id`: a refusal says that this attempt did nothing, and so can only make a
failure of an ask that was tried once. The other side, what the broker still has, is compared by `tests.faults.checker`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple


class Outcome(Enum):
    OK = "acknowledged"
    FAIL = "refused, nothing was done"
    UNKNOWN = "asked, and never answered"


class Said(NamedTuple):
    """A message as somebody was shown it."""

    seq: int
    msg_id: str
    text: str


def said(data: dict[str, Any]) -> Said:
    """Of a `msg.new` push, or an entry of `msg.history`."""
    return Said(data["seq"], data["msg_id"], data["text"])


@dataclass
class Ask:
    """One message somebody wanted said. `text` is said by no other ask, and serves as `client_msg_id`."""

    user: str
    conversation: str
    text: str
    attempts: int = 0
    outcome: Outcome = Outcome.UNKNOWN
    told: Said | None = None
    """In the acknowledgement."""
    code: int = 0
    """Of the newest refusal."""


@dataclass
class Reading:
    """A recipient's copy of a conversation: what it was pushed and what it fetched after a reconnect, in that order."""

    user: str
    conversation: str
    seen: list[Said] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.seen[-1].seq if self.seen else 0


class Ledger:
    def __init__(self) -> None:
        self.asks: dict[str, Ask] = {}
        """By text."""
        self.heard: list[tuple[str, str, Said]] = []
        """(user, conversation, message) of every push anybody got."""
        self.readings: dict[tuple[str, str], Reading] = {}
        """By user and conversation."""
        self._counts: defaultdict[str, int] = defaultdict(int)

    def ask(self, user: str, conversation: str, size: int = 0) -> Ask:
        """A new one, its text filled up to `size` characters."""
        self._counts[user] += 1
        text = f"{user} {self._counts[user]}".ljust(size, ".")
        ask = self.asks[text] = Ask(user, conversation, text)
        return ask

    def answered(self, ask: Ask, frame: dict[str, Any]) -> None:
        """Note the answer to the newest attempt."""
        if frame["type"].endswith(".success"):
            ask.outcome = Outcome.OK
            ask.told = Said(frame["data"]["seq"], frame["data"]["msg_id"], ask.text)
            return
        ask.code = frame["code"]
        if ask.attempts == 1:
            ask.outcome = Outcome.FAIL

    def hear(self, user: str, data: dict[str, Any]) -> None:
        self.heard.append((user, data["conv_id"], said(data)))

    def reading(self, user: str, conversation: str) -> Reading:
        return self.readings.setdefault((user, conversation), Reading(user, conversation))

    def unknown(self, user: str) -> list[Ask]:
        return [ask for ask in self.asks.values() if ask.user == user and ask.outcome is Outcome.UNKNOWN]

    def of(self, outcome: Outcome) -> list[Ask]:
        return [ask for ask in self.asks.values() if ask.outcome is outcome]
