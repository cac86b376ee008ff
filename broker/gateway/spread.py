"""Pushes on their way into outboxes: one, or several that follow each other to the very same sessions.

The law: a push is encoded once for each format among its receivers, and the same bytes go to all of them; where each one's
end differs (seats), all that stands before it is. A wire that fails on a push is logged once and costs its receivers that
push, nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import cast

from broker.gateway.framing import Format
from broker.gateway.outbox import MARKS, Outbox, Personal, SeatOutbox, marked
from broker.gateway.table import Table
from broker.hub.effects import Post
from protocol.pushes import MessageNew, Push
from protocol.wires.wire import Wire

logger = logging.getLogger(__name__)

MOST_GATHERED = 128
GATHERED_BYTES = 65_536


class Spread:
    """`post` and the pushes that were taken along with it."""

    __slots__ = ("_bytes", "_encoded", "_payloads", "_pushes", "_table", "post")

    def __init__(self, table: Table, post: Post) -> None:
        self.post = post
        self._table = table
        self._pushes: list[Push] = [post.push]
        self._bytes = 0
        self._payloads: dict[tuple[bool, Hashable], list[bytes]] = {}
        """Of the pushes, by what wires share the bytes of a push by."""
        self._encoded: dict[Format | None, bytes | Personal | None] = {None: None}  # no format: it has not logged in

    def take(self, post: Post) -> bool:
        """Take this one along, if it goes to the same sessions and nobody has had anything yet: a busy group's messages
        reach each outbox as one piece, to be dropped as one or never (measured, to 500 with 64 in flight: 0.84 us a
        delivery, 0.5 so; of transient messages 0.41, 0.20 so)."""
        first = self.post
        if (
            post.sessions is first.sessions
            and post.skip == first.skip
            and type(post.push) is MessageNew
            and post.push.dispensable == first.push.dispensable
            and len(self._pushes) < MOST_GATHERED
            and self._bytes < GATHERED_BYTES
        ):
            self._pushes.append(post.push)
            self._bytes += len(post.push.message.body)
            return True
        return False

    def put(self, sessions: Iterable[int], level: int) -> None:
        """Put it into the outboxes of some of its sessions, which are flushed as `level` has it. This loop is the product's
        speed: locals, no calls but two (measured: 0.13 us a delivery to 500, 0.2 to 20,000)."""
        table = self._table
        find = table.outboxes.get
        touch = table.waiting[level].append
        encoded = self._encoded
        skipped = find(self.post.skip)
        pushes = 0
        form: Format | None = None
        frame: bytes | Personal | None = None
        for session in sessions:
            outbox = find(session)
            if outbox is None or outbox is skipped:
                continue
            if outbox.format is not form:
                form = outbox.format
                if form not in encoded:
                    encoded[form] = self._encode(outbox)
                frame = encoded[form]
            if frame is None:
                continue
            if type(frame) is Personal:
                outbox = frame.put(cast(SeatOutbox, outbox))
            else:
                outbox.frames.append(frame)
                outbox.size += len(frame)
            pushes += 1
            if outbox.touched < level:
                outbox.touched = level
                touch(outbox)
        table.counters.pushes += pushes * len(self._pushes)

    def _payloads_of(self, wire: Wire) -> list[bytes]:
        """What this wire and its equals make of the pushes, without any seat's own end."""
        key = wire.text, wire.push_key()
        payloads = self._payloads.get(key)
        if payloads is None:
            self._payloads[key] = []  # what fails here fails once
            payloads = self._payloads[key] = self._rendered(wire)
        return payloads

    def _rendered(self, wire: Wire) -> list[bytes]:
        payloads = []
        for push in self._pushes:
            payload = wire.push(push)
            if payload is not None:
                payloads.append(payload)
        return payloads

    def _encode(self, outbox: Outbox) -> bytes | Personal | None:
        """The bytes for every receiver of this one's format, None if its wire has no word for it or fails on it."""
        wire, framing = outbox.connection.wire, outbox.connection.framing
        if wire is None or framing is None:
            return None
        try:
            mark = MARKS[self.post.push.dispensable]
            if type(outbox) is SeatOutbox:
                end = outbox.end
                whole = [framing.pack(payload + end, wire.text) for payload in self._payloads_of(wire)]
                return Personal([each[: len(each) - len(end)] for each in whole], len(end), mark) if whole else None
            payloads = self._rendered(wire)
            if len(payloads) == 1:
                return marked(framing.pack(payloads[0], wire.text), mark)
            frames = b"".join([framing.pack(payload, wire.text) for payload in payloads])
            return marked(frames, mark, len(payloads)) if payloads else None
        except Exception:  # nor would the next receiver of this form get it
            logger.exception("push could not be encoded push=%s", type(self.post.push).__name__)
            return None
