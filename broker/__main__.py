"""`python -m broker`: one broker on one data directory.

Exit codes: 0 stopped as asked; 1 a bug; 2 wrong options; 64 wrong settings; 74 a commit could not be written (memory was
ahead of the disk, systemd starts it again); 78 the data directory cannot be used as it is.
"""

from __future__ import annotations

import argparse
import logging
import os
import ssl
import sys
import time
from pathlib import Path

from broker.commits import CommitFailed
from broker.persistence.journal import JournalDamaged
from broker.persistence.segment import JournalRefused
from broker.persistence.store import StoreRefused, StoreUnavailable
from broker.recovery import ClockBehind, check
from broker.restoring import NotRestored, restore
from broker.server import DirectoryInUse, Unusable, locked, serve
from broker.settings import load
from protocol.clients import logs
from protocol.codec import allow_depth
from protocol.settings import BadSettings

EX_USAGE, EX_IOERR, EX_CONFIG = 64, 74, 78
log = logging.getLogger("parley")
UNUSABLE = (
    *(JournalDamaged, JournalRefused, StoreRefused, StoreUnavailable),
    *(ClockBehind, DirectoryInUse, Unusable, NotRestored),
)


def main() -> int:
    options = read_options()
    try:
        settings = load(options.config)
    except BadSettings as error:
        return fail(EX_USAGE, str(error))
    if options.check_settings:
        return 0
    logs.start(settings.log)
    allow_depth(settings.sockets.nesting)
    data = Path(options.data or settings.store.data or "parley-data").absolute()
    become_owner(data)
    try:
        if options.check:
            if not data.is_dir():
                return fail(EX_CONFIG, f"there is no data directory {data}")
            with locked(data):
                for line in check(data, settings, cut=options.cut, now_ms=time.time_ns() // 1_000_000):
                    print(line)
        elif options.restore:
            with locked(data):
                print(restore(Path(options.restore), data))
        else:
            serve(settings, data, options.config, accept_clock=options.accept_clock)
    except BaseException as error:
        return judge(error)
    return 0


def become_owner(data: Path) -> None:
    """Root works on a data directory as its owner: what root made there the service could not use."""
    if os.geteuid() or not data.is_dir():
        return
    owner = data.stat()
    if owner.st_uid:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def judge(error: BaseException) -> int:
    """The exit code of what ended the program, with a sentence, or with a traceback in the log where it is a bug."""
    cause = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, KeyboardInterrupt):
        return 130
    if isinstance(cause, CommitFailed):
        return fail(EX_IOERR, f"stopping: {cause}; nothing more was acknowledged")
    if isinstance(cause, BadSettings | ssl.SSLError):
        return fail(EX_USAGE, str(cause))
    if isinstance(cause, UNUSABLE):
        return fail(EX_CONFIG, str(cause))
    log.critical("a bug ends the broker", exc_info=error)
    return 1


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="parley broker", description="The broker: sockets, sessions, messages.")
    parser.add_argument("--config", metavar="FILE", help="settings (TOML)")
    parser.add_argument("--data", metavar="DIR", help="data directory (default ./parley-data)")
    parser.add_argument("--accept-clock", action="store_true", help="start although the clock is behind the data")
    parser.add_argument("--check-settings", action="store_true", help="read the settings, and stop")
    parser.add_argument("--check", action="store_true", help="verify journal and store, and stop")
    parser.add_argument("--cut", action="store_true", help="with --check: cut a damaged journal, keeping a copy")
    parser.add_argument("--restore", metavar="FILE", help="fill the empty data directory with a backup, and stop")
    return parser.parse_args()


def fail(code: int, sentence: str) -> int:
    """Behind what is in the log, and like it never waiting for a reader."""
    logs.say(f"parley broker: {sentence}")
    return code


if __name__ == "__main__":
    sys.exit(main())
