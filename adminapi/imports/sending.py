"""The errand itself: read, send, say what came of it.

The law: every command may be said twice, so where it is not known whether one was carried out it is said again, and who
starts the same import anew goes on where the last one ended. The bar goes to stderr, and only to a terminal.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import trio

from adminapi.dialect import Broker
from adminapi.imports import leancloud
from adminapi.imports.files import Broken, Faulty, rows_of
from adminapi.imports.staging import Stage
from protocol.commands import Command, ImportConversations, Imported, ImportMessages, Managed
from protocol.commands.imports import BATCH
from protocol.errors import Reason, Refused
from protocol.settings import BadSettings

BATCH_BYTES = 512 * 1024
"""Half of what a frame of the control channel takes."""
TRIES = 6
"""Of one command, a second apart, while the broker is away or too busy."""
WAIT_SECONDS = 1.0
REASONS_MOST, EXAMPLES = 20, 3
"""Shown in the summary, and of each reason."""
BAR = 30

Item = TypeVar("Item", bound=msgspec.Struct)


class Tally:
    """What came of one kind of thing."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.made = self.known = 0
        self.left: dict[str, tuple[int, str]] = {}
        """How many, and some of them, by the reason."""

    def leave(self, name: str, why: str) -> None:
        name = name if name.isprintable() else ascii(name)
        count, examples = self.left.get(why, (0, ""))
        if count < EXAMPLES:
            examples = f"{examples}, {name}" if examples else name
        self.left[why] = (count + 1, examples)

    def add(self, reply: Imported) -> None:
        self.made += reply.made
        self.known += reply.known
        for each in reply.left:
            self.leave(each.id, each.why)

    def summary(self) -> dict[str, object]:
        """For a program; of the reasons all."""
        left = {why: count for why, (count, _) in self.left.items()}
        return {"imported": self.made, "known": self.known, "skipped": left}

    def lines(self) -> Iterator[str]:
        left = sum(count for count, _ in self.left.values())
        yield f"{self.noun:14} {self.made} imported, {self.known} there already, {left} skipped"
        ordered = sorted(self.left.items(), key=lambda item: -item[1][0])
        for why, (count, examples) in ordered[:REASONS_MOST]:
            yield f"  skipped {count}: {why} ({'for example ' if count > EXAMPLES else ''}{examples})"
        if len(ordered) > REASONS_MOST:
            yield f"  and {len(ordered) - REASONS_MOST} reasons more"


class Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, noun: str, whole: int) -> None:
        self._noun, self._whole = noun, whole
        self._shown = -1
        self._seen = sys.stderr.isatty()

    def show(self, done: int) -> None:
        share = min(done / self._whole, 1.0) if self._whole else 1.0
        if self._seen and (percent := int(share * 100)) != self._shown:
            self._shown = percent
            bar = "#" * int(share * BAR)
            sys.stderr.write(f"\r{self._noun:14} [{bar:.<{BAR}}] {percent:3} %")
            sys.stderr.flush()

    def end(self) -> None:
        if self._seen:
            sys.stderr.write("\n")


Connect = Callable[[], AbstractAsyncContextManager[Broker]]


def import_leancloud(connect: Connect, app: str, files: Sequence[str]) -> tuple[list[Tally], list[str]]:
    """Import the files into the app; what came of it, and a sentence on each file that is not what was to be saved. Refused
    if there is no such app, or the broker stays away; BadSettings if a file cannot be read."""
    tallies = Tally("conversations"), Tally("messages")
    rows = Tally("rows")
    faults: list[str] = []
    with Stage(Path(tempfile.gettempdir())) as stage:
        for file in files:
            faults += read(Path(file), stage, rows, *tallies)
        trio.run(send, connect, app, stage, *tallies)
    told = [f"{fault}; save it again and repeat the import" for fault in faults]
    return ([*tallies, rows] if rows.left else [*tallies]), told


def read(path: Path, stage: Stage, rows: Tally, conversations: Tally, messages: Tally) -> list[str]:
    """Put what is in the file on the stage; what is wrong with the file as a whole, in sentences without their end."""
    faults: list[str] = []
    try:
        progress = Progress(path.name[:14], path.stat().st_size)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}") from None
    for row in rows_of(path, progress.show):
        if isinstance(row, Faulty):
            faults.append(f"{path}: {row.why}")
        elif isinstance(row, Broken):
            rows.leave(f"{path.name} line {row.line}", "not a JSON object")
        elif leancloud.is_message(row):
            try:
                stage.add_message(bounded(leancloud.message_of(row)))
            except leancloud.NotTaken as why:
                messages.leave(str(row.get("msg-id"))[:64], str(why))
        else:
            try:
                stage.add_conversation(bounded(leancloud.conversation_of(row)))
            except leancloud.NotTaken as why:
                conversations.leave(str(row.get("objectId"))[:64], str(why))
    progress.end()
    return faults


def bounded(item: Item) -> Item:
    """NotTaken if no command could carry it."""
    if weigh(item) > BATCH_BYTES:
        raise leancloud.NotTaken(f"it is larger than {BATCH_BYTES // 1024} KiB")
    return item


def weigh(item: msgspec.Struct) -> int:
    """About how many bytes of a command it takes."""
    return len(msgspec.msgpack.encode(item))


async def send(connect: Connect, app: str, stage: Stage, conversations: Tally, messages: Tally) -> None:
    """Everything on the stage, conversations first."""
    first, second = stage.counts()
    async with connect() as channel:
        if app not in (channel.apps or {}):
            raise Refused(Reason.UNKNOWN_APP, f"There is no app {app!r}; `parley app list` shows them.")
        progress, done = Progress("conversations", first), 0
        for some in batches(stage.conversations()):
            conversations.add(await say(channel, app, ImportConversations(conversations=tuple(some))))
            progress.show(done := done + len(some))
        progress.end()
        progress, done = Progress("messages", second), 0
        before: str | None = None
        for batch in batches(stage.messages()):
            names = list(dict.fromkeys(each.conversation for each in batch))
            # Whatever stands before the last one is complete; that goes on in the next batch, or is finished by it.
            finished = names[:-1] if before in (None, names[0]) else [before, *names[:-1]]
            command = ImportMessages(messages=tuple(batch), finished=tuple(finished))
            messages.add(await say(channel, app, command))
            before = names[-1]
            progress.show(done := done + len(batch))
        if before is not None:
            await say(channel, app, ImportMessages(messages=(), finished=(before,)))
        progress.end()


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """As many at once as a command takes."""
    batch: list[Item] = []
    size = 0
    for item in items:
        weight = weigh(item)
        if batch and (len(batch) == BATCH or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


async def say(channel: Broker, app: str, command: Command) -> Imported:
    """One command, again while that helps."""
    for left in reversed(range(TRIES)):
        try:
            return cast(Imported, await channel.call(Managed(app=app, rev=0, command=command)))
        except Refused as refused:
            again = refused.reason in (Reason.OVERLOADED, Reason.OUTCOME_UNKNOWN, Reason.GOING_AWAY)
            if not again:
                raise
            if not left:
                detail = f"{refused.detail} Start the same import again: it goes on where it was."
                raise Refused(refused.reason, detail) from None
        await trio.sleep(WAIT_SECONDS)
    raise AssertionError("unreachable")
