"""The requests on a connection that wait for an answer, and what becomes of them when it ends without one.

The law: every request has exactly one outcome. A close says why, not over which request; what follows from it is

* a final code: SessionEnded for all;
* 1009: the server stops at the first frame over its limit, so the largest frame it has not answered is over it too, and
  is refused. Unless one at least as large was written that nobody waits for: then it may have been that one;
* everything else, and everybody else: ConnectionLost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from protocol.clients.outcomes import (
    TOO_BIG,
    ConnectionLost,
    Envelope,
    RequestRefused,
    SessionEnded,
    is_final,
    refusal_of,
    too_large,
)


class Request:
    """One that waits. `size` is that of its frame, in bytes."""

    __slots__ = ("_done", "_failure", "_success", "kind", "size")

    def __init__(self, kind: str, size: int) -> None:
        self.kind = kind
        self.size = size
        self._done = trio.Event()
        self._success: Envelope = {}
        self._failure: Exception | None = None

    def succeed(self, data: Envelope) -> None:
        self._success = data
        self._done.set()

    def fail(self, failure: Exception) -> None:
        self._failure = failure
        self._done.set()

    async def wait(self) -> Envelope:
        """The `data` of the answer. RequestRefused, ConnectionLost, SessionEnded."""
        await self._done.wait()
        if self._failure is not None:
            raise self._failure
        return self._success


class Pending:
    """All that wait on the connection there is, by the number of the request."""

    def __init__(self) -> None:
        self._requests: dict[int, Request] = {}
        self._ignored = 0

    @contextmanager
    def expect(self, number: int, kind: str, size: int) -> Iterator[Request]:
        """Wait in here for the answer; whoever leaves before it came does not wait any longer."""
        request = self._requests[number] = Request(kind, size)
        try:
            yield request
        finally:
            if self._requests.pop(number, None) is not None:
                self.ignore(size)

    def ignore(self, size: int) -> None:
        """A frame of so many bytes was written, and nobody waits for its answer."""
        self._ignored = max(self._ignored, size)

    def settle(self, number: object, answer: Envelope) -> None:
        """The answer to a request has come; perhaps nobody waits for it any more."""
        request = self._requests.pop(number, None) if isinstance(number, int) else None
        if request is None:
            return
        refused = refusal_of(answer)
        if refused is None:
            request.succeed(answer.get("data") or {})
        else:
            request.fail(refused)

    def lose(self, code: int, reason: str) -> None:
        """The connection has ended: nobody here will get an answer."""
        largest = max((request.size for request in self._requests.values()), default=0)
        for request in self._requests.values():
            request.fail(_loss(request, code, reason, request.size == largest > self._ignored))
        self._requests.clear()
        self._ignored = 0


def _loss(request: Request, code: int, reason: str, largest: bool) -> RequestRefused | ConnectionLost | SessionEnded:
    if is_final(code):
        return SessionEnded(code, reason)
    if code == TOO_BIG and largest:
        return too_large(request.kind, request.size, reason)
    return ConnectionLost(f"The connection was lost during {request.kind}: {reason} (close code {code}).", code)
