"""The accounts of operators: `operators.json` in the data directory, written by `parley operator`, read by adminapi.

The law: the file is replaced whole, by one writer at a time, and readable for its owner alone, so who reads it sees all of
one change or nothing of it; it is read again whenever it has changed. Each change of an account draws its `serial` anew, and
a session carries the serial it began under: so whoever is removed, or whose role or password changes, is signed out
everywhere at that moment. The key that signs sessions is in the file too, so that they outlive a restart of adminapi.

Passwords are kept as argon2id hashes (`adminapi.passwords`); nothing here sees one.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from adminapi.dialect import OperatorRole
from protocol.errors import Reason, Refused

NAME = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,63}")
MOST = 1_000
ENDED_MOST = 64
"""Sessions of one operator that were signed out before they were over; one more signs all of his out."""
KEY_BYTES = 32


class Account(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: Literal["viewer", "support", "admin"]
    password: str
    """Its argon2id hash."""
    since_ms: int
    serial: str
    ended: tuple[tuple[str, int], ...] = ()
    """Sessions that were signed out: id, and when they would have been over (Unix ms)."""

    @property
    def rights(self) -> OperatorRole:
        return OperatorRole[self.role.upper()]


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    key: str
    operators: tuple[Account, ...] = ()

    def find(self, name: str) -> Account | None:
        return next((each for each in self.operators if each.name == name), None)

    def named(self, name: str) -> Account:
        """UNKNOWN_USER in a sentence if there is none."""
        found = self.find(name)
        if found is None:
            raise Refused(Reason.UNKNOWN_USER, f"There is no operator {name!r}; `parley operator list` shows them.")
        return found

    def put(self, account: Account) -> Book:
        """With this account, in the place of one of the same name. FULL."""
        others = tuple(each for each in self.operators if each.name != account.name)
        if len(others) >= MOST:
            raise Refused(Reason.FULL, f"There are {MOST} operators, which is the most there can be.")
        return msgspec.structs.replace(self, operators=(*others, account))

    def drop(self, name: str) -> Book:
        self.named(name)
        return msgspec.structs.replace(self, operators=tuple(each for each in self.operators if each.name != name))


Change = Callable[[Book], Book]


class Accounts:
    """The file. `change` blocks; `book` hardly does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[tuple[int, int, int], Book] | None = None

    def book(self) -> Book:
        """As it is now; without accounts where there is no file. STORAGE_UNAVAILABLE if it cannot be read."""
        try:
            stat = os.stat(self.path)
            mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._known is None or self._known[0] != mark:
                self._known = mark, msgspec.json.decode(self.path.read_bytes(), type=Book)
        except FileNotFoundError:
            return Book(key="")
        except (OSError, msgspec.MsgspecError) as error:
            words = f"The file of operators, {self.path}, cannot be read ({error})."
            raise Refused(Reason.STORAGE_UNAVAILABLE, words) from None
        return self._known[1]

    def change(self, change: Change) -> Book:
        """Replace the file by what `change` makes of it; on the disk when this returns. OSError."""
        with self._locked() as folder:
            before = self.book()
            if not before.key:
                before = msgspec.structs.replace(before, key=secrets.token_urlsafe(KEY_BYTES))
            after = change(before)
            fresh = self.path.with_name(self.path.name + ".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                if os.geteuid() == 0:  # what root makes here has to be read by whom the data belongs to
                    owner = os.fstat(folder)
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
                file.write(msgspec.json.format(msgspec.json.encode(after)) + b"\n")
                file.flush()
                os.fsync(descriptor)
            os.replace(fresh, self.path)
            os.fsync(folder)
            return after

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The folder, which is made if need be; one writer at a time has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(folder)


def new_serial() -> str:
    return secrets.token_urlsafe(9)


def renewed(account: Account, **changes: object) -> Account:
    """With these changes, and no session of his any more."""
    return msgspec.structs.replace(account, serial=new_serial(), ended=(), **changes)
