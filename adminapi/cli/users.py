"""`parley kick`, `announce` and `user ...`: what an operator does to people.

The law: an export is written as it is read (`adminapi.dialects.export`); what cannot be taken back is asked about first.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import trio

from adminapi.cli.errands import asked, named, opened, say
from adminapi.dialects.export import told
from adminapi.settings import Place
from protocol.commands import Announce, Announced, Command, DeleteUser, GetUser, Kick, Managed, Reply
from protocol.settings import BadSettings


def managed(app: str, command: Command, user: str = "") -> Managed:
    return Managed(app=app, rev=0, command=command, user=user)


def kick(given: argparse.Namespace, place: Place) -> int:
    command = Kick(user=given.user, device=given.device, reason=given.reason)
    asked(place, managed(given.app, command), "kick")
    return say(given, {"kicked": given.user, "device": given.device})


def announce(given: argparse.Namespace, place: Place) -> int:
    """A system message to everybody who is online; it is said to some thousands at a time, and the console shows how far it
    has come."""
    content = json.dumps({"text": given.text}, ensure_ascii=False).encode("utf-8", "surrogateescape")
    done = cast(Announced, asked(place, managed(given.app, Announce(content=content)), "announce"))
    words = f"said to {done.total} sessions" if done.total else "nobody is online"
    return say(given, {"announced": given.text, "sessions": done.total}, words)


def delete(given: argparse.Namespace, place: Place) -> int:
    what = f"user {given.user} of app {given.app}"
    asked(place, managed(given.app, GetUser(user=given.user)))  # it is there, before anybody is asked about it
    if not given.yes:
        words = f"Delete {what}? Memberships and friendships go, what was said stays, the name is never given out again."
        if not sys.stdin.isatty():
            raise BadSettings(f"{what} is deleted for ever; say --yes where nobody can be asked")
        print(f"{words} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("parley: nothing was deleted", file=sys.stderr)
            return 1
    asked(place, managed(given.app, DeleteUser(user=given.user)), "user delete")
    return say(given, {"deleted": given.user}, f"deleted {what}")


def export(given: argparse.Namespace, place: Place) -> int:
    """One JSON object a line: the user, then friends, then each of the conversations with what the user said there. A file
    must not be there yet; it is readable for its owner alone."""
    counts = {"friend": 0, "conversation": 0, "message": 0}

    async def errand() -> None:
        async with opened(place, "user export") as broker:
            named(broker.apps, given.app)

            async def ask(command: Command, user: str) -> Reply:
                return await broker.call(managed(given.app, command, user))

            lines = told(ask, given.app, given.user)
            first = await anext(lines)  # a user who is not there leaves no file
            with target(given.file) as out:
                out.write(line(first))
                async for each in lines:
                    counts[each["type"]] += 1
                    out.write(line(each))
                out.flush()

    try:
        trio.run(errand)
    except* OSError as group:
        error = cast(OSError, group.exceptions[0])
        if isinstance(error, BrokenPipeError):
            raise error from None
        raise BadSettings(f"{given.file} cannot be written: {error.strerror or error}") from None
    if given.file != "-":
        shown = ", ".join(f"{count} {noun}s" for noun, count in counts.items())
        return say(given, {"file": given.file, **{f"{noun}s": count for noun, count in counts.items()}}, shown)
    return 0


def target(file: str) -> Any:
    if file == "-":
        return nullcontext(sys.stdout)
    return open(Path(file), "x", encoding="utf-8", opener=private)


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
