"""Hashing a password before the command that stores it (DESIGN 5), and comparing an operator's; users' the broker compares.

The law: argon2id with 19 MiB and two passes, two at a time, so hashing takes at most 38 MiB and two cores; whoever would
wait behind 200 others, or longer than 5 s, is told to come back instead.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import argon2
import trio

from protocol.errors import Reason, Refused

AT_A_TIME = 2
WAITING = 200
WAIT_SECONDS = 5.0
MOST_BYTES = 1024
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$fuPBEO848bsduUn9jo+eyw$dzpgIld+hJ5FDSdxwnbyGoMOA7+gQjbd/V94Gsd8/pI"
"""The hash of a password nobody knows: compared with where there is no account, so that it takes as long."""


class Passwords:
    """The queue in front of the hasher."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._limiter = trio.CapacityLimiter(AT_A_TIME)

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash. TOO_LARGE beyond 1 KiB, OVERLOADED."""
        raw = raw_of(password)
        async with self._place():
            return await trio.to_thread.run_sync(self._hasher.hash, raw)

    async def verify(self, hash: str, password: str) -> bool:
        """Whether this is the password the hash was made of. TOO_LARGE, OVERLOADED as above."""
        raw = raw_of(password)
        async with self._place():
            return await trio.to_thread.run_sync(self._fits, hash, raw)

    def _fits(self, hash: str, raw: bytes) -> bool:
        try:
            return self._hasher.verify(hash, raw)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None, None]:
        if self._limiter.statistics().tasks_waiting >= WAITING:
            raise busy()
        with trio.move_on_after(WAIT_SECONDS) as scope:
            await self._limiter.acquire()
        if scope.cancelled_caught:
            raise busy()
        try:
            yield
        finally:
            self._limiter.release()


def raw_of(password: str) -> bytes:
    raw = password.encode("utf-8", "surrogatepass")
    if len(raw) > MOST_BYTES:
        raise Refused(Reason.TOO_LARGE, f"A password has at most {MOST_BYTES} bytes.")
    return raw


def busy() -> Refused:
    return Refused(Reason.OVERLOADED, "Too many passwords are being hashed.", retry_after_ms=2000)
