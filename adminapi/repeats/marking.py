"""What one call under an `Idempotency-Key` asks of the broker, which of it leaves a mark, and whether anything was done.

The law: a command that must not be given twice leaves only after `begin`; a message leaves without, as it has a name
(`client_msg_id`) by which the hub knows it again. That name is made of all that makes a call the same one (app, caller,
path, key, content) and of the message, never of the key alone: under the same key another call, or another message of the
same call, is another message, and taken for the first it would be answered and never said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from adminapi.audit.witness import Witness
from protocol.apps import App
from protocol.commands import Command, Managed, Reply, SendMessage
from protocol.errors import Reason, Refused

NAME_CHARACTERS = 32
"""Of a message's name, hex: 128 bits, within the 64 characters of a native socket's own."""


class Marking:
    """The broker, for one call: before the first command that must not be given twice, `begin`."""

    def __init__(self, broker: Witness | Marking, name: bytes, begin: Callable[[], Awaitable[None]]) -> None:
        self._broker, self._name, self._begin = broker, name, begin
        self._messages: set[str] = set()
        self.marked = False
        self.changes = 0
        """Of those commands, how many were or may have been carried out."""
        self.done = False
        """Whether anything was or may have been carried out."""

    @property
    def apps(self) -> Mapping[str, App] | None:
        return self._broker.apps

    async def changing(self, name: str, app: str) -> None:
        """As `Witness.changing`; no mark, for what it tells of is a command too, or may be done twice."""
        await self._broker.changing(name, app)
        self.done = True

    async def call(self, command: Managed | Command, *, deadline_seconds: float | None = None) -> Reply:
        inner = command.command if isinstance(command, Managed) else command
        if inner.reads:
            return await self._broker.call(command, deadline_seconds=deadline_seconds)
        named = self._message(inner) if isinstance(inner, SendMessage) and not inner.transient else None
        if named is None:
            if not self.marked:
                await self._begin()
                self.marked = True
            self.changes += 1
        elif isinstance(command, Managed):
            command = msgspec.structs.replace(command, command=named)
        else:
            command = named
        try:
            reply = await self._broker.call(command, deadline_seconds=deadline_seconds)
        except Refused as refused:
            if refused.reason is Reason.OUTCOME_UNKNOWN:
                self.done = True
            elif named is None:
                self.changes -= 1
            raise
        self.done = True
        return reply

    def _message(self, message: SendMessage) -> SendMessage | None:
        """As the hub recognises it: the same of a repeat of the call, another of each message of the call. None where the
        call has said the very same before."""
        said = repr((message.conversation, message.to, message.type, message.body)).encode()
        name = message.client_msg_id or hashlib.sha256(self._name + said).hexdigest()[:NAME_CHARACTERS]
        if name in self._messages:
            return None
        self._messages.add(name)
        return msgspec.structs.replace(message, client_msg_id=name)
