"""Kill points: nothing at all unless the variable names one. That they kill is in `tests/faults/test_kills.py`."""

from __future__ import annotations

import pytest

from broker.persistence.killpoints import killer, nothing, reached


def test_without_the_variable_every_point_is_an_empty_function() -> None:
    assert reached is nothing
    assert killer("") is nothing


def test_another_point_or_an_earlier_pass_does_nothing() -> None:
    die = killer("mid_apply:3")
    die("before_write")
    die("mid_apply")
    die("mid_apply")


@pytest.mark.parametrize("asked", ["nowhere", "mid_apply:0", "mid_apply:", "mid_apply:x", ":1"])
def test_a_point_that_does_not_exist_is_refused_in_words(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        killer(asked)
    assert caught.value.code == 64
    assert repr(asked) in capsys.readouterr().err
