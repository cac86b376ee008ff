"""What the operator sees at a terminal: sessions, one connection, the live figures; from the broker's reports to lines.

The law: plain functions, so what is shown can be tested without a terminal; a line never holds what a stranger could use
to write elsewhere on the screen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import msgspec

from protocol.commands import ConnectionSeen, SessionSeen

Counters = Mapping[str, float]

RATES = (
    ("messages in", "messages_total"),
    ("deliveries", "deliveries_total"),
    ("commands", "commands_total"),
    ("logins", "logins_total"),
    ("refused", "refused_total"),
    ("kicks", "kicks_total"),
    ("closed", "closed_total"),
    ("commits", "commits_total"),
    ("bytes in", "received_bytes_total"),
    ("bytes out", "sent_bytes_total"),
)
"""Shown a second, and since the start."""
LEVELS = (
    ("sessions", "sessions"),
    ("connections", "connections"),
    ("not read: journal behind", 'connections_paused{why="journal"}'),
    ("not read: too fast", 'connections_paused{why="pace"}'),
    ("not answered: wrong proof", 'connections_paused{why="proof"}'),
    ("outboxes, bytes", "outbox_bytes"),
    ("outboxes not taken", "outboxes_blocked"),
    ("answers held for the disk", "held_effects"),
    ("commits not in the store", "store_lag_commits"),
    ("commits not in PostgreSQL", "postgresql_lag_commits"),
    ("journal, bytes", "journal_bytes"),
    ("log lines lost", "log_lines_dropped_total"),
    ("memory, bytes", "resident_bytes"),
)
APPS = 10
"""Shown by name: those to which most was delivered."""


def session_line(seen: SessionSeen) -> str:
    """One session in columns, `-` where there is nothing."""
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seen.since_ms / 1000))
    heard = ago(seen.heard_ms) + " ago" if seen.heard_ms >= 0 else ""
    waits = f"{seen.outbox_bytes} B"
    shown = (seen.session, seen.user, seen.device, seen.platform, seen.tag, seen.wire, seen.address, since, heard, waits)
    return "  ".join(plain(text) or "-" for text in shown)


def session_object(seen: SessionSeen) -> bytes:
    """One session as a line of JSON."""
    return msgspec.json.encode(seen)


def tree(seen: ConnectionSeen) -> Iterator[str]:
    """One connection, and below it what it waits for."""
    who = f"user {plain(seen.user)} of app {plain(seen.app)}" if seen.user else "not logged in"
    device = f", device {plain(seen.device)}" if seen.device else ""
    since = f", logged in for {ago(seen.login_ms)}" if seen.login_ms >= 0 else ""
    yield f"session {seen.session}  {who}{device}{since}"
    wire = seen.wire or "no wire yet"
    counted = f", counted under {seen.address}" if seen.address else ""
    lines = [f"connection  {seen.state}, door {seen.door}, {wire}, from {seen.peer or 'a Unix socket'}{counted}"]
    if seen.seats:
        lines.append(f"carries     {', '.join(seen.seats)}")
    asked = f", asked for a sign of life {ago(seen.probe_ms)} ago, none yet" if seen.probe_ms >= 0 else ""
    lines.append(f"heard       {ago(seen.heard_ms)} ago{asked}")
    reading = f"not for {ago(seen.paused_ms)}: {', '.join(map(PAUSED.__getitem__, seen.paused))}" if seen.paused else "yes"
    lines.append(f"is read     {reading}")
    moving = f", its peer has taken nothing for {ago(seen.blocked_ms)}" if seen.blocked_ms >= 0 else ""
    lines.append(f"outbox      {seen.outbox_bytes} bytes in {seen.outbox_frames} frames{moving}")
    waits = list(waiting(seen))
    lines.append(f"waits for   {waits[0] if waits else 'nothing'}")
    lines += [f"            {line}" for line in waits[1:]]
    for line in lines[:-1]:
        yield f"├─ {line}" if not line.startswith(" ") else f"│  {line}"
    yield f"└─ {lines[-1]}"


PAUSED = {
    "login": "the answer to its login is awaited",
    "journal": "the journal is behind",
    "pace": "it sends more than it may",
}
STOPPED = {"store": "old rows from the store", "password": "its password to be compared", "scan": "a search to end"}


def waiting(seen: ConnectionSeen) -> Iterator[str]:
    """What stands between its requests and their answers."""
    if seen.stopped is not None:
        behind = f"; {seen.queued} requests behind it" if seen.queued else ""
        yield f"{STOPPED[seen.stopped.why]}, for {seen.stopped.command}, since {ago(seen.stopped.since_ms)}{behind}"
    if seen.held:
        place = f"on its way to the disk for {ago(seen.commit_ms)}" if seen.commit_ms >= 0 else "behind the one before it"
        yield f"commit {seen.commit}, {place}; {seen.held} answers held"


def frame(before: Counters, after: Counters, seconds: float) -> list[str]:
    """The live view: what happened in these seconds, and how it stands."""
    lines = [f"parley  up {ago(round(after.get('uptime_seconds', 0) * 1000))}", ""]
    lines.append(f"{'':28}{'a second':>14}{'since the start':>18}")
    for words, name in RATES:
        total = summed(after, name)
        lines.append(f"{words:28}{(total - summed(before, name)) / seconds:>14,.1f}{total:>18,.0f}")
    for words, name in (("turn, ms", "turn_seconds"), ("images a commit", "commit_images")):
        factor = 1000 if name.endswith("_seconds") else 1
        half, most = (quantile(before, after, name, part) for part in (0.5, 0.99))
        lines.append(f"{words:28}{f'half <= {half * factor:g}':>14}{f'99% <= {most * factor:g}':>18}")
    lines.append("")
    lines += [f"{words:28}{summed(after, name):>14,.0f}" for words, name in LEVELS if any(counted(after, name))]
    apps = [name for name in after if name.startswith("deliveries_total{")]
    apps.sort(key=lambda name: before.get(name, 0.0) - after[name])
    if apps:
        lines += ["", f"{'app':28}{'messages/s':>14}{'deliveries/s':>18}{'sessions':>14}"]
    for name in apps[:APPS]:
        label = name.removeprefix("deliveries_total{").removesuffix("}")
        said = f"messages_total{{{label}}}"
        rates = ((after.get(each, 0.0) - before.get(each, 0.0)) / seconds for each in (said, name))
        there = sum(value for each, value in after.items() if each.startswith(f"sessions{{{label},"))
        lines.append(f"{plain(label[5:-1]):28}" + "{:>14,.1f}{:>18,.1f}".format(*rates) + f"{there:>14,.0f}")
    return lines


def counted(counters: Counters, name: str) -> Iterator[str]:
    """The names of a counter, with every label."""
    return (each for each in counters if each == name or each.startswith(name + "{"))


def summed(counters: Counters, name: str) -> float:
    return sum(counters[each] for each in counted(counters, name))


def quantile(before: Counters, after: Counters, name: str, part: float) -> float:
    """The upper end of the bucket below which this part of what came between lies; 0 if nothing came."""
    buckets = [(each, after[each] - before.get(each, 0.0)) for each in counted(after, name + "_bucket")]
    ends = sorted((float(each.partition('le="')[2].rstrip('"}')), count) for each, count in buckets)
    total = ends[-1][1] if ends else 0.0
    return next((end for end, count in ends if total and count >= part * total), 0.0)


def ago(milliseconds: int) -> str:
    """A span of time as one says it."""
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = int(seconds) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


def plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
