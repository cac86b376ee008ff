"""The fake broker as a program of its own, for `parley up` and the command line: `python -m tests.adminapi.stub_broker`.

STUB_APPS=1 starts it with the demo app; STUB_END=N makes it end with code N after a second and a half.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

import trio

from protocol.apps import App, AppSettings
from protocol.commands import (
    AddApp,
    BackedUp,
    Backup,
    ConnectionSeen,
    CreateConversation,
    Created,
    Done,
    ImportConversations,
    Imported,
    ImportMessages,
    InspectConnection,
    InspectSessions,
    Kick,
    Left,
    ListQuarantine,
    PutUser,
    Quarantine,
    RefusedRow,
    SessionSeen,
    SessionsSeen,
    Stats,
    StatsReport,
    Target,
    UserFound,
    Watermark,
    WatermarkReport,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, UserInfo
from tests.adminapi.conftest import FakeBroker


def back_up(command: Backup) -> BackedUp | Refused:
    if command.path.endswith("taken"):
        return Refused(Reason.BAD_FILE, f"{command.path} cannot be written: there is such a file already")
    found = Path(command.path).parent.stat()
    if command.folder != (found.st_dev, found.st_ino):
        return Refused(Reason.BAD_FILE, f"{command.folder} is another folder")
    return BackedUp(position=12, size=4096)


async def main(data: Path) -> int:
    broker = FakeBroker(data / "control.sock")
    demo = App(id="demo", key="dk", master_key="dm", secret="ds", settings=AppSettings(token_required=False))
    broker.apps = (demo,) if os.environ.get("STUB_APPS") else ()
    code = 0

    async def add(command: Any, managed: Any) -> Done:
        others = tuple(app for app in broker.apps if app.id != command.app.id)
        await broker.push_apps(*others, command.app)
        return Done(time_ms=1)

    session = SessionSeen("00ff", "tom", "", "", "", "native", "192.0.2.1", 0, 90_000, 17)
    seen = ConnectionSeen(
        session="00ff", app="demo", user="tom", device="", login_ms=1, state="open", door="websocket", wire="native",
        address="192.0.2.1", peer="192.0.2.1:5", heard_ms=1, probe_ms=-1, paused=[], paused_ms=-1, outbox_bytes=0,
        outbox_frames=0, blocked_ms=-1, queued=0, stopped=None, held=0, commit=0, commit_ms=-1, seats=[],
    )  # fmt: skip
    looks = count()
    broker.on(AddApp, add)
    broker.on(Kick, Done(time_ms=1))
    refused = RefusedRow("sqlite", "demo", "users", '["x"]', "OverflowError: too large", 0)
    rows = [refused] if os.environ.get("STUB_QUARANTINE") else []
    broker.on(ListQuarantine, Quarantine(rows=rows, total=len(rows)))
    broker.on(Backup, lambda c, m: back_up(c))
    broker.on(Stats, lambda c, m: StatsReport(counters={"sessions": 3.0, "commands_total": 10.0 * next(looks)}))
    broker.on(InspectSessions, SessionsSeen(sessions=[session], total=1))
    broker.on(InspectConnection, seen)
    broker.on(Watermark, WatermarkReport(accepted=9, durable=9, targets=[Target("sqlite", 7, 20)]))
    broker.on(PutUser, lambda c, m: UserFound(user=UserInfo(user=c.user, attributes=b"{}", online=False, created_ms=1)))

    def create(command: Any, managed: Any) -> Created:
        info = ConversationInfo(
            id=77, kind=1, name="", attributes=b"{}", owner="", creator=managed.user, members=2, created_ms=1, updated_ms=0
        )
        return Created(conversation=info, created=True)

    def import_messages(command: Any, managed: Any) -> Imported:
        taken = len(command.messages)
        return Imported(made=taken // 2, known=0, left=[Left("m0", "it is too old")] if taken else [])

    broker.on(CreateConversation, create)
    broker.on(ImportConversations, lambda c, m: Imported(made=len(c.conversations) - 1, known=1, left=[]))
    broker.on(ImportMessages, import_messages)
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.run)
            with trio.move_on_after(1.5 if os.environ.get("STUB_END") else 60):
                async for _ in signals:
                    break
                nursery.cancel_scope.cancel()
            code = int(os.environ.get("STUB_END", "0"))
            nursery.cancel_scope.cancel()
    return code


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--data", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--check-settings", action="store_true")
    given = parser.parse_args()
    if given.check_settings:
        sys.exit(0)
    if given.check:
        print("journal: sound")
        sys.exit(0)
    sys.exit(trio.run(main, Path(given.data)))
