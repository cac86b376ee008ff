"""What several parts of the tests share: a PostgreSQL server for the whole run, a database for a test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.postgres import GivenServer, Server, execute, server

numbers = count(1)


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
