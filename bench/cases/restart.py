"""restart: how long a broker with much to remember takes until it accepts again, and what a membership costs in memory.

The data directory is built here, through the broker's own store and journal, for saying it all over sockets would take an
hour. Starts are made of it in turn; each finds a journal of the same length, as the one before has applied what it found.
What a membership costs is the difference of two starts, without and with them, divided by their number; every fourth
has read something, so its position is in the figure.
"""

from __future__ import annotations

import select
import shutil
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from bench.cases.sizes import Sizes
from bench.report import Table, budget, rows
from bench.rounds import Round
from bench.servers import APP, SECRET, Broker
from broker.hub.rows import AppRow, ConversationRow, HeadRow, Image, MemberRow, PositionRow, UserRow, encode_message, put
from broker.persistence.images import encode
from broker.persistence.journal import Journal
from broker.persistence.sqlite import SqliteStore, open_store
from protocol.apps import App
from protocol.ids import first_at
from protocol.records import Kind, Message

CPU, SECONDS, KIB, BYTES = "s CPU until accepting", "s until accepting", "MiB RSS", "bytes RSS per membership"
MOST_SECONDS, MOST_BYTES = 8.0, 350.0
BATCH = 50_000
SENDS_A_COMMIT = 5
SEGMENT_BYTES = 64 * 1_048_576
BODY = b'{"text":"' + b"x" * 80 + b'"}'
START_MS = 1_750_000_000_000


class Population(msgspec.Struct, frozen=True):
    """How much a broker has to remember."""

    messages: int
    users: int
    conversations: int
    memberships: int
    journal_rows: int


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    much = Population(*sizes.restart)
    data = folder / "data"
    data.mkdir(parents=True)
    fill(data, without_members(much))
    without = start(folder, much)
    fill(data, members(much))
    played = [start(folder, much, without.values[KIB]) for _ in range(sizes.restarts)]
    shutil.rmtree(data)
    found = rows({"Parley, fsync": played})
    numbers = f"{much.messages:,} messages, {much.users:,} users, {much.conversations:,} conversations"
    yield Table(
        f"restart: {numbers}, {much.memberships:,} memberships, {much.journal_rows:,} journal rows",
        (CPU, SECONDS, KIB, BYTES),
        found,
        notes=("seconds by the clock mean little while others use the machine",),
        budgets=(
            budget(f"at most {MOST_SECONDS:.0f} s CPU", found[0], CPU, most=MOST_SECONDS),
            budget(f"at most {MOST_BYTES:.0f} bytes a membership", found[0], BYTES, most=MOST_BYTES),
        ),
    )


def start(folder: Path, much: Population, without_mib: float | None = None) -> Round:
    """One start, from a kept journal to the first accept."""
    keep_journal(folder / "data", much)
    began = time.monotonic()
    with Broker(folder) as broker:
        seconds, cpu = time.monotonic() - began, broker.cpu_seconds()
        mib = broker.resident_kib() / 1024
    found = {CPU: cpu, SECONDS: seconds, KIB: mib}
    if without_mib is not None:
        found[BYTES] = (mib - without_mib) * 1_048_576 / much.memberships
    return Round(found)


def fill(data: Path, images: Iterable[Image]) -> None:
    """Into the store, as if long applied."""
    store = open_store(data / "parley.db")
    try:
        source = iter(images)
        while batch := list(islice(source, BATCH)):
            store.write(batch, store.position + 1)
    finally:
        store.close()


def app() -> Image:
    return put(
        "",
        "apps",
        AppRow(APP, msgspec.json.encode(App(id=APP, key="key", master_key="master-key", secret=SECRET)), False),
    )


def conversation(n: int) -> int:
    return first_at(START_MS + n)


def user(n: int) -> str:
    return f"user{n:07}"


def without_members(much: Population) -> Iterator[Image]:
    yield app()
    for n in range(much.users):
        yield put(APP, "users", UserRow(user(n), START_MS, b'{"name":"%s"}' % user(n).encode()))
    each = much.messages // much.conversations
    for n in range(much.conversations):
        said = [message(much, n, seq, n * (each + 1) + seq) for seq in range(1, each + 1)]
        yield put(
            APP, "conversations", ConversationRow(conversation(n), int(Kind.GROUP), user(0), user(0), START_MS, "team")
        )
        last = encode_message(said[-1]) if said else b""
        yield put(APP, "heads", HeadRow(conversation(n), each, changed=1, last=last))
        for one in said:
            yield put(APP, "messages", one)


def message(much: Population, n: int, seq: int, place: int) -> Message:
    # Ids of messages begin where those of conversations end.
    return Message(first_at(START_MS + much.conversations + place), conversation(n), seq, user(seq), -1, BODY)


def members(much: Population) -> Iterator[Image]:
    each = much.memberships // much.conversations
    for n in range(much.conversations):
        for place in range(each):
            # Spread over all users: a stride that has no divisor in common with any round number.
            name = user((n * each + place) * 7919 % much.users)
            yield put(APP, "members", MemberRow(conversation(n), name, START_MS + n, changed=n))
            if (n * each + place) % 4 == 0:
                yield put(APP, "positions", PositionRow(conversation(n), name, 1, changed=n))


def keep_journal(data: Path, much: Population) -> None:
    """A journal with `journal_rows` rows the store does not have: messages and their heads."""
    store = open_store(data / "parley.db")
    position, store_largest = store.position, store.largest_id()
    heads = newest_heads(store, much)
    store.close()
    shutil.rmtree(data / "journal", ignore_errors=True)
    journal = Journal(data / "journal", segment_bytes=SEGMENT_BYTES)
    list(journal.recover(position))
    journal.start(position + 1)
    images: list[Image] = []
    try:
        for n in range(much.journal_rows // 2):
            number = n % much.conversations
            seq = heads.get(number, 0) + 1
            heads[number] = seq
            row = Message(store_largest + 1 + n, conversation(number), seq, user(seq), -1, BODY)
            head = HeadRow(conversation(number), seq, changed=position, last=encode_message(row))
            images += [put(APP, "messages", row), put(APP, "heads", head)]
            if len(images) == 2 * SENDS_A_COMMIT:
                append(journal, encode(images))
                images.clear()
        if images:
            append(journal, encode(images))
    finally:
        journal.stop()


def newest_heads(store: SqliteStore, much: Population) -> dict[int, int]:
    """Last seq by the number of the conversation; those the journal will speak of."""
    spoken = {conversation(n): n for n in range(min(much.journal_rows // 2, much.conversations))}
    loaded: Iterator[tuple[str, Any]] = store.load("heads")
    return {spoken[row.conversation]: row.last_seq for _, row in loaded if row.conversation in spoken}


def append(journal: Journal, body: bytes) -> None:
    journal.append(journal.durable + 1, body)
    while not journal.idle:
        select.select([journal], [], [])
        journal.drain()
        if journal.failed is not None:
            raise journal.failed
