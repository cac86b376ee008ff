"""`parley sessions`, `parley tree` and `parley stats`: what is live in the broker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import trio

from adminapi.cli.errands import asked, say
from adminapi.control import connected
from adminapi.seeing import frame, session_line, session_object, tree
from adminapi.settings import Place
from protocol.commands import ConnectionSeen, InspectConnection, InspectSessions, SessionsSeen, Stats, StatsReport
from protocol.errors import Refused


def sessions(given: argparse.Namespace, place: Place) -> int:
    skip = 0
    while True:
        reply = cast(SessionsSeen, asked(place, InspectSessions(app=given.app, user=given.user, skip=skip)))
        for session in reply.sessions:
            print(session_object(session).decode() if given.json else session_line(session))
        skip += len(reply.sessions)
        if not reply.sessions or skip >= reply.total:
            return 0


def show_tree(given: argparse.Namespace, place: Place) -> int:
    seen = cast(ConnectionSeen, asked(place, InspectConnection(session=given.session)))
    return say(given, msgspec.to_builtins(seen), *tree(seen))


def stats(given: argparse.Namespace, place: Place) -> int:
    if given.watch:
        trio.run(watch, place, given.every, given.times, given.json)
        return 0
    counters = dict(sorted(cast(StatsReport, asked(place, Stats())).counters.items()))
    return say(given, counters, *(f"{name:50} {value:g}" for name, value in counters.items()))


async def watch(place: Place, every: float, times: int, as_json: bool = False) -> None:
    """A frame every so many seconds, in place at a terminal; `times` of them, 0: until interrupted. `as_json`: the counters,
    an object a line; one with `error` while the broker does not answer."""
    screen = "\x1b[H\x1b[J" if sys.stdout.isatty() else ""
    before: Mapping[str, float] = {}
    shown = 0
    told: dict[str, Any]
    async with connected(place.control) as channel:
        then = trio.current_time()
        while shown < times or not times:
            await trio.sleep(every if before else 0)
            now = trio.current_time()
            try:
                after = cast(StatsReport, await channel.call(Stats())).counters
            except Refused as refused:
                lines, told = [refused.detail], {"error": refused.reason.value, "message": refused.detail}
                await trio.sleep(every)
            else:
                lines, told = frame(before, after, now - then) if before else [], {"counters": after}
                before, then = after, now
            if as_json:
                lines = [json.dumps({"time": round(time.time(), 3), **told}, ensure_ascii=False)]
            elif lines:
                lines = [screen + time.strftime("%Y-%m-%d %H:%M:%S"), *lines]
            if lines:
                shown += 1
                print("\n".join(lines), flush=True)


def pause(text: str) -> float:
    """An argparse type: seconds between two looks."""
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} seconds; write a number from 0.1 to 3600")
    return value
