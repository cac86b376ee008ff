"""`parley operator ...`: who may sign in to the console, and as what.

The law: a password is asked for at the terminal, or read from stdin where there is none; never from the command line, which
others on this host can read. The broker has no part in it, and need not run.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from functools import partial

import trio

from adminapi.cli.errands import audit_of, note, say, unwritten
from adminapi.operators.accounts import NAME, Account, Accounts, Book, Change, new_serial, renewed
from adminapi.passwords import MOST_BYTES, Passwords
from adminapi.settings import Place
from protocol.errors import Reason, Refused
from protocol.settings import BadSettings

PASSWORD_LEAST = 8
"""Characters. Guessing over the network is slow (`adminapi.operators.attempts`), and the file is its owner's alone."""


def add(given: argparse.Namespace, place: Place) -> int:
    if not NAME.fullmatch(given.name):
        raise BadSettings("an operator's name has 1 to 64 letters, digits or any of . _ @ -, the first of them not a dot")
    if Accounts(place.operators).book().find(given.name) is not None:  # before a password is asked for
        raise taken(given.name)
    account = Account(
        name=given.name, role=given.role, password=hashed(), since_ms=time.time_ns() // 1_000_000, serial=new_serial()
    )

    def made(book: Book) -> Book:
        if book.find(account.name) is not None:
            raise taken(account.name)
        return book.put(account)

    change(place, f"operator add {given.name}", made)
    return say(given, {"operator": given.name, "role": given.role}, f"{given.name} may sign in now, as {given.role}")


def taken(name: str) -> Refused:
    words = f"There is an operator {name} already; `parley operator password` and `role` change one."
    return Refused(Reason.EXISTS, words)


def list_all(given: argparse.Namespace, place: Place) -> int:
    found = sorted(Accounts(place.operators).book().operators, key=lambda each: each.name)
    value = {"operators": [{"name": each.name, "role": each.role, "since_ms": each.since_ms} for each in found]}
    return say(given, value, *(f"{each.name}  {each.role}" for each in found))


def remove(given: argparse.Namespace, place: Place) -> int:
    change(place, f"operator remove {given.name}", lambda book: book.drop(given.name))
    return say(given, {"removed": given.name}, f"{given.name} is removed and signed out")


def role(given: argparse.Namespace, place: Place) -> int:
    change(place, f"operator role {given.name}", lambda book: book.put(renewed(book.named(given.name), role=given.role)))
    return say(given, {"operator": given.name, "role": given.role}, f"{given.name} is {given.role} now, and signed out")


def password(given: argparse.Namespace, place: Place) -> int:
    Accounts(place.operators).book().named(given.name)  # there is one, before a password is asked for
    fresh = hashed()
    change(place, f"operator password {given.name}", lambda book: book.put(renewed(book.named(given.name), password=fresh)))
    return say(given, {"operator": given.name}, f"{given.name} has the new password, and is signed out")


def change(place: Place, verb: str, made: Change) -> None:
    """Change the file, and say so in the audit log; with no log to write to nothing is changed."""

    async def errand() -> None:
        audit = audit_of(place)
        try:
            await audit.ready()
        except Refused:
            raise unwritten(place, audit.fault) from None
        outcome = "failed"
        try:
            await trio.to_thread.run_sync(Accounts(place.operators).change, made)
            outcome = "done"
        except Refused as refused:
            outcome = refused.reason.value
            raise
        except OSError as error:
            raise BadSettings(f"{place.operators} cannot be written: {error.strerror or error}") from None
        finally:
            await note(audit, verb, "", ["Operators"], outcome)

    trio.run(errand)


def hashed() -> str:
    """Of the password that is asked for."""
    if sys.stdin.isatty():
        text = getpass.getpass("password: ")
        if getpass.getpass("again: ") != text:
            raise BadSettings("the two passwords differ; nothing was changed")
    else:
        text = sys.stdin.readline(MOST_BYTES + 2).rstrip("\r\n")
    if len(text) < PASSWORD_LEAST:
        raise BadSettings(f"a password has at least {PASSWORD_LEAST} characters; it is asked for, or read from stdin")
    return trio.run(partial(Passwords().hash, text))
