"""What handlers may look up that memory does not hold, and how they say that it is missing.

A hub never waits. A handler that needs old rows asks its `Rows`; what neither the tail nor an earlier fetch of this very
command has raises `Need`, the caller fetches outside the hub and executes the command again from the start. A handler
has changed nothing until it returns, so a second execution is the first one, with more rows.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from broker.hub.rows import Image, SendRow
from protocol.records import Message, PatchRecord


class MessagesKey(msgspec.Struct, frozen=True):
    """Messages of a conversation with lo <= seq <= hi. Gaps in what comes back are seqs that are gone."""

    conversation: int
    lo: int
    hi: int


class MessageKey(msgspec.Struct, frozen=True):
    """One message by id."""

    message: int


class OldKey(msgspec.Struct, frozen=True):
    """Messages of a conversation by the id they had where they were imported from; not "". One, unless an export named two
    alike."""

    conversation: int
    old_id: str


class PatchesKey(msgspec.Struct, frozen=True):
    """At most `limit` patches of a conversation with `changed` above `since`, by number: the first, or the last ones."""

    conversation: int
    since: int
    limit: int
    last: bool = False


class SendsKey(msgspec.Struct, frozen=True):
    """The remembered sends of one (user, device)."""

    user: str
    device: str


Key = MessagesKey | MessageKey | OldKey | PatchesKey | SendsKey
FetchedRow = Message | PatchRecord | SendRow


class Need(Exception):
    """The command cannot be decided before these rows are here."""

    def __init__(self, *keys: Key) -> None:
        super().__init__(*keys)
        self.keys = keys


class Tail(Protocol):
    """The rows not yet in every store, of one app (`broker.persistence.tail`)."""

    def add(self, commit: int, image: Image) -> None:
        """A message, patch or send of an open commit."""

    def message(self, message: int) -> Message | None:
        """None: not in the tail (or its body is on the journal only)."""

    def messages(self, conversation: int, lo: int, hi: int) -> list[Message] | None:
        """All of lo..hi ascending, or None if the tail does not hold every one of them in memory."""
