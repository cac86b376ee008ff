"""`Idempotency-Key`: a POST repeated with the same key and content gets the first answer and does nothing again (DESIGN 6).

The law: before the first command of such a call that changes something leaves, "begun" is on the disk; before its answer
leaves, the answer is. So a repeat after a crash gets the answer, or hears that the outcome is unknown (OUTCOME_UNKNOWN, for
as long as an answer would be kept), and never does it again. Answers are kept for KEPT_SECONDS, of all apps together the
newest KEPT_ANSWERS within KEPT_BYTES; each is for the same app, caller, dialect, path and content alone.

* Only the answer of a call that did something is kept. A refusal did nothing, and its repeat tries afresh, as does an answer
  that tells of refusals alone; but not where a part was done before it, or where the broker went away meanwhile: that is an
  outcome nobody knows.
* A call runs to its end though its caller has gone, for a caller whose connection broke is who asks again. A repeat that
  comes while the first is still running waits for it.
* A message leaves no mark: the hub recognises it by the name it has of its call (`marking`), so after a crash it is sent
  again and answered as the first one was (of a sender's last 64). A transient one it does not remember: that leaves a mark.
* Nor does an uploaded file leave one: whose answer was lost has a name that nobody knows, and one more harms nobody. What
  only reads reads again.
* Where the disk refuses, a call that would leave a mark is refused STORAGE_UNAVAILABLE before anything is done: who sends a
  key relies on it, and can leave it out. An answer that cannot be written leaves even so, as it is true: it stays in memory
  and goes to the disk with the next one; a restart before that makes an unknown outcome of it.

Requests without the header pay nothing; the first that has one opens the file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio

from adminapi.audit.witness import Witness
from adminapi.dialect import Answer, Ask, Caller, Dialect, Endpoint
from adminapi.repeats.book import Book, Kept, Unkept
from adminapi.repeats.marking import Marking
from protocol.errors import Reason, Refused

log = logging.getLogger("adminapi.repeats")

KEPT_SECONDS = 86_400.0
KEPT_ANSWERS = 10_000
KEPT_BYTES = 16 * 1_048_576
KEY_CHARACTERS = 255
RETRY_MS = 5_000

Run = Callable[[Marking], Awaitable[Answer]]
"""An endpoint, for one request."""


class Repeats:
    """The answers given so far, oldest first, and the calls that were begun."""

    def __init__(self, path: Path, *, clock: Callable[[], float] | None = None) -> None:
        """`clock`: Unix seconds."""
        self._book = Book(path)
        self._clock = clock or steady()
        self._loaded = False
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._bytes = 0
        self._newest = 0.0
        self._unwritten: dict[bytes, Kept | None] = {}
        """As of `Book.write`: what of `_kept` is not on the disk yet, and what is there that is to go."""
        self._running: dict[bytes, trio.Event] = {}
        self._disk = trio.Lock()
        self.fault = ""
        """Why the file could not be used last, "" if it could."""

    async def heed(
        self, dialect: Dialect, endpoint: Endpoint, ask: Ask, broker: Witness | Marking, content: bytes
    ) -> Answer:
        """Run the endpoint; a POST with an `Idempotency-Key` only the first time. `content`: what makes its body the same or
        another one. As `once`; BAD_FORMAT."""
        given = ask.headers.get("idempotency-key")
        if not given or ask.method != "POST" or ask.caller is None or endpoint.alone:
            return await endpoint.run(ask, broker)
        if len(given) > KEY_CHARACTERS:
            raise Refused(Reason.BAD_FORMAT, f"Idempotency-Key has at most {KEY_CHARACTERS} characters.")
        digest = hashlib.sha256(ask.query.raw.encode() + b"\0" + content).hexdigest()
        key = (dialect.name, ask.caller.app.id, ask.caller.user, ask.url_path, given, digest, *rights(ask.caller))
        return await self.once(key, broker, partial(endpoint.run, ask))

    async def once(self, key: Sequence[str], broker: Witness | Marking, run: Run) -> Answer:
        """The answer under `key`, by running if there is none. Whatever `run` raises goes to its own caller only.
        OUTCOME_UNKNOWN if it was begun and is not known to have ended; STORAGE_UNAVAILABLE."""
        name = hashlib.sha256(json.dumps(key).encode()).digest()
        if not self._loaded:
            await self._load()
        while (running := self._running.get(name)) is not None:
            await running.wait()
        found = self._kept.get(name)
        if found is not None and self._clock() - found.at < KEPT_SECONDS:
            if found.answer is None:
                raise interrupted()
            return found.answer
        running = self._running[name] = trio.Event()
        try:
            with trio.CancelScope(shield=True):  # every command has a deadline of its own
                answer = await self._run(name, broker, run)
        finally:
            del self._running[name]
            running.set()
        return answer

    async def _run(self, name: bytes, broker: Witness | Marking, run: Run) -> Answer:
        call = Marking(broker, name, partial(self._begin, name))
        try:
            answer = await run(call)
        except Exception:  # whatever it is goes to the caller; what matters here is whether anything was done
            if not call.changes:
                await self._unmark(name, call)
            raise
        if call.done:
            self._put(name, answer)
            await self._try_to_write(name)
        else:
            await self._unmark(name, call)
        return answer

    async def _unmark(self, name: bytes, call: Marking) -> None:
        if call.marked:
            self._drop(name)
            self._unwritten[name] = None
            await self._try_to_write(name)

    async def _begin(self, name: bytes) -> None:
        self._put(name, None)
        try:
            await self._write(name)
        except Unkept:
            self._drop(name)
            raise unwritable() from None

    def _put(self, name: bytes, answer: Answer | None) -> None:
        self._drop(name)
        row = self._unwritten[name] = self._kept[name] = Kept(self._now(), answer)
        self._bytes += size(row)
        self._trim()

    def _drop(self, name: bytes) -> None:
        """From memory; from the disk only if it goes there for being old."""
        old = self._kept.pop(name, None)
        self._bytes -= size(old) if old is not None else 0
        self._unwritten.pop(name, None)

    def _trim(self) -> None:
        """Down to what is kept, the oldest first."""
        while self._kept:
            name, oldest = next(iter(self._kept.items()))
            over = self._newest - oldest.at >= KEPT_SECONDS
            if not over and len(self._kept) <= KEPT_ANSWERS and self._bytes <= KEPT_BYTES:
                break
            self._drop(name)

    def _now(self) -> float:
        """Never before what is kept, whatever becomes of the clock: they stay in order."""
        self._newest = max(self._newest, self._clock())
        return self._newest

    async def _load(self) -> None:
        async with self._disk:
            if self._loaded:
                return
            try:
                rows = await trio.to_thread.run_sync(self._book.load)
            except Unkept as error:
                self._failed(error)
                raise unwritable() from None
            self._loaded, self.fault = True, ""
            self._kept.update(rows)
            self._bytes = sum(size(row) for _, row in rows)
            self._newest = rows[-1][1].at if rows else 0.0
            self._now()
            self._trim()

    async def _write(self, name: bytes) -> None:
        """On the disk when this returns; what came while another write ran goes together. Unkept."""
        async with self._disk:
            if name not in self._unwritten:
                return
            batch = dict(self._unwritten)
            since = next(iter(self._kept.values())).at if self._kept else self._newest
            try:
                await trio.to_thread.run_sync(self._book.write, batch, since)
            except Unkept as error:
                self._failed(error)
                raise
            self.fault = ""
            for each, row in batch.items():
                if self._unwritten.get(each, self) is row:
                    del self._unwritten[each]

    async def _try_to_write(self, name: bytes) -> None:
        with suppress(Unkept):  # it was logged, and goes along with the next
            await self._write(name)

    def _failed(self, error: Unkept) -> None:
        self.fault = str(error)
        log.error("answers cannot be kept, POSTs with an Idempotency-Key are refused: %s", error)

    def close(self) -> None:
        """Nothing runs any more."""
        self._book.close()


def steady() -> Callable[[], float]:
    """The wall's time as it is now, going on evenly: when the wall is set anew, nothing grows old at once."""
    start = time.time() - time.monotonic()
    return lambda: start + time.monotonic()


def rights(caller: Caller) -> Sequence[str]:
    """What tells apart who may do more from who may do less; nothing for an app's back office and its users."""
    if caller.whole:
        return "operator", caller.operator
    return (caller.act, caller.members or "") if caller.act else ()


def size(row: Kept) -> int:
    return len(row.answer.body) if row.answer is not None else 0


def interrupted() -> Refused:
    words = "An earlier call under this Idempotency-Key broke off, and whether it was carried out is unknown; it is not"
    return Refused(Reason.OUTCOME_UNKNOWN, f"{words} done again. Look, and if it was not, call under another key.")


def unwritable() -> Refused:
    words = "The disk of this server keeps no answer just now, so nothing was done; try later, or without Idempotency-Key."
    return Refused(Reason.STORAGE_UNAVAILABLE, words, retry_after_ms=RETRY_MS)
