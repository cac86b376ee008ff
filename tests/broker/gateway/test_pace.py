"""How fast one connection may ask."""

from __future__ import annotations

from broker.gateway.pace import Pace, Verdict


def test_a_burst_of_a_second_goes_then_requests_are_refused_until_tokens_return() -> None:
    pace = Pace(10, now=0.0)
    assert [pace.ask(0.0) for _ in range(11)] == [Verdict.GO] * 10 + [Verdict.REFUSE]
    assert 0 < pace.retry_after_ms() <= 101
    assert pace.ask(0.1) is Verdict.GO


def test_going_on_over_the_rate_for_five_seconds_is_the_end() -> None:
    pace = Pace(10, now=0.0)
    verdicts = [pace.ask(step / 20) for step in range(20 * 10)]
    ended = verdicts.index(Verdict.END) / 20
    assert 5.0 <= ended <= 7.5
    assert Verdict.REFUSE in verdicts


def test_who_keeps_to_the_rate_is_never_ended() -> None:
    pace = Pace(10, now=0.0)
    assert all(pace.ask(step / 10) is Verdict.GO for step in range(1000))


def test_a_pause_starts_anew() -> None:
    pace = Pace(10, now=0.0)
    for second in range(0, 100, 10):
        verdicts = [pace.ask(second) for _ in range(15)]
        assert verdicts == [Verdict.GO] * 10 + [Verdict.REFUSE] * 5


def test_free_frames_only_make_the_peer_wait() -> None:
    pace = Pace(10, now=0.0)
    assert all(pace.spend(1, 0.0) for _ in range(99))
    assert not pace.spend(1, 0.0)
    assert not pace.rested(0.0)
    assert pace.rested(0.1)
    assert pace.ask(0.1) is Verdict.GO
