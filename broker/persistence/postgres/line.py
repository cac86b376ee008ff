"""One connection to PostgreSQL: made when it is needed, dropped at the first sign of trouble, never waited on for ever.

The law: every wait has a deadline, and after anything but a refused row the connection is thrown away, as nobody knows what
is still under way on it; the server ends what it finds abandoned there by the same deadlines. Its failures are
StoreUnavailable with a text that never holds the password.
What runs here is asyncio's; `run` is the crossing from Trio, one for each unit of work.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import trio
import trio_asyncio

from broker.persistence.store import StoreUnavailable

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
"""Between two readers' attempts. Short, as clients wait for the answer; the writer has its own."""
DATA_ERRORS = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    TypeError,
    ValueError,
    OverflowError,
    AttributeError,
)
"""What the binding or a table says of a value, as against what the server or the net says of the database."""
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError, TimeoutError)
SETTINGS = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
"""The position must never be ahead of what survives a power cut of the server."""

T = TypeVar("T")


class Place:
    """Where a database is, how long it may take, and whether it is worth asking."""

    def __init__(self, url: str, seconds: float) -> None:
        self.url = url
        self.seconds = seconds
        parts = urlsplit(url)
        host = parts.hostname or parse_qs(parts.query).get("host", ["its default"])[0]
        self.name = f"PostgreSQL at {host}{parts.path}"
        self._secrets = [text for text in (parts.password, unquote(parts.password or "")) if text]
        self._failures = 0
        self._not_before = 0.0
        self._why = ""

    def explain(self, error: BaseException) -> str:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f"{self.name}: {text}"

    def check(self) -> None:
        """StoreUnavailable while the last failure is fresh: who reads is answered at once then."""
        if trio.current_time() < self._not_before:
            raise StoreUnavailable(self._why)

    def failed(self, why: str) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 20))
        self._failures += 1
        self._why = why
        self._not_before = trio.current_time() + pause * random.uniform(0.5, 1.0)

    def answered(self) -> None:
        self._failures, self._not_before = 0, 0.0


class Line:
    """`begin` is run on each new connection, before any work."""

    def __init__(self, place: Place, begin: Callable[[Any], Awaitable[None]]) -> None:
        self._place = place
        self._begin = begin
        self._connection: Any = None

    @property
    def open(self) -> bool:
        """As far as is known."""
        return self._connection is not None and not self._connection.is_closed()

    async def run(self, loop: trio_asyncio.TrioEventLoop, work: Callable[[Any], Awaitable[T]]) -> T:
        """`await work(connection)`. StoreUnavailable, and what work refuses of DATA_ERRORS."""
        try:
            done: T = await loop.run_aio_coroutine(self._do(work))
        except AWAY as error:
            why = self._place.explain(error)
            self._place.failed(why)
            raise StoreUnavailable(why) from None  # its own text may say too much
        self._place.answered()
        return done

    async def _do(self, work: Callable[[Any], Awaitable[T]]) -> T:
        try:
            if not self.open:
                self._connection = await self._connect()
                await self._connection.execute(SETTINGS)
                await self._begin(self._connection)
            return await work(self._connection)
        except BaseException:
            self.drop()
            raise

    async def _connect(self) -> Any:
        seconds = self._place.seconds
        limit = str(int(seconds * 1000))
        return await asyncpg.connect(
            self._place.url,
            timeout=seconds,
            command_timeout=seconds,
            server_settings={
                "application_name": "parley",
                "statement_timeout": limit,
                "lock_timeout": limit,
                "idle_in_transaction_session_timeout": limit,
                "jit": "off",
            },
        )

    def drop(self) -> None:
        """On asyncio's side. The server notices, and undoes what was not committed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
