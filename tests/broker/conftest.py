"""Fixtures of the broker tests."""

from __future__ import annotations

import pytest

from tests.broker.hub.script import Script


@pytest.fixture
def script() -> Script:
    return Script()
