"""Fixtures of the attacks: a host, as journeys have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.programs import Host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A fresh host; the test starts what it needs."""
    with Host(tmp_path) as host:
        yield host
