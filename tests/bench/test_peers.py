"""The thin brokers: what they share, and that a peer under another version's name does not take part."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bench.cases.admin import answer_end
from bench.cases.growth import flat
from bench.cases.kick import closes
from bench.figures import figure
from bench.peers.desk import Desk, Refused
from bench.report import Row
from bench.servers import Server, ServerFailed
from bench.wires.parley import ParleyWire
from bench.wires.thin import SocketIoWire, ThinWire
from bench.wires.wire import Unexpected
from tests.bench.test_wires import server_frame


class Session:
    """What a library would give."""


def login(user: str, place: str = "", token: str = "right") -> dict[str, str]:
    return {"login": user, "token": token, "hear": place}


def test_a_second_login_replaces_the_first_and_hears_in_its_place() -> None:
    desk: Desk[Session] = Desk("right")
    first, second = Session(), Session()
    assert desk.login(first, login("a", "room")) is None
    assert desk.login(second, login("a", "room")) is first
    assert list(desk.hearers("room")) == [second]
    desk.gone(first)  # its connection ends later
    assert list(desk.hearers("room")) == [second]
    assert desk.user(second) == "a"
    desk.gone(second)
    assert not desk.hearers("room")


def test_a_wrong_token_is_refused() -> None:
    desk: Desk[Session] = Desk("right")
    with pytest.raises(Refused):
        desk.login(Session(), login("a", token="wrong"))


class Claiming(Server):
    listening = re.compile(rb"listening (\d+)")
    claims = re.compile(rb"listening \d+ \S+ (\S+)")


def start(name: str, said: str, folder: Path) -> None:
    command = [sys.executable, "-c", f"import time; print({said!r}, flush=True); time.sleep(60)"]
    with Claiming(name, command, folder):
        pass


def test_a_peer_of_another_version_than_its_row_names_does_not_take_part(tmp_path: Path) -> None:
    start("peer 1.2", "listening 1 peer 1.2", tmp_path)
    with pytest.raises(ServerFailed, match=r"peer 1\.2 is not what it is named: it says it is 1\.3"):
        start("peer 1.2", "listening 1 peer 1.3", tmp_path)
    with pytest.raises(ServerFailed, match="it says it is nothing"):
        start("peer 1.2", "listening 1", tmp_path)


def test_thin_acknowledgements_carry_the_number_and_pushes_are_none() -> None:
    ack, push = server_frame(b'{"ack":"#00000007#"}'), server_frame(b'{"from":"a","to":"b","text":"#00000007#"}')
    assert ThinWire().acknowledged(ack, 0, len(ack)) == 7
    assert ThinWire().acknowledged(push, 0, len(push)) is None
    ack, push = server_frame(b'437["#00000007#"]'), server_frame(b'42["message",{"text":"#00000007#"}]')
    assert SocketIoWire().acknowledged(ack, 0, len(ack)) == 7
    assert SocketIoWire().acknowledged(push, 0, len(push)) is None


def test_a_close_frame_is_seen_behind_others_and_not_in_a_text() -> None:
    wire = ParleyWire()
    text = server_frame(b"\x88" * 5)
    assert not closes(wire, text)
    assert closes(wire, text + b"\x88\x02\x0f\xa1")
    assert not closes(wire, text + b"\x88\x02\x0f")  # not whole yet


def test_an_http_answer_ends_where_its_length_says() -> None:
    answer = b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}"
    assert answer_end(answer) == len(answer)
    assert answer_end(answer[:20]) == -1
    with pytest.raises(Unexpected):
        answer_end(b"HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("costs", "outcome"),
    [
        ([4.0, 2.0, 2.9], "flat: met (1.45 x, the bound is 1.5)"),
        ([4.0, 2.0, 3.1], "flat: NOT MET (1.55 x, the bound is 1.5)"),
        ([4.0], "flat: not measured"),
    ],
)
def test_growth_is_judged_by_the_cheapest_smaller_case(costs: list[float], outcome: str) -> None:
    found = [Row(str(cost), {"us": figure([cost])}) for cost in costs]
    assert flat("flat", found, "us") == outcome
