"""Fixtures of the journeys: both programs, on the wires users have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.leancloud.clients import FRAMINGS, OPEN, VERSIONS, Sdk
from tests.journeys.leancloud.node import modules
from tests.journeys.programs import Host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A fresh host; the test starts what it needs."""
    with Host(tmp_path) as host:
        yield host


@pytest.fixture(params=[f"{version} {framing}" for version in VERSIONS for framing in FRAMINGS])
def sdk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sdk]:
    """A published SDK beside a broker."""
    version, framing = request.param.split()
    modules(version)
    with Host(tmp_path, OPEN) as host:
        host.broker()
        yield Sdk(host, version, framing)
