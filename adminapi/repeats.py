"""`Idempotency-Key`: a POST repeated with the same key gets the first answer and does nothing again (DESIGN 6).

The law: only what succeeded is remembered; a refusal did nothing, so its repeat may try afresh. A repeat that comes while
the first is still running waits for it. The memory is this process's and bounded, so it covers a client's retries, but
neither a restart nor a call whose outcome stayed unknown: a message is safe there too, for a dialect hands the key to the
hub as well (`SendMessage.client_msg_id`), which keeps it; another POST may then be done twice.
An upload is the same if its files and fields are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

import trio

from adminapi.dialect import Answer

KEPT_SECONDS = 86_400.0
KEPT_ANSWERS = 10_000
KEPT_BYTES = 16 * 1_048_576
KEY_CHARACTERS = 255


class Repeats:
    """The answers given so far, oldest first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()
        self._running: dict[Hashable, trio.Event] = {}
        self._bytes = 0

    async def once(self, key: Hashable, run: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer under `key`, by running if there is none. Whatever `run` raises goes to its own caller only."""
        while (running := self._running.get(key)) is not None:
            await running.wait()
        found = self._answers.get(key)
        if found is not None and trio.current_time() - found[0] < KEPT_SECONDS:
            return found[1]
        running = self._running[key] = trio.Event()
        try:
            answer = await run()
            self._keep(key, answer)
            return answer
        finally:
            del self._running[key]
            running.set()

    def _keep(self, key: Hashable, answer: Answer) -> None:
        old = self._answers.pop(key, None)
        self._bytes += len(answer.body) - (len(old[1].body) if old else 0)
        self._answers[key] = (trio.current_time(), answer)
        while len(self._answers) > KEPT_ANSWERS or self._bytes > KEPT_BYTES:
            _, (_, gone) = self._answers.popitem(last=False)
            self._bytes -= len(gone.body)
