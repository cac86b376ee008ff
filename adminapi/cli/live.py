"""`parley sessions` and `parley stats`: what is live in the broker."""

from __future__ import annotations

import argparse
import time
from typing import cast

from adminapi.cli.errands import asked
from adminapi.settings import Place
from protocol.commands import ListSessions, Managed, SessionList, Stats, StatsReport


def sessions(given: argparse.Namespace, place: Place) -> int:
    skip = 0
    while True:
        command = ListSessions(user=given.user, skip=skip, limit=100)
        reply = cast(SessionList, asked(place, Managed(app=given.app, rev=0, command=command)))
        for session in reply.sessions:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(session.since_ms / 1000))
            shown = (session.session, session.user, session.device, session.platform, session.tag, session.wire)
            print("  ".join(text or "-" for text in (*shown, since)))
        skip += len(reply.sessions)
        if not reply.sessions or skip >= reply.total:
            return 0


def stats(given: argparse.Namespace, place: Place) -> int:
    for name, value in sorted(cast(StatsReport, asked(place, Stats())).counters.items()):
        print(f"{name:50} {value:g}")
    return 0
