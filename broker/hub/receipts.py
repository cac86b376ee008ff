"""Telling others how far a member has come: receipts to senders who asked, read marks to the reader's own sessions.

Both are merged, newest wins, and leave at most once a second for a reader and conversation (SOCKET.md `msg.receipt`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from broker.hub.effects import Effect, Post
from broker.hub.rows import ConversationRow, HeadRow, PositionRow, decode_message
from broker.hub.session import LEANCLOUD
from protocol.ids import time_of
from protocol.pushes import ConversationRead, MessageReceived, Receipt

if TYPE_CHECKING:
    from broker.hub.hub import Hub

EVERY_MS = 1_000
MOST_MEMBERS = 50
MOST_MESSAGES, MOST_CONVERSATIONS = 20, 10_000
"""Whose receipts are told one by one: the newest of a conversation, in so many conversations."""


class _Due:
    __slots__ = ("at_ms", "from_seq", "read_by", "received_seq")

    def __init__(self) -> None:
        self.at_ms = 0
        self.from_seq: int | None = None
        """Where the member stood when senders were last told; None: nothing to tell them."""
        self.received_seq = 0
        """What had been received by then: it is not told again message by message."""
        self.read_by: int | None = None
        """The session that read, if the others of its user have to hear of it."""


class Receipts:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: dict[tuple[int, str], _Due] = {}
        self._due: set[tuple[int, str]] = set()
        self._asked: dict[int, deque[tuple[int, int, str]]] = {}
        """(seq, message, sender) of those whose senders are told one by one, by conversation; the last that was asked in
        last. The rows themselves may be out of memory by then."""

    def asked(self, conversation: int, seq: int, message: int, sender: str) -> None:
        """A message wants a receipt of its own. After a restart it gets none: what its sender reads then tells him."""
        messages = self._asked.pop(conversation, None) or deque(maxlen=MOST_MESSAGES)
        messages.append((seq, message, sender))
        self._asked[conversation] = messages
        if len(self._asked) > MOST_CONVERSATIONS:
            del self._asked[next(iter(self._asked))]

    def moved(self, before: PositionRow, after: PositionRow, by: int) -> None:
        """A member's position has moved; `by` is the session that said so."""
        key = (after.conversation, after.user)
        due = self._known.get(key)
        if due is None:
            due = self._known[key] = _Due()
        # What was read has been received, whether or not the client says so.
        received = max(before.delivered_seq, before.read_seq)
        told = before.read_seq if after.read_seq > before.read_seq else received
        due.received_seq = received if due.from_seq is None else min(due.received_seq, received)
        due.from_seq = told if due.from_seq is None else min(due.from_seq, told)
        if after.read_seq > before.read_seq:
            due.read_by = by
        self._due.add(key)

    def tick(self, now_ms: int) -> list[Effect]:
        effects: list[Effect] = []
        for key in [key for key in self._due if now_ms - self._known[key].at_ms >= EVERY_MS]:
            self._due.discard(key)
            due = self._known[key]
            due.at_ms = now_ms
            effects += self._effects(key, due, now_ms)
            due.from_seq, due.read_by = None, None
        for key in [key for key, due in self._known.items() if now_ms - due.at_ms > EVERY_MS and key not in self._due]:
            del self._known[key]
        return effects

    def _effects(self, key: tuple[int, str], due: _Due, now_ms: int) -> list[Effect]:
        conversation, user = key
        tables, app = self._hub.tables, self._hub.app.id
        positions = tables.positions.get(conversation, {})
        here = positions.get(user)
        head, row = tables.heads.get(conversation), tables.conversations.get(conversation)
        if here is None or head is None or row is None:
            return []
        effects: list[Effect] = []
        if due.read_by is not None:
            others = [session for session in self._hub.sessions_of(user) if session != due.read_by]
            if others:
                push = ConversationRead(
                    app=app,
                    conversation=conversation,
                    by=user,
                    seq=here.read_seq,
                    unread=unread(head.last_seq, head.floor, here),
                    kind=row.kind,
                )
                effects.append(Post(others, push))
        if due.from_seq is not None and len(tables.members.get(conversation, ())) <= MOST_MEMBERS:
            listeners = [
                session
                for sender, position in positions.items()
                if sender != user and position.receipt_seq > due.from_seq
                for session in self._hub.sessions_of(sender)
            ]
            if listeners:
                delivered = max(here.delivered_seq, here.read_seq)
                receipt = Receipt(
                    app=app,
                    conversation=conversation,
                    user=user,
                    delivered_seq=delivered,
                    read_seq=here.read_seq,
                    kind=row.kind,
                    read_ms=self._said_ms(head, here.read_seq),
                )
                effects += self._one_by_one(row, user, due.received_seq, delivered, now_ms)
                effects.append(Post(listeners, receipt))
        return effects

    def _said_ms(self, head: HeadRow, seq: int) -> int:
        if seq and seq == head.last_seq:
            return decode_message(head.last).time_ms
        kept = self._hub.tables.tail.messages(head.conversation, seq, seq) if seq > head.floor else None
        if kept:
            return kept[0].time_ms
        return max((time_of(message) for at, message, _ in self._asked.get(head.conversation, ()) if at <= seq), default=0)

    def _one_by_one(self, row: ConversationRow, user: str, since: int, until: int, now_ms: int) -> list[Effect]:
        """The newest messages that asked for receipts, to those sessions of their senders that are told one by one."""
        effects: list[Effect] = []
        for seq, message, sender in self._asked.get(row.id, ()):
            if since < seq <= until and sender != user:
                told = self._hub.on_wire(self._hub.sessions_of(sender), LEANCLOUD)
                push = MessageReceived(
                    app=self._hub.app.id, conversation=row.id, message=message, user=user, time_ms=now_ms, kind=row.kind
                )
                if told:
                    effects.append(Post(told, push))
        return effects


def unread(last_seq: int, floor: int, position: PositionRow) -> int:
    """DESIGN 2.3: last_seq - max(read_seq, floor) - own."""
    read = max(position.read_seq, floor)
    return max(last_seq - read - sum(1 for seq in position.own if seq > read), 0)
