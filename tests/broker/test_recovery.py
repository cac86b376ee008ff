"""A start with PostgreSQL behind `parley.db`: from local files alone, and with nothing left out."""

from __future__ import annotations

import select
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from broker.hub.rows import ConversationRow, HeadRow, Image, put
from broker.persistence.images import encode
from broker.persistence.journal import JournalDamaged
from broker.persistence.store import StoreRefused
from broker.recovery import Recovered, check, recover
from broker.settings import Settings, StoreSettings
from protocol.apps import App
from tests.broker.persistence.stores import message

SETTINGS = Settings(store=StoreSettings(url="postgresql://nobody@127.0.0.1:1/nothing"))
"""No server is asked by a start."""


@contextmanager
def started(data: Path, settings: Settings = SETTINGS) -> Iterator[Recovered]:
    recovered = recover(data, settings, accept_clock=True, wall_ms=0)
    recovered.journal.start(recovered.position + 1)
    try:
        yield recovered
    finally:
        recovered.journal.stop()
        recovered.store.close()


def commit(recovered: Recovered, *images: Image) -> None:
    journal = recovered.journal
    number = journal.durable + 1
    journal.append(number, encode(images))
    while journal.durable < number:
        select.select([journal], [], [])
        journal.drain()
    recovered.targets.submit(number, images)


def applied_locally(recovered: Recovered) -> None:
    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(recovered.targets.local.run)
            assert await recovered.targets.local.drain(trio.current_time() + 20) == 0
            nursery.cancel_scope.cancel()

    trio.run(run)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """`parley.db` has all of five commits, PostgreSQL none."""
    with started(tmp_path) as recovered:
        [app] = recovered.apps.configure((App(id="a", key="k", master_key="m", secret="s"),))
        commit(recovered, app, put("a", "conversations", ConversationRow(9, 3, "u", "u", 1)))
        for seq in range(1, 5):
            commit(recovered, put("a", "messages", message(seq)), put("a", "heads", HeadRow(9, seq)))
        applied_locally(recovered)
    return tmp_path


def test_what_postgresql_has_still_to_be_given_is_in_the_tail_and_tables_are_as_they_were(data: Path) -> None:
    with started(data) as recovered:
        assert recovered.position == 5
        assert recovered.tails["a"].messages(9, 1, 4) == [message(seq) for seq in range(1, 5)]
        assert recovered.apps.hubs["a"].tables.heads[9].last_seq == 4
        assert [writer.statistics().lag for writer in recovered.targets.writers] == [0, 5]
        assert recovered.mint.last > 9_000_004
        commit(recovered, put("a", "messages", message(5)), put("a", "heads", HeadRow(9, 5)))
        assert [writer.statistics().lag for writer in recovered.targets.writers] == [1, 6]
    with started(data) as recovered:
        assert recovered.position == 6
        assert recovered.apps.hubs["a"].tables.heads[9].last_seq == 5
        assert [writer.statistics().lag for writer in recovered.targets.writers] == [1, 6]


def test_commits_that_only_postgresql_lacks_are_missed_if_the_journal_is_gone(data: Path) -> None:
    shutil.rmtree(data / "journal")
    for attempt in (lambda: started(data).__enter__(), lambda: check(data, SETTINGS, cut=False, now_ms=0)):
        with pytest.raises(JournalDamaged, match="PostgreSQL has not got them yet") as caught:
            attempt()
        assert caught.value.commit == 1
    assert "cut" in check(data, SETTINGS, cut=True, now_ms=0)[-1]
    with started(data) as recovered:
        assert recovered.position == 5
        assert recovered.apps.hubs["a"].tables.heads[9].last_seq == 4
        commit(recovered, put("a", "messages", message(5)))
        assert [writer.statistics().lag for writer in recovered.targets.writers] == [1, 6]


def test_a_sound_journal_is_called_sound(data: Path) -> None:
    said = check(data, SETTINGS, cut=False, now_ms=0)
    assert "sound, 5 commits" in said[-1]
    assert "PostgreSQL has been given 0 of 5" in said[-1]


def test_messages_move_to_postgresql_and_not_back(data: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="are in PostgreSQL"):
        recover(data, Settings(), accept_clock=True, wall_ms=0)
    other = tmp_path / "other"
    other.mkdir()
    with started(other, Settings()) as recovered:
        commit(recovered, *recovered.apps.configure((App(id="a", key="k", master_key="m", secret="s"),)))
        applied_locally(recovered)
    with started(other) as recovered:  # moves there: tables are as they were, and nothing was given to PostgreSQL yet
        assert recovered.position == 1
        assert list(recovered.apps.hubs) == ["a"]
        assert [writer.statistics().lag for writer in recovered.targets.writers] == [0, 0]
    with pytest.raises(StoreRefused, match="are in PostgreSQL"):
        recover(other, Settings(), accept_clock=True, wall_ms=0)
