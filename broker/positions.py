"""Positions that have moved and wait for a commit: the third class between durable and transient (DESIGN 2.3).

The law: each rides in a commit at most every 2 s, as it stands then, and a turn takes a part of those that are due: as
many may be as there were messages in that time, and nobody else's shall wait for all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from broker.hub.hub import Hub
from broker.hub.rows import Image, PositionRow, put

EVERY_MS = 2_000
PART = 500
"""Taken in a turn."""


class Positions:
    def __init__(self) -> None:
        self._moved: dict[tuple[Hub, int, str], None] = {}
        """Since the last time."""
        self._due: deque[tuple[Hub, int, str]] = deque()
        self._next_ms = 0

    def note(self, hub: Hub, rows: Iterable[PositionRow]) -> None:
        """These have moved."""
        for row in rows:
            self._moved[hub, row.conversation, row.user] = None

    @property
    def due(self) -> bool:
        return bool(self._due)

    def take(self, now_ms: int) -> list[Image]:
        """Images of some that are due."""
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + EVERY_MS
            self._due.extend(self._moved)
            self._moved.clear()
        return self._images(PART) if self._due else []

    def take_all(self) -> list[Image]:
        """Images of all that have moved, due or not."""
        self._due.extend(self._moved)
        self._moved.clear()
        return self._images(len(self._due))

    def _images(self, most: int) -> list[Image]:
        images: list[Image] = []
        while self._due and len(images) < most:
            hub, conversation, user = self._due.popleft()
            row = hub.tables.positions.get(conversation, {}).get(user)
            if row is not None:
                images.append(put(hub.app.id, "positions", row))
        return images
