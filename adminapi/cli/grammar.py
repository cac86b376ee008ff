"""What can be said to `parley`: the whole grammar, as argparse takes it. `adminapi.cli.completion` reads it too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from adminapi.cli import apps, keeping, live, operators, users
from adminapi.cli.completion import script
from adminapi.cli.errands import opened, say
from adminapi.dialect import OperatorRole
from adminapi.dialects.keys import KEYS
from adminapi.doctor import doctor
from adminapi.imports.sending import import_leancloud
from adminapi.settings import Place
from adminapi.up import child_command, up

Run = Callable[[argparse.Namespace, Place], int]
ROLES = tuple(role.word for role in OperatorRole)
MOST_HOURS = 24.0 * 366 * 10


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", metavar="FILE", default=None, help="settings file (TOML)")
    common.add_argument("--data", metavar="DIR", default=None, help="data directory")
    spoken = argparse.ArgumentParser(add_help=False, parents=[common])
    spoken.add_argument("--json", action="store_true", help="print the result, or the error, as one JSON document")
    root = argparse.ArgumentParser(prog="parley", description="A self-hosted instant-messaging broker.")
    verbs = root.add_subparsers(required=True, metavar="COMMAND")

    def verb(name: str, run: Run, text: str, into: Any = verbs, *positionals: str, plain: bool = False) -> Any:
        made = into.add_parser(name, help=text, description=text, parents=[common if plain else spoken])
        made.set_defaults(run=run)
        for positional in positionals:
            made.add_argument(positional)
        return made

    def nouns(name: str, text: str, metavar: str = "COMMAND") -> Any:
        return verbs.add_parser(name, help=text).add_subparsers(required=True, metavar=metavar)

    verb("up", lambda given, place: up(given.config, place), "Start broker and admin API in the foreground.", plain=True)
    verb("broker", lambda given, place: become("broker", given, place), "Start the broker alone.", plain=True)
    verb("admin", lambda given, place: become("adminapi", given, place), "Start the admin API alone.", plain=True)
    operator_verbs(verb, nouns("operator", "Add, list, change or remove operators of the console."))
    app_verbs(verb, nouns("app", "Add, list, show or change apps."))
    listing = verb("sessions", live.sessions, "List the live sessions of an app (--json: an object a line).", verbs, "app")
    listing.add_argument("--user", default="", help="only this user's")
    verb("tree", live.show_tree, "Show a session's connection and what it waits for.", verbs, "session", plain=True)
    counting = verb("stats", live.stats, "Print the broker's counters.", plain=True)
    counting.add_argument("--watch", action="store_true", help="show what happens, until Ctrl-C")
    counting.add_argument("--every", type=live.pause, default=2.0, metavar="SECONDS", help="between two looks")
    counting.add_argument("--times", type=int, default=0, metavar="N", help="end after so many looks")
    kicking = verb("kick", users.kick, "End a user's sessions.", verbs, "app", "user")
    kicking.add_argument("--device")
    kicking.add_argument("--reason", default="", help="shown to the user")
    minting = verb("token", apps.token, "Print a login token (JWT) for a user of an app.", verbs, "app", "user")
    minting.add_argument(
        "--hours", type=partial(hours, least=0.001), default=24.0, help="how long it is valid, up to ten years"
    )
    verb("announce", users.announce, "Push a system message to everybody of an app who is online.", verbs, "app", "text")
    people = nouns("user", "Export or delete what there is of one user.")
    exporting = verb("export", users.export, "Write a user's data as JSON lines.", people, "app", "user")
    exporting.add_argument("file", metavar="FILE", nargs="?", default="-", help="a new file; stdout if none is given")
    deleting = verb("delete", users.delete, "Delete a user; what was said stays.", people, "app", "user")
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    importing = verb(
        "leancloud",
        run_import,
        "Import conversations and messages exported by LeanCloud; may be repeated.",
        nouns("import", "Import what another service has exported.", "SERVICE"),
    )
    importing.add_argument("--app", required=True, help="the app they are imported into")
    importing.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON or gzip: the class _Conversation, pages of rtm/messages/history"
    )
    saving = verb(
        "backup", keeping.backup, "Copy the data of the running broker into a file; uploaded files are copied apart."
    )
    saving.add_argument("file", metavar="FILE")
    verb("restore", keeping.restore, "Fill an empty data directory with a backup.").add_argument("file", metavar="FILE")
    verb("doctor", lambda given, place: doctor(given.config, place, as_json=given.json), "Check this installation.")
    audits = nouns("audit", "Look at the log of who changed what.")
    verb("verify", keeping.audit_verify, "Check that no line was changed, removed or added.", audits)
    tailing = verb("tail", keeping.audit_tail, "Print the newest lines, which are JSON.", audits)
    tailing.add_argument("-n", "--lines", type=int, default=20, metavar="COUNT")
    completing = verb("completion", complete, "Print the completion script of a shell.", plain=True)
    completing.add_argument("shell", choices=("bash", "zsh"))
    return root


def app_verbs(verb: Callable[..., Any], into: Any) -> None:
    setting = {"metavar": "NAME=VALUE", "help": "a setting of the app"}
    adding = verb("add", apps.app_add, "Add an app, or change one that was added this way.", into, "id")
    for name in ("--key", "--master-key", "--secret"):
        adding.add_argument(name, help="kept if the app is there, else drawn at random")
    adding.add_argument("--set", action="append", default=[], **setting)
    verb("set", apps.app_set, "Change settings of an app that was added this way.", into, "id").add_argument(
        "set", nargs="+", **setting
    )
    rotating = verb("rotate", apps.app_rotate, "Give an app new keys; the old ones stay good for a while.", into, "id")
    rotating.add_argument(
        "--overlap", type=hours, default=24.0, metavar="HOURS", help="how long (24); 0 ends all earlier keys at once"
    )
    rotating.add_argument("--only", action="append", choices=tuple(KEYS), help="change this kind alone; may be repeated")
    verb("list", apps.app_list, "List the apps.", into)
    verb("show", apps.app_show, "Show an app with its keys.", into, "id")


def operator_verbs(verb: Callable[..., Any], into: Any) -> None:
    adding = verb("add", operators.add, "Add an operator; the password is asked for, or read from stdin.", into, "name")
    adding.add_argument("--role", choices=ROLES, default="viewer", help="viewer (reads), support or admin (everything)")
    verb("list", operators.list_all, "List the operators.", into)
    verb("remove", operators.remove, "Remove an operator, who is signed out at once.", into, "name")
    verb("role", operators.role, "Give an operator another role.", into, "name").add_argument("role", choices=ROLES)
    verb("password", operators.password, "Give an operator a new password.", into, "name")


def become(module: str, given: argparse.Namespace, place: Place) -> int:
    """Turn into that program, so that signals and systemd see it and not us."""
    command = child_command(module, given.config, place.data)
    os.execv(command[0], command)


def run_import(given: argparse.Namespace, place: Place) -> int:
    tallies, faults = import_leancloud(partial(opened, place, "import leancloud"), given.app, given.files)
    value: dict[str, Any] = {tally.noun: tally.summary() for tally in tallies}
    if given.json and faults:
        value["faults"] = faults
    say(given, value, *(line for tally in tallies for line in tally.lines()))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def complete(given: argparse.Namespace, place: Place) -> int:
    print(script(given.shell, parser()), end="")
    return 0


def hours(text: str, least: float = 0.0) -> float:
    """An argparse type: finite, and no less than `least`."""
    value = float(text)
    if not least <= value <= MOST_HOURS:
        raise argparse.ArgumentTypeError(f"{text} hours; write a number from {least:g} to {MOST_HOURS:.0f}")
    return value
