"""Announcements: to everybody who is online, a part of them at a time, once, and how far they have come."""

from __future__ import annotations

import pytest

from broker.hub import announcements
from broker.hub.announcements import KEPT, UNDER_WAY
from protocol.commands import Announce, ListAnnouncements
from protocol.errors import Reason
from protocol.pushes import SystemNew
from protocol.records import AnnouncementInfo
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import reason


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Five users online, of whom two are told at a time."""
    monkeypatch.setattr(announcements, "SLICE", 2)
    monkeypatch.setattr("broker.hub.announcing.SLICE", 2)
    made = Script(app("a"), app("b"))
    for name in NAMES:
        made.login(name)
    made.login("eve", app="b")
    return made


NAMES = ("tom", "ann", "bob", "joe", "sue")


def told(script: Script, *names: str) -> list[str]:
    """Who of them has just heard of it."""
    return [name for name in names or NAMES if [type(push) for push in script.pushes(name)] == [SystemNew]]


def listed(script: Script) -> list[AnnouncementInfo]:
    found: list[AnnouncementInfo] = script.manage(ListAnnouncements()).announcements
    return found


def test_everybody_hears_it_once_a_part_at_a_time(script: Script) -> None:
    reply = script.manage(Announce(content=b'{"text":"hi"}'))
    assert reply.total == 5
    assert told(script) == ["tom", "ann"]
    (progress,) = listed(script)
    assert (progress.id, progress.reached, progress.total, progress.done) == (reply.announcement, 2, 5, False)
    script.pass_ms(250)
    assert told(script) == ["bob", "joe"]
    script.login("late")
    script.pass_ms(250)
    assert told(script, *NAMES, "late", "eve") == ["sue"]
    assert (listed(script)[0].reached, listed(script)[0].done) == (5, True)
    script.pass_ms(1000)
    assert told(script, *NAMES, "late") == []


def test_who_has_gone_is_not_reached(script: Script) -> None:
    script.manage(Announce(content=b"1"))
    script.drop("bob")
    script.pass_ms(250)
    script.pass_ms(250)
    assert (listed(script)[0].reached, listed(script)[0].total, listed(script)[0].done) == (4, 5, True)


def test_with_nobody_online_it_is_done(script: Script) -> None:
    other = Script(app("a"))
    assert other.manage(Announce(content=b"1")).total == 0
    assert [(each.reached, each.done) for each in listed(other)] == [(0, True)]


def test_they_are_bounded_and_the_newest_come_first(script: Script) -> None:
    for number in range(UNDER_WAY):
        script.manage(Announce(content=b"%d" % number))
    assert reason(script.manage(Announce(content=b"x"))) is Reason.TOO_FAST
    assert reason(script.manage(Announce(content=b'"' + b"x" * 70_000 + b'"'))) is Reason.TOO_LARGE
    assert [each.content for each in listed(script)] == [b"3", b"2", b"1", b"0"]
    other = Script(app("a"))
    for number in range(KEPT + 5):
        other.manage(Announce(content=b"%d" % number))
    assert len(listed(other)) == KEPT


def test_an_app_does_not_see_anothers(script: Script) -> None:
    script.manage(Announce(content=b"1"))
    assert script.manage(ListAnnouncements(), app="b").announcements == []
