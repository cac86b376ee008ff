"""What is shown at the terminal, from reports of the broker."""

from __future__ import annotations

import msgspec

from adminapi import seeing
from protocol.commands import ConnectionSeen, SessionSeen, Stopped

SEEN = ConnectionSeen(
    session="00000000000000ff", app="demo", user="tom", device="phone", login_ms=7_300_000, state="open", door="tls",
    wire="leancloud", address="192.0.2.1", peer="192.0.2.1", heard_ms=26_000, probe_ms=1_000, paused=["journal", "pace"],
    paused_ms=500, outbox_bytes=70_000, outbox_frames=3, blocked_ms=9_100, queued=2,
    stopped=Stopped("store", "History", 1_500), held=4, commit=812, commit_ms=1_200, seats=["00000000000000fe"],
)  # fmt: skip


def test_a_connection_is_shown_with_all_it_waits_for() -> None:
    assert list(seeing.tree(SEEN)) == [
        "session 00000000000000ff  user tom of app demo, device phone, logged in for 2 h",
        "├─ connection  open, door tls, leancloud, from 192.0.2.1, counted under 192.0.2.1",
        "├─ carries     00000000000000fe",
        "├─ heard       26.0 s ago, asked for a sign of life 1.0 s ago, none yet",
        "├─ is read     not for 0.5 s: the journal is behind, it sends more than it may",
        "├─ outbox      70000 bytes in 3 frames, its peer has taken nothing for 9.1 s",
        "├─ waits for   old rows from the store, for History, since 1.5 s; 2 requests behind it",
        "└─             commit 812, on its way to the disk for 1.2 s; 4 answers held",
    ]


def test_a_stranger_is_shown_as_one() -> None:
    stranger = msgspec.structs.replace(
        SEEN, user="", app="", device="", login_ms=-1, wire="", address="", peer="127.0.0.1:9", probe_ms=-1,
        paused=["login"],
        blocked_ms=-1, stopped=None, held=1, commit_ms=-1, seats=[],
    )  # fmt: skip
    assert list(seeing.tree(stranger)) == [
        "session 00000000000000ff  not logged in",
        "├─ connection  open, door tls, no wire yet, from 127.0.0.1:9",
        "├─ heard       26.0 s ago",
        "├─ is read     not for 0.5 s: the answer to its login is awaited",
        "├─ outbox      70000 bytes in 3 frames",
        "└─ waits for   commit 812, behind the one before it; 1 answers held",
    ]


def test_nothing_a_stranger_has_named_moves_the_cursor() -> None:
    seen = SessionSeen("ff", "a\x1b[2J", "\u202e", "", "", "native", "", 0, -1, 0)
    assert seeing.session_line(seen) == "ff  a?[2J  ?  -  -  native  -  1970-01-01 00:00:00  -  0 B"


def test_the_live_view_has_rates_of_the_time_between() -> None:
    before = {
        'messages_total{app="a"}': 10.0, 'messages_total{app="b"}': 1.0, 'deliveries_total{app="a"}': 100.0,
        'deliveries_total{app="b"}': 0.0, 'turn_seconds_bucket{le="0.001"}': 1000.0,
        'turn_seconds_bucket{le="0.01"}': 1000.0,
        'turn_seconds_bucket{le="+Inf"}': 1000.0, "uptime_seconds": 1.0,
    }  # fmt: skip
    after = before | {
        'messages_total{app="a"}': 30.0, 'messages_total{app="b"}': 3.0, 'deliveries_total{app="a"}': 101.0,
        'deliveries_total{app="b"}': 8.0, 'turn_seconds_bucket{le="0.001"}': 1060.0,
        'turn_seconds_bucket{le="0.01"}': 1100.0,
        'turn_seconds_bucket{le="+Inf"}': 1100.0, 'sessions{app="a",wire="native"}': 5.0,
        'sessions{app="a",wire="leancloud"}': 2.0, 'sessions{app="ab",wire="native"}': 1.0, "uptime_seconds": 7300.0,
    }  # fmt: skip
    lines = seeing.frame(before, after, 2.0)
    assert lines[0] == "parley  up 2 h"
    found = {line[:28].strip(): line[28:].split() for line in lines if line}
    assert found["messages in"] == ["11.0", "33"]
    assert found["deliveries"] == ["4.5", "109"]
    assert found["turn, ms"] == ["half", "<=", "1", "99%", "<=", "10"]
    assert found["sessions"] == ["8"]
    assert found["a"] == ["10.0", "0.5", "7"]
    assert [line[:1] for line in lines[-2:]] == ["b", "a"]  # where most happens first
    assert "commits not in PostgreSQL" not in found
