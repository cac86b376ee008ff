"""What our own dialect is given from outside, as a dialect waits for nothing but the broker, opens no file and holds no
registry. `adminapi.desk` makes the real ones.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from typing import Protocol, TypeVar

import msgspec

from adminapi.dialect import Broker, OperatorRole
from protocol.errors import Refused

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


class Services(msgspec.Struct, frozen=True, kw_only=True):
    operator_token: str
    """"" where there is none."""
    hash_password: Callable[[str], Awaitable[str]]
    """To argon2id, bounded."""
    own_metrics: Callable[[Mapping[str, float] | None], bytes]
    """adminapi's counters and the broker's given to it, as Prometheus text."""
    operators: Operators
    watch: Watch
