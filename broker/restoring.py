"""`parley restore`: a data directory made of a backup (`broker.upkeep`).

Only an empty directory is filled, and `parley.db` gets its name last, so an interrupted restore leaves nothing a broker
would start from. The journal begins anew behind the backup's position; commit numbers given after the backup are given
again, so the data epoch is renewed and clients start their sync from nothing (DESIGN 5).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import apsw

from broker.persistence.segment import sync_folder
from broker.persistence.sqlite import FORMAT, open_store


class NotRestored(Exception):
    """The text is for the operator."""


def restore(file: Path, data: Path) -> str:
    """Fill the data directory, which we hold locked; what was done, in a sentence. NotRestored, StoreRefused,
    StoreUnavailable."""
    others = sorted(path.name for path in data.iterdir() if path.name != "lock")
    if others:
        raise NotRestored(f"{data} is not empty (it has {', '.join(others[:5])}); give an empty --data directory")
    check(file)
    fresh = data / "parley.db.restored"
    try:
        shutil.copyfile(file, fresh)
        store = open_store(fresh)
        try:
            store.renew_epoch()
            position = store.position
        finally:
            store.close()
        descriptor = os.open(fresh, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, 0o600)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.rename(data / "parley.db")
        sync_folder(data)
    except BaseException as error:
        for left in data.glob(fresh.name + "*"):
            left.unlink()
        if isinstance(error, OSError):
            raise NotRestored(f"{file} cannot be copied into {data}: {error.strerror or error}") from error
        raise
    words = f"restored {file} into {data}: everything up to commit {position}"
    return f"{words}; copy uploaded files (files/) and operators (operators.json) into it too"


def check(file: Path) -> None:
    """NotRestored unless it is a sound copy of a Parley database."""
    if not file.is_file():
        raise NotRestored(f"there is no file {file}")
    try:
        db = apsw.Connection(
            f"{file.absolute().as_uri()}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        try:
            found = db.execute("PRAGMA integrity_check(1)").get
            known = db.execute("SELECT value FROM meta WHERE name = 'position'").get if found == "ok" else None
            version = db.pragma("user_version")
        finally:
            db.close()
    except apsw.Error as error:
        raise NotRestored(f"{file} is no backup of Parley: {error}") from error
    if found != "ok":
        raise NotRestored(f"{file} is damaged: {found}")
    if known is None or not isinstance(version, int) or not 0 < version <= FORMAT:
        raise NotRestored(f"{file} is no backup this program can read")
