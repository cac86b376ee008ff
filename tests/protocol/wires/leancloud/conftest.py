"""The gateway these tests speak through."""

from __future__ import annotations

import pytest

from tests.protocol.wires.leancloud.gateway import Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()
