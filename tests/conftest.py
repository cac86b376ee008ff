"""What several parts of the tests share: a PostgreSQL server for the whole run, a database for a test; and which tests are
attacks, and which come first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.postgres import GivenServer, Server, execute, server

numbers = count(1)
ATTACKS = frozenset(
    {"A1", "A2", "A3", "A4", "A5", "A6", "CVE", "F12", "F13", "F15", "F16", "F17", "F18", "F19", "F20", "F22", "F23", "F24"}
    | {"F26", "F27", "F28", "F29", "F30", "F31", "F37", "F39"}
)
"""Rows of the README's table of attacks."""


LONG = ("systemd", "browser", "journeys", "faults", "bench", "attacks")
"""Folders whose files take long; begun last, one of them would be waited for by every core but its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`pytest -m attack` runs what stands in that table, wherever it is."""
    places = {Path(__file__).parent / folder: place for place, folder in enumerate(LONG)}
    items.sort(key=lambda item: min((places[each] for each in item.path.parents if each in places), default=len(LONG)))
    for item in items:
        if any(mark.name in ATTACKS for mark in item.iter_markers()):
            item.add_marker("attack")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server | GivenServer]:
    found = server()
    yield found
    if isinstance(found, Server):
        found.stop()
        found.remove()


@pytest.fixture
def make_database(postgres: Server | GivenServer) -> Iterator[Callable[[], str]]:
    """Makes an empty database and gives its URL."""
    made = []

    def make() -> str:
        name = f"parley_{os.getpid()}_{next(numbers)}"
        made.append(name)
        execute(postgres.url("postgres"), f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        return postgres.url(name)

    yield make
    for name in made:
        execute(postgres.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(make_database: Callable[[], str]) -> str:
    return make_database()
