"""A broker that takes everything, and a data directory whose program may be killed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest
import trio

from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit, Witness
from adminapi.dialect import Answer
from adminapi.repeats.calls import Repeats, Run
from adminapi.repeats.marking import Marking
from protocol.commands import Command, Done, Managed, Reply
from protocol.errors import Reason, Refused


class Taking:
    """A broker that takes everything, unless `refused`."""

    apps = None

    def __init__(self) -> None:
        self.heard: list[Command] = []
        self.refused: list[Reason] = []

    async def call(self, command: Managed | Command, *, deadline_seconds: float | None = None) -> Reply:
        await trio.lowlevel.checkpoint()
        self.heard.append(cast(Command, command))
        if self.refused:
            raise Refused(self.refused.pop(0))
        return Done(time_ms=len(self.heard))


class Counting(Witness):
    """In front of such a one."""

    def __init__(self, folder: Path) -> None:
        self.taking = Taking()
        super().__init__(self.taking, Audit(AuditLog(folder / "audit")))

    @property
    def heard(self) -> list[Command]:
        return self.taking.heard


def saying(text: bytes, *commands: Command) -> Run:
    """An endpoint that gives these commands and answers this."""

    async def run(broker: Marking) -> Answer:
        for command in commands:
            await broker.call(command)
        return Answer(body=text, headers=(("A", "b"),))

    return run


class Place:
    """A data directory, and what is found in it by who starts after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.times = 0

    def begin(self) -> Repeats:
        return Repeats(self.folder / f"{self.times}" / "repeats.db", clock=lambda: 1000.0)

    def after_a_kill(self) -> Repeats:
        self.times += 1
        shutil.copytree(self.folder / f"{self.times - 1}", self.folder / f"{self.times}")
        return self.begin()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def refusal(repeats: Repeats, key: str, broker: Witness, run: Run) -> Reason:
    with pytest.raises(Refused) as caught:
        await repeats.once((key,), broker, run)
    return caught.value.reason
