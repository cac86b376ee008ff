"""`parley ...`: the operator's command line (DESIGN 7). `grammar`: what can be said; a file for each noun beside it.

The law: every errand goes over the control socket, as `python -m adminapi` does, so who may open that socket may do all of
this and nobody else; nothing here opens the store or the journal. What an errand changes is written into the audit log.
Results go to stdout, one fact a line, or as one JSON document with `--json`; what went wrong is one sentence on stderr that
says what to do (with `--json` an object with `error`, `message` and `exit`), and an exit code:

| code | |
|---|---|
| 0 | done |
| 1 | refused, or `doctor` or `audit verify` found a fault |
| 2 | the command line is wrong |
| 75 | not now: the broker is away or busy, or whether it was done is unknown; try again |
| 78 | wrong settings or arguments; nothing was done |
| 130 | interrupted |
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import cast

from adminapi.cli.grammar import parser
from adminapi.settings import Place, load
from protocol.codec import allow_depth
from protocol.errors import RETRY_LATER, Reason, Refused
from protocol.settings import BadSettings

REFUSED = 1
TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h."""
BAD_SETTINGS = 78
INTERRUPTED = 130
NEXT = {
    Reason.OVERLOADED: "Is it running? `parley doctor` looks; else try again in a moment.",
    Reason.OUTCOME_UNKNOWN: "Look whether it was done before you say it again.",
    Reason.UNKNOWN_APP: "`parley app list` shows the apps.",
    Reason.UNKNOWN_USER: "User names are taken letter by letter; `parley sessions APP` shows who is online.",
    Reason.GOING_AWAY: "The broker is stopping; try again once it is back.",
    Reason.STORAGE_UNAVAILABLE: "`parley doctor` says what the disk lacks.",
    Reason.BAD_FORMAT: "Are both programs of one release? `parley doctor` shows the versions.",
}
"""What to do about a refusal, where its own sentence may not say it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    logging.getLogger("adminapi").addHandler(logging.NullHandler())  # an errand says what is wrong in its own sentence
    given = parser().parse_args(arguments)
    try:
        place = load(given.config, given.data)
        allow_depth(place.nesting)
        code = cast(Callable[[argparse.Namespace, Place], int], given.run)(given, place)
        sys.stdout.flush()  # here, where a pipe that nobody reads any more is no fault
        return code
    except BadSettings as error:
        return fail(given, "settings", str(error), BAD_SETTINGS)
    except Refused as refused:
        if os.path.isdir(place.data) and not os.access(place.data, os.R_OK | os.X_OK, effective_ids=True):
            words = f"This user may not look into {place.data}: run parley as root, or as the user it belongs to."
            return fail(given, refused.reason.value, f"{refused.detail} {words}", REFUSED)
        code = TRY_AGAIN if refused.reason in RETRY_LATER else REFUSED
        return fail(given, refused.reason.value, with_next(refused), code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        return INTERRUPTED
    except BrokenPipeError:  # `parley sessions demo | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED


def with_next(refused: Refused) -> str:
    """The sentence, and what to do unless it says so."""
    more = NEXT.get(refused.reason, "")
    if not more or "parley " in refused.detail:
        return refused.detail
    end = "" if refused.detail.endswith((".", "!", "?")) else "."
    return f"{refused.detail}{end} {more}"


def fail(given: argparse.Namespace, word: str, sentence: str, code: int) -> int:
    if getattr(given, "json", False):
        print(json.dumps({"error": word, "message": sentence, "exit": code}), file=sys.stderr)
    else:
        print(f"parley: {sentence}", file=sys.stderr)
    return code
