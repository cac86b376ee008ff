"""`parley ...`: the operator's command line (DESIGN 7).

The law: every errand goes over the control socket, as `python -m adminapi` does, so who may open that socket may do all of
this and nobody else; nothing here opens the store or the journal. Results go to stdout, one fact a line; what went wrong
is one sentence on stderr and an exit code other than 0.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import trio

from adminapi.control import connected
from adminapi.doctor import doctor
from adminapi.imports.sending import import_leancloud
from adminapi.seeing import frame, session_line, session_object, tree
from adminapi.settings import Place, load
from adminapi.up import child_command, up
from protocol.apps import App, AppSettings
from protocol.codec import is_name
from protocol.commands import (
    AddApp,
    BackedUp,
    Backup,
    Command,
    ConnectionSeen,
    InspectConnection,
    InspectSessions,
    Kick,
    Managed,
    Reply,
    SessionsSeen,
    Stats,
    StatsReport,
)
from protocol.errors import Reason, Refused
from protocol.settings import BadSettings
from protocol.tokens import make_jwt

BAD_SETTINGS = 78
INTERRUPTED = 130
BACKUP_SECONDS = 6 * 3600.0
MOST_HOURS = 24.0 * 366 * 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    logging.getLogger("adminapi").addHandler(logging.NullHandler())  # an errand says what is wrong in its own sentence
    given = parser().parse_args(arguments)
    try:
        place = load(given.config, given.data)
        return cast(Callable[[argparse.Namespace, Place], int], given.run)(given, place)
    except BadSettings as error:
        print(f"parley: {error}", file=sys.stderr)
        return BAD_SETTINGS
    except Refused as refused:
        print(f"parley: {refused.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        return INTERRUPTED
    except BrokenPipeError:  # `parley sessions demo | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", metavar="FILE", default=None, help="settings file (TOML)")
    common.add_argument("--data", metavar="DIR", default=None, help="data directory")
    root = argparse.ArgumentParser(prog="parley", description="A self-hosted instant-messaging broker.")
    verbs = root.add_subparsers(required=True, metavar="COMMAND")

    def verb(name: str, run: Callable[[argparse.Namespace, Place], int], text: str, into: Any = verbs) -> Any:
        made = into.add_parser(name, help=text, description=text, parents=[common])
        made.set_defaults(run=run)
        return made

    verb("up", lambda given, place: up(given.config, place), "Start broker and admin API in the foreground.")
    verb("broker", lambda given, place: become("broker", given, place), "Start the broker alone.")
    verb("admin", lambda given, place: become("adminapi", given, place), "Start the admin API alone.")
    apps = verbs.add_parser("app", help="Add, list or show apps.").add_subparsers(required=True, metavar="COMMAND")
    adding = verb("add", app_add, "Add an app, or change one that was added this way.", apps)
    adding.add_argument("id")
    for name in ("--key", "--master-key", "--secret"):
        adding.add_argument(name, help="kept if the app is there, else drawn at random")
    adding.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a setting of the app")
    verb("list", app_list, "List the apps.", apps)
    verb("show", app_show, "Show an app with its keys.", apps).add_argument("id")
    listing = verb("sessions", sessions, "List the live sessions of an app.")
    listing.add_argument("app")
    listing.add_argument("--user", default="", help="only this user's")
    listing.add_argument("--json", action="store_true", help="an object a line")
    verb("tree", show_tree, "Show a session's connection and what it waits for.").add_argument("session")
    kicking = verb("kick", kick, "End a user's sessions.")
    kicking.add_argument("app")
    kicking.add_argument("user")
    kicking.add_argument("--device")
    kicking.add_argument("--reason", default="", help="shown to the user")
    counting = verb("stats", stats, "Print the broker's counters.")
    counting.add_argument("--watch", action="store_true", help="show what happens, until Ctrl-C")
    counting.add_argument("--every", type=pause, default=2.0, metavar="SECONDS", help="between two looks")
    counting.add_argument("--times", type=int, default=0, metavar="N", help="end after so many looks")
    minting = verb("token", token, "Print a login token (JWT) for a user of an app.")
    minting.add_argument("app")
    minting.add_argument("user")
    minting.add_argument("--hours", type=hours, default=24.0, help="how long it is valid, up to ten years")
    kinds = verbs.add_parser("import", help="Import what another service has exported.")
    importing = verb(
        "leancloud",
        lambda given, place: import_leancloud(place.control, given.app, given.files),
        "Import conversations and messages exported by LeanCloud; may be repeated.",
        kinds.add_subparsers(required=True, metavar="SERVICE"),
    )
    importing.add_argument("--app", required=True, help="the app they are imported into")
    importing.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON or gzip: the class _Conversation, pages of rtm/messages/history"
    )
    saving = verb("backup", backup, "Copy the data of the running broker into a file; uploaded files are copied apart.")
    saving.add_argument("file", metavar="FILE")
    verb("restore", restore, "Fill an empty data directory with a backup.").add_argument("file", metavar="FILE")
    verb("doctor", lambda given, place: doctor(given.config, place), "Check this installation.")
    return root


def become(module: str, given: argparse.Namespace, place: Place) -> int:
    """Turn into that program, so that signals and systemd see it and not us."""
    command = child_command(module, given.config, place.data)
    os.execv(command[0], command)


def asked(place: Place, command: Command | Managed) -> Reply:
    """One call over the control socket."""

    async def errand() -> Reply:
        async with connected(place.control) as channel:
            return await channel.call(command)

    return trio.run(errand)


def app_table(place: Place) -> dict[str, App]:
    async def errand() -> dict[str, App]:
        async with connected(place.control) as channel:
            return dict(channel.apps or {})

    return trio.run(errand)


def app_named(place: Place, name: str) -> App:
    app = app_table(place).get(name)
    if app is None:
        raise Refused(Reason.UNKNOWN_APP, f"There is no app {name!r}; `parley app list` shows them.")
    return app


def app_add(given: argparse.Namespace, place: Place) -> int:
    if not given.id or not given.id.isprintable():
        raise BadSettings("an app's id is a text of at least one printable character")
    known = app_table(place).get(given.id)
    fresh = App(
        id=given.id,
        key=secrets.token_urlsafe(16),
        master_key=secrets.token_urlsafe(24),
        secret=secrets.token_urlsafe(32),
    )
    app = known or fresh
    changed = {name: value for name in ("key", "master_key", "secret") if (value := getattr(given, name)) is not None}
    if any(not value or not value.isprintable() for value in changed.values()):
        raise BadSettings("a key is a text of at least one printable character")
    app = msgspec.structs.replace(app, settings=settings_of(app.settings, given.set), **changed)
    asked(place, AddApp(app=app))
    print_app(app_named(place, given.id))
    return 0


def settings_of(settings: AppSettings, pairs: Sequence[str]) -> AppSettings:
    """The settings with `name=value` pairs laid over them."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in settings.__struct_fields__}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in values:
            raise BadSettings(f"--set {pair}: write NAME=VALUE with one of {', '.join(values)}")
        if not text.isprintable():
            raise BadSettings(f"--set {name}: the value must be printable text")
        values[name] = text
    try:
        return msgspec.convert(values, AppSettings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"--set: {error}") from None


def app_list(given: argparse.Namespace, place: Place) -> int:
    for app in app_table(place).values():
        print(f"{app.id}{'  disabled' if app.disabled else ''}")
    return 0


def app_show(given: argparse.Namespace, place: Place) -> int:
    print_app(app_named(place, given.id))
    return 0


def print_app(app: App) -> None:
    for name in ("id", "key", "master_key", "secret", "rev", "disabled"):
        print(f"{name:20} {getattr(app, name)}")
    for name in app.settings.__struct_fields__:
        print(f"{name:20} {json.dumps(getattr(app.settings, name))}")


def sessions(given: argparse.Namespace, place: Place) -> int:
    skip = 0
    while True:
        command = InspectSessions(app=given.app, user=given.user, skip=skip)
        reply = cast(SessionsSeen, asked(place, command))
        for session in reply.sessions:
            print(session_object(session).decode() if given.json else session_line(session))
        skip += len(reply.sessions)
        if not reply.sessions or skip >= reply.total:
            return 0


def show_tree(given: argparse.Namespace, place: Place) -> int:
    for line in tree(cast(ConnectionSeen, asked(place, InspectConnection(session=given.session)))):
        print(line)
    return 0


def kick(given: argparse.Namespace, place: Place) -> int:
    command = Kick(user=given.user, device=given.device, reason=given.reason)
    asked(place, Managed(app=given.app, rev=0, command=command))
    return 0


def stats(given: argparse.Namespace, place: Place) -> int:
    if given.watch:
        trio.run(watch, place, given.every, given.times)
        return 0
    for name, value in sorted(cast(StatsReport, asked(place, Stats())).counters.items()):
        print(f"{name:50} {value:g}")
    return 0


async def watch(place: Place, every: float, times: int) -> None:
    """A frame every so many seconds, in place at a terminal; `times` of them, 0: until interrupted."""
    screen = "\x1b[H\x1b[J" if sys.stdout.isatty() else ""
    before: Mapping[str, float] = {}
    shown = 0
    async with connected(place.control) as channel:
        then = trio.current_time()
        while shown < times or not times:
            await trio.sleep(every if before else 0)
            now = trio.current_time()
            try:
                after = cast(StatsReport, await channel.call(Stats())).counters
            except Refused as refused:
                lines = [refused.detail]
                await trio.sleep(every)
            else:
                lines = frame(before, after, now - then) if before else []
                before, then = after, now
            if lines:
                shown += 1
                print(screen + "\n".join([time.strftime("%Y-%m-%d %H:%M:%S"), *lines]), flush=True)


def backup(given: argparse.Namespace, place: Place) -> int:
    """The broker writes the file, and as its own user."""
    file = Path(given.file).absolute()

    async def errand() -> BackedUp:
        async with connected(place.control) as channel:
            return cast(BackedUp, await channel.call(Backup(path=str(file)), deadline_seconds=BACKUP_SECONDS))

    done = trio.run(errand)
    print(f"{file}  {done.size} bytes, everything up to commit {done.position}")
    print(f"uploaded files are not in it; copy {place.files} as well")
    return 0


def restore(given: argparse.Namespace, place: Place) -> int:
    """The broker's own program does it, for it alone knows its files."""
    command = child_command("broker", given.config, place.data, "--restore", str(Path(given.file).absolute()))
    return subprocess.run(command, check=False).returncode


def hours(text: str) -> float:
    """An argparse type: more than 0, and finite."""
    value = float(text)
    if not 0 < value <= MOST_HOURS:
        raise argparse.ArgumentTypeError(f"{text} hours; write a number above 0, at most {MOST_HOURS:.0f}")
    return value


def pause(text: str) -> float:
    """An argparse type: seconds between two looks."""
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} seconds; write a number from 0.1 to 3600")
    return value


def token(given: argparse.Namespace, place: Place) -> int:
    app = app_named(place, given.app)
    if not is_name(given.user, 128):
        raise BadSettings("USER must be 1 to 128 characters of UTF-8 without control characters")
    print(make_jwt(app.secret, {"unique_name": given.user, "exp": int(time.time() + given.hours * 3600)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
