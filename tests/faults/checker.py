"""The seven invariants: what must hold after every recovery, whatever went wrong before it.

Each is a function of what clients noted (`tests.faults.ledger`) and of what the broker gives back now, and raises `Broken`
with the message that broke it. They know nothing of how the broker works, only of what it has promised.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import apsw

from tests.faults.ledger import Ask, Ledger, Outcome, Said

Histories = Mapping[str, Sequence[Said]]
"""By conversation, as `msg.history` gives them, oldest first."""


class Broken(AssertionError):
    """An invariant does not hold."""


def broken(invariant: int, what: str) -> NoReturn:
    raise Broken(f"invariant {invariant}: {what}")


def acknowledged_is_there_once(ledger: Ledger, histories: Histories) -> None:
    """1: every acknowledged message is in history, once, with the seq and id it was acknowledged with."""
    for conversation, history in histories.items():
        places: defaultdict[str, list[Said]] = defaultdict(list)
        for message in history:
            places[message.text].append(message)
        for ask in ledger.of(Outcome.OK):
            if ask.conversation == conversation and places[ask.text] != [ask.told]:
                broken(1, f"{named(ask)} was acknowledged as {ask.told} and is in history as {places[ask.text]}")


def nothing_is_there_unasked(ledger: Ledger, histories: Histories) -> None:
    """2: what is in history was asked for; what was refused is not; what was never answered is there once at most."""
    times: defaultdict[str, int] = defaultdict(int)
    for conversation, history in histories.items():
        for message in history:
            ask = ledger.asks.get(message.text)
            if ask is None or ask.conversation != conversation:
                broken(2, f"{message} is in {conversation}, and nobody has said it there")
            if ask.outcome is Outcome.FAIL:
                broken(2, f"{named(ask)} was refused with {ask.code}, and is in history as {message}")
            times[message.text] += 1
            if times[message.text] > 1:
                broken(2, f"{named(ask)} is in history more than once")


def seqs_have_no_gap(histories: Histories) -> None:
    """3: the seqs of a conversation are 1, 2, 3, ..."""
    for conversation, history in histories.items():
        for expected, message in enumerate(history, 1):
            if message.seq != expected:
                broken(3, f"{message} stands in {conversation} where seq {expected} should")


def what_was_heard_is_there(ledger: Ledger, histories: Histories) -> None:
    """4: nobody was pushed a message that is not in history."""
    for user, conversation, message in ledger.heard:
        history = histories[conversation]
        if message.seq > len(history) or history[message.seq - 1] != message:
            kept = history[message.seq - 1] if message.seq <= len(history) else "nothing"
            broken(4, f"{user} was pushed {message}, and {kept} is in history at its place")


def everybody_catches_up(ledger: Ledger, histories: Histories) -> None:
    """5: each recipient, back with the last seq it had, ends with exactly the history."""
    for (user, conversation), reading in ledger.readings.items():
        history = histories[conversation]
        for has, should in zip(reading.seen, history, strict=False):
            if has != should:
                broken(5, f"{user} has {has} where history has {should}")
        if len(reading.seen) != len(history):
            broken(5, f"{user} has {len(reading.seen)} messages of {conversation}, history has {len(history)}")


def the_store_holds_the_same(path: Path, histories: Histories) -> None:
    """6: the store (`parley.db`), once it has caught up, is sound and holds the messages of history and no others.

    LookupError as long as it has fewer.
    """
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        sound = db.pragma("integrity_check")
        if sound != "ok":
            broken(6, f"PRAGMA integrity_check says {sound}")
        rows = db.execute("SELECT conversation, seq, body FROM messages ORDER BY conversation, seq").fetchall()
    finally:
        db.close()
    stored: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for conversation, seq, body in rows:
        stored[conversation].append((seq, json.loads(body)["text"]))
    wanted = sorted([(message.seq, message.text) for message in history] for history in histories.values() if history)
    found = sorted(stored.values())
    if len(rows) < sum(map(len, wanted)):
        raise LookupError(f"{len(rows)} messages are in the store, {sum(map(len, wanted))} in history")
    for has, should in zip(found, wanted, strict=False):
        if has != should:
            odd = next((pair for pair in zip(has, should, strict=False) if pair[0] != pair[1]), (has[-1], should[-1]))
            broken(6, f"the store has {odd[0]} where history has {odd[1]}")
    if len(found) != len(wanted):
        broken(6, f"the store has {len(found)} conversations with messages, {len(wanted)} have a history")


def another_crash_changes_nothing(before: Histories, after: Histories) -> None:
    """7: what one recovery gave back, a second one after a crash in between gives back too, and nothing else."""
    for conversation, history in before.items():
        if list(after[conversation]) != list(history):
            pairs = zip(history, after[conversation], strict=False)
            odd = next((f"{one} and then {other}" for one, other in pairs if one != other), "another count")
            broken(7, f"two recoveries give back {conversation} differently: {odd}")


def named(ask: Ask) -> str:
    return f"{ask.text.rstrip('.')!r} ({ask.outcome.value}, attempt {ask.attempts})"
