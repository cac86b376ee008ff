"""What `parley.db` knows of PostgreSQL: whether the messages are there, and between which two commits it is.

So a start needs no PostgreSQL, and a database that does not belong to the data directory is told from one that does
(`broker.persistence.postgres.store`). Where the messages of a data directory are is decided when it is new.
"""

from __future__ import annotations

import msgspec

from broker.persistence.postgres.store import Known, PostgresStore
from broker.persistence.sqlite import SqliteStore
from broker.persistence.store import StoreRefused
from broker.settings import StoreSettings

ELSEWHERE = frozenset({"messages", "patches"})
"""Sends stay: a login needs them, and must not wait for PostgreSQL."""
NAME = "postgresql"


def known(store: SqliteStore) -> Known | None:
    """None: the messages are in `parley.db` itself."""
    text = store.meta(NAME)
    return None if text is None else msgspec.json.decode(text, type=Known)


def open_remote(store: SqliteStore, settings: StoreSettings) -> PostgresStore | None:
    """The store of messages, if it is not `parley.db`; nothing is asked of it yet. StoreRefused: the settings say other
    than where the messages are."""
    found = known(store)
    if settings.url == "sqlite":
        if found is not None:
            raise StoreRefused(
                'the messages of this data directory are in PostgreSQL, and [store] url is "sqlite"; write the URL of '
                "that database, or give a data directory of its own"
            )
        return None
    if found is None:
        if store.position:
            raise StoreRefused(
                "the messages of this data directory are in parley.db, and [store] url is another database; write "
                '"sqlite", or give a data directory of its own'
            )
        found = Known(0, 0)
        note(store, found)
    store.elsewhere = ELSEWHERE

    def keep(known: Known) -> None:
        note(store, known)

    identity = str(store.meta("identity"))
    return PostgresStore(settings.url, identity, found, keep, seconds=settings.answer_seconds)


def note(store: SqliteStore, known: Known) -> None:
    store.note(NAME, msgspec.json.encode(known).decode())
