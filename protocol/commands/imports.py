"""Bringing in what another service has kept: conversations under the ids they had, and what was said in them.

The law: what an import says is judged item by item, each answered for, and a command said twice changes nothing twice: a
conversation is known by the id it had, and of each conversation messages are only taken that are newer than what is there.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.commands.base import Command, Rate, Reply

BATCH = 200
"""Conversations or messages of one command."""


class ImportedConversation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`alias` is the id it had: 24 hex digits. `quiet`: members who want no notifications. Times are Unix ms; `updated_ms`
    and `said_ms` (of its newest message, imported or not) 0 if never. Members who are no users yet are made."""

    alias: str
    room: bool
    name: str
    attributes: bytes
    creator: str
    members: tuple[str, ...]
    created_ms: int
    updated_ms: int = 0
    unique: bool = False
    quiet: tuple[str, ...] = ()
    said_ms: int = 0
    service: bool = False
    """A system conversation; its members are who subscribed."""


class ImportedMessage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`conversation` is the alias, `id` what the message was called: it is found by that, too, and LeanCloud's side goes on
    calling it so. `recalled`: its body is gone. `edited_ms` 0 if never."""

    conversation: str
    id: str
    time_ms: int
    sender: str
    type: int
    body: bytes
    recalled: bool = False
    edited_ms: int = 0
    mention_all: bool = False
    mentions: tuple[str, ...] = ()


class Left(msgspec.Struct, frozen=True, gc=False):
    """What was not taken: the alias or message id, and one sentence why."""

    id: str
    why: str


class ImportConversations(Command):
    """Make conversations as they were, at most BATCH (else TOO_LARGE). Nobody is told: they are there at the next sync.
    Management only. Replies Imported."""

    rate: ClassVar[Rate] = Rate.FREE
    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    conversations: tuple[ImportedConversation, ...]


class ImportMessages(Command):
    """Add messages with their own times to imported conversations, at most BATCH (else TOO_LARGE); those of a conversation
    by time and id, all at once or in this order over several commands. `finished`: conversations whose members shall have
    read all that was imported. Nobody is told. FULL if too many apps have imported. Management only. Replies Imported."""

    rate: ClassVar[Rate] = Rate.FREE
    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    messages: tuple[ImportedMessage, ...]
    finished: tuple[str, ...] = ()


class Imported(Reply):
    """`known`: were there already."""

    made: int
    known: int
    left: list[Left]
