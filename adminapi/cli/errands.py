"""What every errand of the command line needs: the broker, and a way to say what came of it.

The law: a change is in the audit log before the errand says that it is done, as for a call of a back office
(`adminapi.audit`); with no log to write to nothing is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio

from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit, Witness
from adminapi.control import connected
from adminapi.settings import Place
from protocol.apps import App
from protocol.commands import Command, Managed, Reply
from protocol.errors import Reason, Refused


def say(given: argparse.Namespace, value: Mapping[str, Any], *lines: str) -> int:
    """The result: `value` as JSON with `--json`, else the lines. Exit code 0."""
    for line in (json.dumps(value, ensure_ascii=False),) if given.json else lines:
        print(line)
    return 0


@asynccontextmanager
async def opened(place: Place, verb: str) -> AsyncGenerator[Witness, None]:
    """The broker for one errand, which the audit log calls `verb`."""
    audit = audit_of(place)
    async with connected(place.control) as channel:
        witness, outcome = Witness(channel, audit), "failed"
        try:
            yield witness
            outcome = "done"
        except Refused as refused:
            outcome = refused.reason.value
            if audit.fault:
                raise unwritten(place, audit.fault) from None
            raise
        finally:
            if witness.commands:
                await note(audit, verb, ",".join(dict.fromkeys(witness.commands.values())), list(witness.commands), outcome)


async def note(audit: Audit, verb: str, app: str, commands: list[str], outcome: str) -> None:
    """A line of the command line in the audit log, on the disk when this returns."""
    await audit.note(
        {
            "app": app,
            "user": "",
            "proof": "control socket",
            "from": f"uid {os.getuid()} ({user_name()})",
            "dialect": "cli",
            "method": "",
            "path": verb,
            "commands": commands,
            "outcome": outcome,
        }
    )
    with trio.CancelScope(shield=True):
        await audit.sync()


def audit_of(place: Place) -> Audit:
    return Audit(AuditLog(place.audit, days=place.admin.audit_days))


def unwritten(place: Place, fault: str) -> Refused:
    words = f"The audit log {place.audit} cannot be written ({fault}), so nothing was changed."
    return Refused(Reason.STORAGE_UNAVAILABLE, f"{words} Make room, or run parley as the user whose data directory it is.")


def user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "?"


def asked(place: Place, command: Command | Managed, verb: str = "", *, seconds: float | None = None) -> Reply:
    """One call over the control socket, with this deadline."""

    async def errand() -> Reply:
        async with opened(place, verb) as broker:
            return await broker.call(command, deadline_seconds=seconds)

    return trio.run(errand)


def app_table(place: Place) -> dict[str, App]:
    async def errand() -> dict[str, App]:
        async with connected(place.control) as channel:
            return dict(channel.apps or {})

    return trio.run(errand)


def app_named(place: Place, name: str) -> App:
    return named(app_table(place), name)


def named(apps: Mapping[str, App] | None, name: str) -> App:
    """UNKNOWN_APP in a sentence if there is none."""
    app = (apps or {}).get(name)
    if app is None:
        raise Refused(Reason.UNKNOWN_APP, f"There is no app {name!r}; `parley app list` shows them.")
    return app
