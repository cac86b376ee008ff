"""The durable tables: one row type each, its key, and the image a change of it travels as.

A row holds only int, str, bytes, bool and tuples of those, so that journal (msgpack arrays) and store (one column a
field; tuples as JSON) need no code per table. New fields go to the end with a default: old journals and databases still
read. The counterpart that changes memory is `broker.hub.tables.apply`; the ones that write are `broker.persistence`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from protocol.records import Message, PatchRecord


class Row(msgspec.Struct, array_like=True, gc=False):
    """Base of a table's row. Never changed in place: a change is a new row."""


class AppRow(Row):
    """An app and its settings, as JSON of `protocol.apps.App`. `fixed`: it comes from the settings file."""

    id: str
    body: bytes
    fixed: bool = False


class UserRow(Row):
    id: str
    created_ms: int
    attributes: bytes = b"{}"
    password: str = ""
    """argon2id hash, empty if none."""
    updated_ms: int = 0
    banned: bool = False
    deleted: bool = False
    tokens_from_ms: int = 0
    """Session tokens issued before are void."""
    visitor: bool = False
    """Without an account (ML-39)."""


class FriendRow(Row):
    """Kept once, under the two names in ascending order."""

    first: str
    second: str
    since_ms: int


class ConversationRow(Row):
    id: int
    kind: int
    creator: str
    owner: str
    created_ms: int
    name: str = ""
    attributes: bytes = b"{}"
    unique_key: str = ""
    """Kind and sorted members as JSON, for those that exist once."""
    updated_ms: int = 0
    deleted: bool = False
    changed: int = 0
    """The commit of the newest change of this row."""
    most: int = 0
    """Members it may have; 0: as many as the app allows its kind, which is never exceeded."""
    updated_by: str = ""
    """Who changed its name or attributes last; "" a back office."""
    ttl_seconds: int = 0
    """So long after it began a temporary conversation ends, if the app's `temporary_days` do not end it before; 0: then."""

    def is_over(self, now_ms: int) -> bool:
        """From then on it is not there, although its rows go only when housekeeping comes by."""
        return bool(self.ttl_seconds) and now_ms >= self.created_ms + self.ttl_seconds * 1000


class HeadRow(Row):
    """What each message moves. `floor`: seqs up to it are gone."""

    conversation: int
    last_seq: int = 0
    floor: int = 0
    patch: int = 0
    """How many patches there have been."""
    mention_all_seq: int = 0
    changed: int = 0
    """The commit of the newest message."""
    patched: int = 0
    """The commit of the newest patch."""
    last: bytes = b""
    """The newest message, as msgpack of `Message`; empty if none."""
    patched_ms: int = 0
    """When the newest patch was made; 0 also where that was before it was kept."""
    said_ms: int = 0
    """When the newest message was said where the conversation was imported from, until one is said here: it may have been
    imported without."""


class Act(enum.IntEnum):
    """What is done to a member, or to one who is blocked."""

    NONE = 0
    ROLE = 1
    MUTE = 2
    UNMUTE = 3
    BLOCK = 4
    UNBLOCK = 5


class MemberRow(Row):
    conversation: int
    user: str
    joined_ms: int
    role: int = 0
    joined_seq: int = 0
    """last_seq at the join."""
    muted_until_ms: int = 0
    """0 not muted, -1 until unmuted."""
    left_ms: int = 0
    """Not 0: a tombstone, kept 30 days for `sync`."""
    blocked: bool = False
    """With `left_ms`: may not come back; such a tombstone stays."""
    changed: int = 0
    quiet: bool = False
    """Wants no notifications of this conversation."""
    by: str = ""
    """Who let him in or put him out; "" a back office."""
    act: int = 0
    """The newest `Act` on him while he stayed where he is, when, and by whom: what those are told who were away."""
    act_ms: int = 0
    act_by: str = ""

    def is_muted(self, now_ms: int) -> bool:
        return self.muted_until_ms < 0 or self.muted_until_ms > now_ms


class JoinRequestRow(Row):
    """`user` has asked to be let in, and is no member yet."""

    conversation: int
    user: str
    asked_ms: int


class PositionRow(Row):
    """How far a member has received and read. Coalesced: rides in a commit at most every 2 s."""

    conversation: int
    user: str
    read_seq: int = 0
    delivered_seq: int = 0
    own: tuple[int, ...] = ()
    """Own seqs above read_seq, at most 64: the 65th moves read_seq to the oldest."""
    receipt_seq: int = 0
    """Newest own message that asked for receipts."""
    changed: int = 0


class MentionRow(Row):
    user: str
    conversation: int
    seq: int


class SendRow(Row):
    """One of the last 64 sends of a (user, device) that carried a `client_msg_id`."""

    user: str
    device: str
    slot: int
    """n mod 64."""
    n: int
    """Counts sends with a `client_msg_id` from 1."""
    client_msg_id: str
    message: int
    conversation: int
    seq: int


class ClassMarkRow(Row):
    """When a class was last told something (HI-14)."""

    class_id: int
    day: int
    record: int
    """The id of that mark."""
    at_ms: int


class AliasRow(Row):
    """What an import has brought: a conversation by the id it had (`kind` leancloud), and how far its messages are here.
    Kept when the conversation is deleted, so that no import brings it back. Of `kind` lane, `target` is the app's lane
    (`protocol.ids`)."""

    kind: str
    text: str
    target: int
    until_ms: int = 0
    """The newest imported message: when it was said, the id it had, and its seq."""
    until_id: str = ""
    until_seq: int = 0


class Table(msgspec.Struct, frozen=True):
    """How a table is kept. `in_memory`: all of it is loaded at start; the others are read when asked for."""

    name: str
    row: type[Any]
    key: tuple[str, ...]
    in_memory: bool = True
    indexes: tuple[tuple[str, ...], ...] = ()
    sparse: tuple[tuple[str, ...], ...] = ()
    """Indexes of those rows only whose last field of the index is not its default: what few rows have costs the others
    nothing."""


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("apps", AppRow, ("id",)),
        Table("users", UserRow, ("id",)),
        Table("friends", FriendRow, ("first", "second")),
        Table("conversations", ConversationRow, ("id",)),
        Table("heads", HeadRow, ("conversation",)),
        Table("members", MemberRow, ("conversation", "user")),
        Table("positions", PositionRow, ("conversation", "user")),
        Table("mentions", MentionRow, ("user", "conversation")),
        Table("join_requests", JoinRequestRow, ("conversation", "user")),
        Table("class_marks", ClassMarkRow, ("class_id",)),
        Table("aliases", AliasRow, ("kind", "text")),
        Table("sends", SendRow, ("user", "device", "slot"), in_memory=False),
        # The id alone is the SQL key (SQLite rowid): ids are unique over all apps, and rows in id order are written
        # twice as fast as rows clustered by conversation.
        Table(
            "messages",
            Message,
            ("id",),
            in_memory=False,
            indexes=(("conversation", "seq"),),
            sparse=(("conversation", "old_id"),),
        ),
        Table("patches", PatchRecord, ("conversation", "number"), in_memory=False),
    )
}


class Image(msgspec.Struct, array_like=True, gc=False):
    """A durable row as it is after a change. `row` None: the row is gone; `key` says which.

    `app` is "" in the table `apps` only.
    """

    app: str
    table: str
    key: tuple[Any, ...]
    row: Any | None


KEYS: dict[str, Callable[[Any], Any]] = {table.name: attrgetter(*table.key) for table in TABLES.values()}
"""Four times faster than a loop over the names; of a single name it gives the bare value."""


def put(app: str, table: str, row: Any) -> Image:
    key = KEYS[table](row)
    return Image(app, table, key if type(key) is tuple else (key,), row)


def delete(app: str, table: str, *key: Any) -> Image:
    return Image(app, table, key, None)


encode_message = msgspec.msgpack.Encoder().encode
decode_message = msgspec.msgpack.Decoder(Message).decode
"""`HeadRow.last` and back."""


def said_ms(head: HeadRow) -> int:
    """When somebody spoke last; 0 if nobody has."""
    return max(decode_message(head.last).time_ms if head.last else 0, head.said_ms)
