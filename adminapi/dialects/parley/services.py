"""What our own dialect is given from outside, as a dialect waits for nothing but the broker, opens no file and holds no
registry. `adminapi.desk` makes the real ones.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from adminapi.dialect import Broker, OperatorRole
from protocol.commands import WatermarkReport
from protocol.errors import Refused
from protocol.sockets import Sockets

T = TypeVar("T")


class OperatorSession(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> OperatorRole: ...
    @property
    def expires_ms(self) -> int: ...


class Operators(Protocol):
    """`adminapi.operators.sessions`."""

    async def sign_in(self, name: str, password: str, address: str) -> tuple[str, OperatorSession]:
        """A token. WRONG_PASSWORD, TOO_FAST, OVERLOADED."""

    def session(self, text: str) -> OperatorSession | None:
        """Whose token it is, None if it is nobody's."""

    async def sign_out(self, text: str) -> None:
        """The token is over."""


class Witness(Broker, Protocol):
    """The broker, for one call (`adminapi.audit.witness`)."""

    async def changing(self, name: str, app: str) -> None:
        """What is done here, beside commands that change something, is written into the audit log under this name."""


class Watch(Protocol):
    """`adminapi.shared`."""

    def __call__(self, key: Hashable, poll: Callable[[T | None], Awaitable[T]]) -> AsyncGenerator[T | Refused, None]:
        """What `poll` finds, once a second; one poll for all who watch the same key at once."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What one check of the installation found; `advice` is for the operator, "" where there is nothing to be done. `words`
    and `advice_words` are the same with `{gaps}` for `values`, to be said in another language."""

    name: str
    ok: bool
    text: str
    advice: str
    words: str
    advice_words: str
    values: Mapping[str, str]


class Services(msgspec.Struct, frozen=True, kw_only=True):
    operator_token: str
    """"" where there is none."""
    hash_password: Callable[[str], Awaitable[str]]
    """To argon2id, bounded."""
    own_metrics: Callable[[Mapping[str, float] | None, bool], bytes]
    """adminapi's counters and the broker's given to it, as Prometheus text; the former only where all may be seen."""
    operators: Operators
    watch: Watch
    checks: Callable[[WatermarkReport | None, Mapping[str, float]], Awaitable[list[Check]]]
    """What can be found on this host, and of what the broker says of itself (its counters); None while it is away."""
    audit: Callable[[str, str, int, int | None], Awaitable[tuple[list[dict[str, Any]], int | None]]]
    """Lines of the audit log: of this app, by or about this user, so many, before this number; and where to go on."""
    sockets: Sockets
    """Where pages find them."""
