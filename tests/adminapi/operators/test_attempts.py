"""How often somebody may try to sign in, and what is remembered of it."""

from __future__ import annotations

import pytest

from adminapi.operators import attempts
from adminapi.operators.attempts import PER_ACCOUNT, PER_ADDRESS, WINDOW_SECONDS, Attempts
from protocol.errors import Refused


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_is_held_after_so_many_and_told_for_how_long() -> None:
    clock = Clock()
    tries = Attempts(clock=clock)
    for number in range(PER_ADDRESS):
        tries.begin(f"n{number}", "1.2.3.4")
    clock.now = 100.0
    with pytest.raises(Refused, match="too_fast") as held:
        tries.begin("another", "1.2.3.4")
    assert held.value.retry_after_ms == (WINDOW_SECONDS - 100) * 1000 + 1
    tries.begin("another", "1.2.3.5")
    clock.now = WINDOW_SECONDS
    tries.begin("another", "1.2.3.4")


def test_a_name_is_held_from_everywhere_but_where_it_was_proven() -> None:
    tries = Attempts(clock=Clock())
    tries.begin("ann", "home")
    tries.succeeded("ann", "home")
    for number in range(PER_ACCOUNT):
        tries.begin("ann", f"10.0.0.{number}")
    for address in ("10.0.1.1", ""):
        with pytest.raises(Refused, match="too_fast"):
            tries.begin("ann", address)
    tries.begin("ann", "home")
    tries.begin("tom", "10.0.1.1")


def test_who_succeeds_is_not_held() -> None:
    tries = Attempts(clock=Clock())
    for _ in range(3 * PER_ACCOUNT):
        tries.begin("ann", "home")
        tries.succeeded("ann", "home")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "REMEMBERED", 5)
    tries = Attempts(clock=Clock())
    for number in range(50):
        tries.begin(f"n{number}", f"a{number}")
        tries.succeeded(f"n{number}", f"a{number}")
    assert max(map(len, (tries._addresses, tries._names, tries._proven))) == 5
