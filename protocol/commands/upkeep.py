"""Commands of the operator to the broker as a whole: how far it has come, what a store refused, a copy of its data. Of the
control channel, and answered outside a hub, for they may take their time."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.commands.base import Command, Reply


class Target(msgspec.Struct, frozen=True, gc=False):
    """One store behind the journal. `oldest_ms`: how long the oldest row it has not applied has waited since it was on the
    journal, or since the broker's start if that was later; 0 if there is none."""

    target: str
    applied: int
    oldest_ms: int


class Watermark(Command):
    """How far accepted commits are on disk and in the stores."""

    reads: ClassVar[bool] = True


class WatermarkReport(Reply):
    """Numbers of commits: `accepted` is the newest that was decided, `durable` the newest on the journal."""

    accepted: int
    durable: int
    targets: list[Target]


class RefusedRow(msgspec.Struct, frozen=True, gc=False):
    """A row a store refused for what it is: kept aside with the error, and served from there. `key` is JSON."""

    target: str
    app: str
    table: str
    key: str
    error: str
    at_ms: int

    def line(self, now_ms: int) -> str:
        """For an operator."""
        minutes = max(now_ms - self.at_ms, 0) // 60_000
        age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
        where = f"{self.target}, app {self.app}, table {self.table}, key {self.key}"
        return f"quarantine: {where}, for {age}: {self.error}"


class ListQuarantine(Command):
    """The rows in quarantine, oldest first. Replies Quarantine."""

    reads: ClassVar[bool] = True
    limit: int = 1000


class Quarantine(Reply):
    rows: list[RefusedRow]
    total: int


class Backup(Command):
    """Copy the data to the file `path` (absolute, not there yet), as of one commit at or after the newest that is durable
    now. The broker goes on meanwhile. BAD_FILE says why it cannot be written. Replies BackedUp."""

    path: str
    folder: tuple[int, int] | None = None
    """Device and inode of its folder as the caller sees it: under systemd the broker has a /tmp of its own, and a file there
    is gone when it stops. None is not compared."""


class BackedUp(Reply):
    position: int
    size: int
    """Bytes."""
