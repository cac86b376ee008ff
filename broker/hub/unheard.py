"""What a client that was away is told without reading histories: messages none of its user's clients has received, and
changes of messages it may have (`protocols.md` 2.1, 2.7).

The law: nothing is told twice or falls between. What is said or changed while a session lives is pushed to it, so these
answers hold what was there when it began; rows of many conversations are asked of the store at once. Both are bounded,
newest first: what is left out of a conversation is in its history, what is left out whole is there at the next login.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker.hub.conversations import readable_from
from broker.hub.decision import Decision
from broker.hub.history import seq_from
from broker.hub.hub import scans
from broker.hub.messages import ANSWER_BYTES, MESSAGE_BYTES
from broker.hub.recent import Key, Need, PatchesKey
from broker.hub.where import STEP
from protocol.commands import PatchedSince, Reply, Undelivered, Unheard
from protocol.errors import Refused
from protocol.ids import LARGEST
from protocol.records import Kind, Message, PatchRecord, Status, UnheardMessages

MOST = 100
MOST_CONVERSATIONS = 50
MOST_EACH = 20
WINDOW = 50
"""The newest messages of a conversation among which those are looked for that others said and nobody deleted."""

Page = tuple[int, list[Message], bool]
"""Conversation, messages in the order they are told, whether there are older ones."""


@scans(Undelivered)
def undelivered(d: Decision, c: Undelivered) -> Iterator[Reply | None]:
    user = d.actor().id
    speaking: list[tuple[int, int]] = []
    for number in _memberships(d, user):
        if number is None:
            yield None
        elif d.head(number).last_seq > _received(d, number, user):
            speaking.append((d.head(number).changed, number))
    until = LARGEST if d.caller.session is None else d.caller.session.newest
    pages, missing = list[Page](), list[Key]()
    for number in _newest(d, user, speaking):
        try:
            pages.append(_unheard(d, number, user, until))
        except Need as need:
            missing += need.keys
    if missing:
        raise Need(*missing)
    yield Unheard(conversations=_bounded(d, pages))


def _unheard(d: Decision, number: int, user: str, until: int) -> Page:
    """The newest of what others had said by `until` and has not been received."""
    row, member = d.conversation(number), d.member(number, user)
    first = max(_received(d, number, user) + 1, readable_from(d, row, member))
    hi = seq_from(d, number, until + 1) - 1
    lo = max(first, hi - WINDOW + 1)
    said = [each for each in d.messages(number, lo, hi) if each.sender != user and each.status != Status.DELETED]
    return number, said[-MOST_EACH:], lo > first or len(said) > MOST_EACH


def _received(d: Decision, number: int, user: str) -> int:
    position = d.position(number, user)
    return max(position.delivered_seq, position.read_seq)


@scans(PatchedSince)
def patched_since(d: Decision, c: PatchedSince) -> Iterator[Reply | None]:
    user = d.actor().id
    changed: list[tuple[int, int]] = []
    for number in _memberships(d, user):
        if number is None:
            yield None
        elif d.head(number).patched_ms > c.since_ms:
            changed.append((d.head(number).patched_ms, number))
    newest = _newest(d, user, changed)
    until = d.now if d.caller.session is None else d.caller.session.since_ms
    missing: list[Key] = [key for number in newest if (key := PatchesKey(number, -1, MOST_EACH, last=True)) not in d.found]
    if missing:
        raise Need(*missing)
    pages: list[Page] = []
    for number in newest:
        patches = d.patches(number, -1, MOST_EACH, last=True)
        first = readable_from(d, d.conversation(number), d.member(number, user))
        unseen = [each for each in patches if c.since_ms < each.time_ms <= until and each.seq >= first]
        pages.append((number, _messages(d, unseen, missing), False))
    if missing:
        raise Need(*missing)
    yield Unheard(conversations=_bounded(d, pages))


def _messages(d: Decision, patches: list[PatchRecord], missing: list[Key]) -> list[Message]:
    """Those that are still there, the one changed last at the end."""
    found: list[Message] = []
    for patch in patches:
        try:
            message = d.message(patch.conversation, patch.message)
        except Need as need:
            missing += need.keys
        except Refused:
            continue
        else:
            if message.patch == patch.number and message.status != Status.DELETED:
                found.append(message)
    return found


def _memberships(d: Decision, user: str) -> Iterator[int | None]:
    """The conversations a user is a member of and that keep positions; None after each step."""
    tables = d.hub.tables
    for count, number in enumerate(list(tables.memberships.get(user, ()))):
        if count % STEP == STEP - 1:
            yield None
        row = tables.conversations.get(number)
        if row is not None and row.kind != Kind.ROOM:
            yield number


def _newest(d: Decision, user: str, found: Iterable[tuple[int, int]]) -> list[int]:
    """Of those found, while he is still a member."""
    memberships = d.hub.tables.memberships.get(user, ())
    return [number for _, number in sorted(found, reverse=True) if number in memberships][:MOST_CONVERSATIONS]


def _bounded(d: Decision, pages: list[Page]) -> list[UnheardMessages]:
    """As much as fits into one answer, of each conversation the last ones."""
    told: list[UnheardMessages] = []
    count = size = 0
    for number, messages, more in pages:
        kept: list[Message] = []
        for message in reversed(messages):
            size += MESSAGE_BYTES + len(message.body)
            if count == MOST or (count and size > ANSWER_BYTES):
                break
            count += 1
            kept.append(message)
        if kept:
            alias = d.hub.tables.alias_of.get(number, "")
            cut = more or len(kept) < len(messages)
            told.append(UnheardMessages(d.conversation(number).kind, kept[::-1], cut, alias))
    return told
