"""What is written into the audit log, and when: the async side of `adminapi.audit.log`.

The law: a call that changes something is refused `storage_unavailable` before anything is done while its line could not be
written, because a change nobody can trace is worse than one that waits. The line itself is written after the call, as it
tells the outcome, and before the answer leaves; one that fails even so stays in memory, in its order, ahead of the next, and
until it is written every further change is refused. So lines are late at worst, and lost only with the process; those of the
last second may be lost with the power.

A line is written at once where that only copies it into the page cache, since crossing into a thread and back costs more
than all else about it (measured, CPU of a line: 250 us so, 76 without, 37 where eight calls wait at a time). It is written
in a thread where it might wait, so that whoever holds the files holds no other call: while another program has their lock,
while they are being synced, and for a while after a write that took long. Whose line another call has written along with its
own writes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import trio

from adminapi.audit.log import AuditLog
from adminapi.dialect import Broker
from protocol.apps import App
from protocol.commands import AddApp, Command, Managed, Reply
from protocol.errors import Reason, Refused

log = logging.getLogger("adminapi.audit")

SYNC_SECONDS = 1.0
CHECK_SECONDS = 1.0
"""Between two looks at whether the files can be written."""
SLOW_SECONDS = 0.02
"""A write that takes longer has waited for the disk."""
APART_SECONDS = 10.0
"""After such a one, lines are written in a thread for so long."""
TEXT = 512
"""Characters of a field, at most."""


class Audit:
    """One writer of the log."""

    def __init__(self, files: AuditLog) -> None:
        self.files = files
        self._unwritten: list[dict[str, Any]] = []
        self.fault = ""
        """Why the last line could not be written, "" if it was."""
        self._noted = self._written = 0
        """Lines so far."""
        self._unsynced = self._syncing = False
        self._writing = trio.Lock()
        self._good_until = self._apart_until = 0.0

    async def ready(self) -> None:
        """STORAGE_UNAVAILABLE while lines cannot be written."""
        if self._unwritten and not self._writing.locked():
            await self._write()
        elif trio.current_time() >= self._good_until:
            try:
                await trio.to_thread.run_sync(self.files.check)
            except OSError as error:
                self._failed(error)
            else:
                self._good_until, self.fault = trio.current_time() + CHECK_SECONDS, ""
        if trio.current_time() >= self._good_until:
            detail = "The audit log of this server cannot be written, so nothing was changed."
            raise Refused(Reason.STORAGE_UNAVAILABLE, detail, retry_after_ms=5000)

    async def note(self, record: Mapping[str, Any]) -> None:
        """Write a line. It is not lost to a cancelled caller."""
        self._unwritten.append({"time": utc(), **{name: cut(value) for name, value in record.items()}})
        self._noted += 1
        with trio.CancelScope(shield=True):
            await self._write()

    async def _write(self) -> None:
        """What is unwritten, unless somebody else has just done it as far as the caller knows of."""
        known = self._noted
        async with self._writing:
            batch = tuple(self._unwritten)
            if not batch or self._written >= known:
                return
            try:
                if not self._append_at_once(batch):
                    await trio.to_thread.run_sync(self.files.append, batch)
            except OSError as error:
                self._failed(error)
            else:
                del self._unwritten[: len(batch)]
                self._written += len(batch)
                self._unsynced = True
                self._good_until, self.fault = trio.current_time() + CHECK_SECONDS, ""

    def _append_at_once(self, batch: Sequence[Mapping[str, Any]]) -> bool:
        """Whether these could be written without waiting for anybody."""
        began = time.monotonic()
        if self._syncing or began < self._apart_until:
            return False
        try:
            self.files.append(batch, wait=False)
        except BlockingIOError:
            return False
        finally:
            if time.monotonic() - began > SLOW_SECONDS:
                self._apart_until = time.monotonic() + APART_SECONDS
        return True

    def _failed(self, error: OSError) -> None:
        self._good_until, self.fault = 0.0, str(error)
        log.error("audit log cannot be written, changes are refused: %s lines_waiting=%d", error, len(self._unwritten))

    async def keep_synced(self) -> NoReturn:
        """For ever; cancel it to end it."""
        try:
            while True:
                await trio.sleep(SYNC_SECONDS)
                await self.sync()
        finally:
            with trio.move_on_after(SYNC_SECONDS, shield=True):
                await self._write()
                await self.sync()

    async def sync(self) -> None:
        """What is written is on the disk."""
        if self._unsynced:
            self._unsynced, self._syncing = False, True
            try:
                await trio.to_thread.run_sync(self.files.sync)
            except OSError as error:
                self._failed(error)
            finally:
                self._syncing = False


class Witness:
    """The broker, for one call, which remembers what was asked of it that changes something. A `Broker`."""

    def __init__(self, broker: Broker, audit: Audit) -> None:
        self._broker, self._audit = broker, audit
        self.commands: dict[str, str] = {}
        """Each name once, in order, with the app it was for ("" for the broker)."""

    @property
    def apps(self) -> Mapping[str, App] | None:
        return self._broker.apps

    async def changing(self, name: str, app: str) -> None:
        """Something of this name is about to be done. STORAGE_UNAVAILABLE if it must not be."""
        await self._audit.ready()
        self.commands.setdefault(name, app)

    async def call(self, command: Managed | Command, *, deadline_seconds: float | None = None) -> Reply:
        inner, app = (command.command, command.app) if isinstance(command, Managed) else (command, "")
        if isinstance(command, AddApp):
            app = command.app.id
        if not inner.reads:
            await self.changing(type(inner).__name__, app)
        return await self._broker.call(command, deadline_seconds=deadline_seconds)


def utc() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03}Z"


def cut(value: Any) -> Any:
    return value[:TEXT] if isinstance(value, str) else value
