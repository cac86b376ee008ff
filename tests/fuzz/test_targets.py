"""Every target for a moment; `make fuzz` runs the same ones for long."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A seed with pieces cut out, doubled and overwritten, or anything at all."""
    data = bytearray(draw(st.sampled_from([*SEEDS[name], b""])))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(0, 4))):
        at = chance.randrange(len(data) + 1)
        end = min(at + chance.choice((0, 1, 2, 8)), len(data))
        data[at:end] = draw(st.binary(max_size=8)) or bytes(data[at:end]) * 2
    return bytes(data) or draw(st.binary(max_size=100))


@pytest.mark.fuzz
@pytest.mark.F30
@pytest.mark.CVE
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_whatever_comes_in_what_must_hold_holds(name: str) -> None:
    @settings(deadline=None)
    @given(mutated(name) | st.binary(max_size=200))
    def run(data: bytes) -> None:
        TARGETS[name](data)

    for seed in SEEDS[name]:
        TARGETS[name](seed)
    run()
